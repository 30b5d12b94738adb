//! Movements of stock: what people do with the pieces in a warehouse, beside what orders do.
//!
//! A movement changes the pieces that are available. Those that are set aside for orders stay so: whatever would
//! take them is refused, with the numbers.

use serde::{Deserialize, Serialize};

/// The largest number of pieces of one product in one warehouse. It leaves room for sums of all warehouses.
pub const MOST_PIECES: u32 = 1_000_000_000;

/// What kind of movement it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum MovementKind {
    /// A delivery has come: so many pieces more.
    Receive,
    /// A correction by so many pieces, more or fewer.
    Adjust,
    /// Somebody counted the pieces on the shelf: those that are available and those that are set aside.
    Count,
    /// So many pieces go to another warehouse.
    Transfer,
    /// A customer sent so many pieces back that can be sold again. It is made with the return, never by itself.
    Return,
}

impl MovementKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Receive, Self::Adjust, Self::Count, Self::Transfer, Self::Return];
    /// The kinds that people ask for.
    pub const ASKED: [Self; 4] = [Self::Receive, Self::Adjust, Self::Count, Self::Transfer];

    /// The name that it has in requests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Receive => "receive",
            Self::Adjust => "adjust",
            Self::Count => "count",
            Self::Transfer => "transfer",
            Self::Return => "return",
        }
    }

    /// The kind of this name that people may ask for.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ASKED.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether such a quantity makes sense for this kind.
    pub const fn takes(self, quantity: i64) -> bool {
        match self {
            Self::Receive | Self::Transfer | Self::Return => quantity > 0,
            Self::Adjust => quantity != 0,
            Self::Count => quantity >= 0,
        }
    }
}

/// The pieces of one product on the shelf of one warehouse.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OnShelf {
    /// Those that can be ordered.
    pub available: u32,
    /// Those that are set aside for orders.
    pub reserved: u32,
}

/// Why a movement can't be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Impossible {
    /// It would take more pieces than are available.
    #[error("{wanted} pieces would be taken and {} are available", shelf.available)]
    TooFew {
        /// What is on the shelf.
        shelf: OnShelf,
        /// The pieces that it would take of those that are available.
        wanted: i64,
    },
    /// There would be more pieces than [`MOST_PIECES`].
    #[error("there would be more than {MOST_PIECES} pieces")]
    TooMany,
}

impl OnShelf {
    /// The number by which a movement of this kind changes the available pieces, and the shelf after it.
    ///
    /// # Errors
    /// When it would take pieces that are not available, or bring more than a row may hold.
    pub fn moved(self, kind: MovementKind, quantity: i64) -> Result<(i64, Self), Impossible> {
        let (available, reserved) = (i64::from(self.available), i64::from(self.reserved));
        let change = match kind {
            MovementKind::Receive | MovementKind::Adjust | MovementKind::Return => quantity,
            MovementKind::Count => quantity.saturating_sub(available + reserved),
            MovementKind::Transfer => quantity.saturating_neg(),
        };
        let after = available.saturating_add(change);
        if after < 0 {
            return Err(Impossible::TooFew { shelf: self, wanted: change.saturating_neg() });
        }
        match u32::try_from(after) {
            Ok(available) if available <= MOST_PIECES => Ok((change, Self { available, ..self })),
            _ => Err(Impossible::TooMany),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_kind_moves_the_available_pieces_alone() {
        let shelf = OnShelf { available: 10, reserved: 3 };
        let moved =
            |kind, quantity| shelf.moved(kind, quantity).map(|(change, after)| (change, after.available));
        assert_eq!(moved(MovementKind::Receive, 5), Ok((5, 15)));
        assert_eq!(moved(MovementKind::Adjust, -10), Ok((-10, 0)));
        assert_eq!(moved(MovementKind::Count, 13), Ok((0, 10)));
        assert_eq!(moved(MovementKind::Count, 4), Ok((-9, 1)));
        assert_eq!(moved(MovementKind::Transfer, 4), Ok((-4, 6)));
        let too_few = |wanted| Err(Impossible::TooFew { shelf, wanted });
        assert_eq!(moved(MovementKind::Adjust, -11), too_few(11));
        assert_eq!(moved(MovementKind::Transfer, 11), too_few(11));
        assert_eq!(moved(MovementKind::Count, 2), too_few(11), "three are set aside");
        assert_eq!(moved(MovementKind::Receive, i64::from(MOST_PIECES)), Err(Impossible::TooMany));
    }

    proptest! {
        #[test]
        fn whatever_is_moved_no_row_falls_below_zero_and_what_is_set_aside_stays(
            available in 0..=MOST_PIECES,
            reserved in 0..=MOST_PIECES,
            quantity in any::<i64>(),
        ) {
            let shelf = OnShelf { available, reserved };
            for kind in MovementKind::ALL {
                if let Ok((change, after)) = shelf.moved(kind, quantity) {
                    prop_assert_eq!(i64::from(after.available), i64::from(available) + change);
                    prop_assert_eq!(after.reserved, reserved);
                }
            }
        }
    }
}
