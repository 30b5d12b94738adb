//! Money: decimal, two places, never a float.

use std::fmt;
use std::iter::Sum;
use std::ops::Add;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

/// The largest amount an order may have.
pub const MOST: u32 = 999_999_999;

/// A sum of money, not negative, in the shop's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Money(Decimal);

/// Why a text or number is no amount of money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not a decimal number.
    #[error("'{0}' is not a decimal number")]
    NotANumber(String),
    /// Below zero.
    #[error("{0} is negative")]
    Negative(Decimal),
    /// More than two decimal places.
    #[error("{0} has more than two decimal places")]
    TooPrecise(Decimal),
    /// More than an order may be worth.
    #[error("{0} is more than an order may be worth ({MOST})")]
    TooLarge(Decimal),
}

impl Money {
    /// Reads `12`, `12.3` or `12.34`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let decimal = Decimal::from_str(text)
            .or_else(|_| Decimal::from_scientific(text))
            .map_err(|_| Error::NotANumber(text.to_owned()))?;
        Self::from_decimal(decimal)
    }

    /// Reads a JSON number, or a text that holds one.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn from_json(value: &Value) -> Result<Self, Error> {
        match value {
            Value::Number(number) => Self::parse(&number.to_string()),
            Value::String(text) => Self::parse(text),
            other => Err(Error::NotANumber(other.to_string())),
        }
    }

    fn from_decimal(decimal: Decimal) -> Result<Self, Error> {
        let normal = decimal.normalize();
        if normal.is_sign_negative() && !normal.is_zero() {
            return Err(Error::Negative(normal));
        }
        if normal.scale() > 2 {
            return Err(Error::TooPrecise(normal));
        }
        if normal > Decimal::from(MOST) {
            return Err(Error::TooLarge(normal));
        }
        Ok(Self(normal))
    }

    /// `quantity` times as much.
    #[must_use]
    pub fn times(self, quantity: u32) -> Self {
        Self(self.0 * Decimal::from(quantity))
    }

    /// As a JSON number.
    pub fn to_json(self) -> Value {
        let number: Option<Number> = self.0.normalize().to_string().parse().ok();
        number.map_or(Value::Null, Value::Number)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2}", self.0)
    }
}

impl TryFrom<String> for Money {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl From<Money> for String {
    fn from(money: Money) -> Self {
        money.to_string()
    }
}

impl Add for Money {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(moneys: I) -> Self {
        moneys.fold(Self::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn amounts_are_read_exactly_or_refused() {
        assert_eq!(Money::from_json(&json!(999.99)).unwrap().to_string(), "999.99");
        assert_eq!(Money::from_json(&json!("12.50")).unwrap(), Money::parse("12.5").unwrap());
        assert!(matches!(Money::parse("-1"), Err(Error::Negative(_))));
        assert!(matches!(Money::parse("0.001"), Err(Error::TooPrecise(_))));
        assert!(matches!(Money::parse("1000000000"), Err(Error::TooLarge(_))));
        assert!(matches!(Money::from_json(&json!([])), Err(Error::NotANumber(_))));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(cents in 0u64..99_999_999_999) {
            let money = Money::parse(&format!("{}.{:02}", cents / 100, cents % 100)).unwrap();
            prop_assert_eq!(Money::parse(&money.to_string()).unwrap(), money);
            prop_assert_eq!(Money::from_json(&money.to_json()).unwrap(), money);
        }
    }
}
