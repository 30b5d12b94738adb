//! The short number of an order, by which people call it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A number such as `#10042`: unique, and counted up from [`OrderNumber::FIRST`], though not without gaps. Orders
/// that a release before these numbers has made have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct OrderNumber(u64);

/// The most digits of a number, so that a longer text is never read as one.
const MOST_DIGITS: usize = 15;

impl OrderNumber {
    /// The first number.
    pub const FIRST: Self = Self(10_001);

    /// The number that is this many after the first.
    pub const fn after_first(count: u64) -> Self {
        Self(Self::FIRST.0.saturating_add(count))
    }

    /// The number alone.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Reads `#10042` or `10042`; `None` for a text that is no order's number.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').unwrap_or(text);
        let is_number =
            (1..=MOST_DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = Self(is_number.then(|| digits.parse().ok()).flatten()?);
        (number >= Self::FIRST).then_some(number)
    }
}

impl fmt::Display for OrderNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_written_and_nothing_else_is_one() {
        let number = OrderNumber::after_first(41);
        assert_eq!(number.to_string(), "#10042");
        assert_eq!(OrderNumber::parse("#10042"), Some(number));
        assert_eq!(OrderNumber::parse("10042"), Some(number));
        for none in ["", "#", "##10042", "10000", "-10042", "10042.0", "１００４２", &"9".repeat(16)] {
            assert_eq!(OrderNumber::parse(none), None, "{none}");
        }
    }
}
