//! A warehouse: how it is reached, and which of several is asked first.

use serde::{Deserialize, Serialize};

/// A warehouse as the shop knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warehouse {
    /// The id, which the stock is kept under.
    pub warehouse_id: String,
    /// The name for people.
    pub name: String,
    /// Of two warehouses that can both ship, the one with the lower rank does.
    #[serde(default)]
    pub rank: u32,
    /// How it is asked to ship.
    #[serde(flatten)]
    pub link: Link,
    /// Whether new orders may be shipped from it. What it was asked before goes on.
    #[serde(default = "yes")]
    pub active: bool,
    /// The number of changes that were made to it; 0 for one that a release stored which didn't count them, and for one
    /// that nobody has described.
    #[serde(default)]
    pub version: u64,
}

/// How a warehouse is asked to ship.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "link", rename_all = "lowercase")]
pub enum Link {
    /// It is simulated.
    Simulated,
    /// By a request to its own server.
    Http {
        /// The `http` or `https` address that takes the requests.
        endpoint: String,
    },
}

/// The length of the longest id of a warehouse, in characters.
pub const LONGEST_ID: usize = 64;

/// Why a text can't be the id of a warehouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the id of a warehouse has 1 to {LONGEST_ID} characters: letters from a to z, digits, '-' and '_'")]
pub struct BadWarehouseId;

/// Checks the id of a warehouse. It stands in paths, in keys, in files and in the names of secrets.
///
/// # Errors
/// [`BadWarehouseId`].
pub fn check_id(id: &str) -> Result<(), BadWarehouseId> {
    let fits = id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if fits && (1..=LONGEST_ID).contains(&id.len()) { Ok(()) } else { Err(BadWarehouseId) }
}

const fn yes() -> bool {
    true
}

impl Warehouse {
    /// The rank of a warehouse that doesn't say its own.
    pub const USUAL_RANK: u32 = 100;

    /// The warehouse that there is stock in and nobody has described: a simulated one.
    pub fn undescribed(id: &str) -> Self {
        Self {
            warehouse_id: id.to_owned(),
            name: id.to_owned(),
            rank: Self::USUAL_RANK,
            link: Link::Simulated,
            active: true,
            version: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_can_stand_in_a_path_and_name_a_secret() {
        for id in ["wh-east", "7", "_", "a".repeat(LONGEST_ID).as_str()] {
            assert_eq!(check_id(id), Ok(()), "{id}");
        }
        for id in ["", "wh east", "wh/east", "wh.east", "склад", "a".repeat(LONGEST_ID + 1).as_str()] {
            assert_eq!(check_id(id), Err(BadWarehouseId), "{id:?}");
        }
    }
}
