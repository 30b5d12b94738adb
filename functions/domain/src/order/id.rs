//! The id of an order, and the ids of its workflow that name the order as well.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// `ORD-` and digits. The digits of a new id are the milliseconds since 1970 and six random ones, so that ids
/// sort by age.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", schemars(extend("pattern" = "^ORD-[0-9]{1,32}$")))]
pub struct OrderId(String);

/// A text that is no order id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an order id: it is ORD- and digits")]
pub struct BadOrderId(String);

/// The largest number of digits in an id.
const MOST_DIGITS: usize = 32;
/// The number of digits of a new id that tell its time: milliseconds since 1970 have 13 until the year 2286.
const TIME_DIGITS: usize = 13;
/// The number of digits of a new id that are random.
const RANDOM_DIGITS: usize = 6;
/// The beginning of the workflow ids that name the customer.
const PROCESSING: &str = "order-processing-";

impl OrderId {
    /// The beginning of every id.
    pub const PREFIX: &str = "ORD-";

    /// The length of the longest id, in bytes.
    pub const LONGEST: usize = Self::PREFIX.len() + MOST_DIGITS;

    /// The random number in a new id is smaller than this.
    pub const RANDOM_BELOW: u32 = 10_u32.pow(RANDOM_DIGITS as u32);

    /// Makes the id of an order that is created at `now`. The number `random`, which is below
    /// [`OrderId::RANDOM_BELOW`], tells it from others of the same millisecond.
    pub fn new(now: DateTime<Utc>, random: u32) -> Self {
        let (time, random) = (now.timestamp_millis(), random % Self::RANDOM_BELOW);
        Self(format!("{}{time:0TIME_DIGITS$}{random:0RANDOM_DIGITS$}", Self::PREFIX))
    }

    /// The id that comes after all others, so that a list which begins after it has them all.
    pub fn highest() -> Self {
        Self(format!("{}{}", Self::PREFIX, "9".repeat(MOST_DIGITS)))
    }

    /// Tells when the id was made; `None` for an id that [`OrderId::new`] hasn't made.
    pub fn made_at(&self) -> Option<DateTime<Utc>> {
        let digits = Some(self.number()).filter(|digits| digits.len() == TIME_DIGITS + RANDOM_DIGITS)?;
        DateTime::from_timestamp_millis(digits[..TIME_DIGITS].parse().ok()?)
    }

    /// Reads an id.
    ///
    /// # Errors
    /// [`BadOrderId`] for any other text.
    pub fn parse(text: &str) -> Result<Self, BadOrderId> {
        let digits =
            text.strip_prefix(Self::PREFIX).filter(|digits| (1..=MOST_DIGITS).contains(&digits.len()));
        match digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit())) {
            Some(_) => Ok(Self(text.to_owned())),
            None => Err(BadOrderId(text.to_owned())),
        }
    }

    /// Reads an id, or a workflow id of the order: the order id itself, or
    /// `order-processing-CUSTOMER-NUMBER`.
    ///
    /// # Errors
    /// [`BadOrderId`] for any other text.
    pub fn parse_workflow_id(text: &str) -> Result<Self, BadOrderId> {
        match text.strip_prefix(PROCESSING).and_then(|rest| rest.rsplit_once('-')) {
            Some((_, number)) => {
                Self::parse(&format!("{}{number}", Self::PREFIX)).map_err(|_| BadOrderId(text.to_owned()))
            }
            None => Self::parse(text),
        }
    }

    /// The workflow id that names the customer as well: `order-processing-CUSTOMER-NUMBER`, where an order
    /// without a customer says `guest`.
    pub fn processing_id(&self, customer: Option<&str>) -> String {
        format!("{PROCESSING}{}-{}", customer.unwrap_or("guest"), self.number())
    }

    /// The name of the order's execution with this number: the id alone for the first one.
    pub fn execution_name(&self, number: u32) -> String {
        if number <= 1 { self.0.clone() } else { format!("{}-{number}", self.0) }
    }

    /// The order that an execution of this name is of, if it is one of an order.
    pub fn of_execution(name: &str) -> Option<Self> {
        let id = name.strip_prefix(Self::PREFIX)?;
        let digits = id.split_once('-').map_or(id, |(digits, _)| digits);
        Self::parse(&format!("{}{digits}", Self::PREFIX)).ok()
    }

    /// The digits of the id.
    pub fn number(&self) -> &str {
        self.0.trim_start_matches(Self::PREFIX)
    }

    /// A number that follows from the id alone and spreads orders evenly: FNV-1a of 64 bits (draft-eastlake-fnv),
    /// with its halves folded. What is stored relies on it, so it never changes.
    pub fn hash64(&self) -> u64 {
        let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        let hash = self.0.bytes().fold(0xcbf2_9ce4_8422_2325, step);
        hash ^ (hash >> 32)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for OrderId {
    type Error = BadOrderId;

    fn try_from(text: String) -> Result<Self, BadOrderId> {
        Self::parse(&text)
    }
}

impl From<OrderId> for String {
    fn from(id: OrderId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::*;
    use crate::order::samples::now;

    #[test]
    fn ids_sort_by_age_and_are_checked() {
        let (old, new) = (OrderId::new(now(), 999_999), OrderId::new(now() + Duration::milliseconds(1), 0));
        assert!(old < new && new < OrderId::highest());
        assert_eq!(OrderId::parse(OrderId::highest().as_str()), Ok(OrderId::highest()));
        assert_eq!(OrderId::parse(old.as_str()).unwrap(), old);
        assert_eq!(old.made_at(), Some(now()));
        assert_eq!(OrderId::parse("ORD-17").unwrap().made_at(), None);
        assert_eq!(
            OrderId::parse(&format!("ORD-{}", "9".repeat(32))).unwrap().as_str().len(),
            OrderId::LONGEST
        );
        for bad in ["", "ORD-", "ORD-1x", "1", "ORD-1;drop", &format!("ORD-{}", "9".repeat(33))] {
            assert!(OrderId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_workflow_id_leads_to_its_order() {
        let id = OrderId::parse("ORD-17").unwrap();
        for customer in [None, Some("ann"), Some("ann-marie"), Some("")] {
            assert_eq!(OrderId::parse_workflow_id(&id.processing_id(customer)).unwrap(), id, "{customer:?}");
        }
        assert_eq!(OrderId::parse_workflow_id("ORD-17").unwrap(), id);
        for bad in ["order-processing-ann", "order-processing-ann-x", "ann-17"] {
            assert!(OrderId::parse_workflow_id(bad).is_err(), "{bad}");
        }
    }
}
