//! Money: a whole number of a currency's smallest units, never a float.
//!
//! ```text
//!   text or JSON number ──► parse, from_number ──► Money ──► Display, to_json, minor_units, in_words
//!                              └──► Error: why not, and what to send, in the caller's language
//! ```

mod error;
#[cfg(test)]
mod tests;
mod words;

use std::cmp::Ordering;
use std::fmt;

use serde_json::{Number, Value};

use crate::currency::Currency;

pub use error::{Error, Fault};

/// The largest amount that an order may have, in units of any currency.
pub const MOST: u32 = 999_999_999;
/// The number of digits of [`MOST`].
const MOST_DIGITS: i64 = 9;

/// A sum of money, not negative, in one currency.
///
/// An amount that was read is at most [`MOST`]. Multiples ([`Money::times`]) and sums ([`Money::plus`]) may be
/// larger, and [`Money::bounded`] refuses those that are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Money {
    /// The amount in the currency's smallest unit, such as cents.
    minor_units: u64,
    currency: Currency,
}

impl Money {
    /// No money.
    pub const fn zero(currency: Currency) -> Self {
        Self { minor_units: 0, currency }
    }

    /// Reads `12`, `12.3` or `12.34`: digits, and after a point at most as many more as the currency has
    /// decimal places. Nothing else is an amount, neither with a sign, an exponent, separators or blanks, nor
    /// with more places, even if those are 0.
    ///
    /// # Errors
    /// [`Error`], which says why the text is no amount.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, Error> {
        let read = match plain(text) {
            Some((whole, places)) if length(places) <= currency.decimals().into() => {
                Self::exactly(whole, places, 0, currency)
            }
            Some(_) => Err(Fault::TooPrecise),
            None if text.strip_prefix('-').and_then(plain).is_some() => Err(Fault::Negative),
            None => Err(Fault::NotAnAmount),
        };
        read.map_err(|fault| Error::new(fault, text, currency))
    }

    /// Reads a JSON number (RFC 8259, section 6) from its text. How it is written doesn't matter (`1250`,
    /// `1250.000`, `1.25e3`), but it must be exactly an amount: nothing is rounded.
    ///
    /// # Errors
    /// [`Error`], which says why the number is no amount.
    pub fn from_number(text: &str, currency: Currency) -> Result<Self, Error> {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let read = match (plain(mantissa), read_exponent(exponent)) {
            (Some((whole, places)), Some(exponent)) => Self::exactly(whole, places, exponent, currency),
            _ if text.starts_with('-') => Err(Fault::Negative),
            _ => Err(Fault::NotAnAmount),
        };
        read.map_err(|fault| Error::new(fault, text, currency))
    }

    /// The amount `whole`.`places` × 10^`exponent`, if there is one; both parts must be digits, or empty.
    fn exactly(whole: &str, places: &str, exponent: i64, currency: Currency) -> Result<Self, Fault> {
        let digits = format!("{whole}{places}");
        let without_end = digits.trim_end_matches('0');
        let significant = without_end.trim_start_matches('0');
        if significant.is_empty() {
            return Ok(Self::zero(currency));
        }
        // The amount is `significant` × 10^`power`.
        let power =
            exponent.saturating_add(length(&digits) - length(without_end)).saturating_sub(length(places));
        if power.saturating_add(length(significant)) > MOST_DIGITS {
            return Err(Fault::TooLarge);
        }
        let minor_units = u32::try_from(power.saturating_add(currency.decimals().into()))
            .ok()
            .and_then(|shift| significant.parse::<u64>().ok()?.checked_mul(10_u64.checked_pow(shift)?))
            .ok_or(Fault::TooPrecise)?;
        let amount = Self { minor_units, currency };
        if amount > Self::most(currency) { Err(Fault::TooLarge) } else { Ok(amount) }
    }

    /// The amount of so many of the currency's smallest units: of 1000, 10.00 USD, 1000 JPY or 1.000 KWD.
    ///
    /// # Errors
    /// [`Error`], when it is more than [`MOST`].
    pub fn from_minor_units(minor_units: u64, currency: Currency) -> Result<Self, Error> {
        Self { minor_units, currency }.bounded()
    }

    fn most(currency: Currency) -> Self {
        Self { minor_units: u64::from(MOST) * currency.minor_units_in_one(), currency }
    }

    /// The amount, if an order may be worth as much.
    ///
    /// # Errors
    /// [`Error`], when it is more than [`MOST`].
    pub fn bounded(self) -> Result<Self, Error> {
        if self > Self::most(self.currency) {
            return Err(Error::new(Fault::TooLarge, &self.to_string(), self.currency));
        }
        Ok(self)
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// The amount in the currency's smallest unit, as payment providers count: 1000 for 10.00 USD, for 1000
    /// JPY, and for 1.000 KWD.
    pub const fn minor_units(self) -> u64 {
        self.minor_units
    }

    /// Whether this is no money.
    pub const fn is_zero(self) -> bool {
        self.minor_units == 0
    }

    /// The price of `quantity` pieces that cost so much each. Beyond what can be counted, which is far beyond
    /// [`MOST`], it stays the largest countable amount.
    #[must_use]
    pub fn times(self, quantity: u32) -> Self {
        Self { minor_units: self.minor_units.saturating_mul(quantity.into()), ..self }
    }

    /// Both amounts together, if they are in one currency; with the same limit as [`Money::times`].
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        let minor_units = self.minor_units.saturating_add(other.minor_units);
        (self.currency == other.currency).then_some(Self { minor_units, ..self })
    }

    /// What is left of this amount when the other one is taken from it: nothing, where that is more, or in another
    /// currency all of it.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        if self.currency != other.currency {
            return self;
        }
        Self { minor_units: self.minor_units.saturating_sub(other.minor_units), ..self }
    }

    /// The smaller one of both amounts, if they are in one currency.
    #[must_use]
    pub fn at_most(self, other: Self) -> Self {
        if self > other { other } else { self }
    }

    /// So many of the smallest units of this amount, which are all of them at most.
    #[must_use]
    pub fn part(self, minor_units: u64) -> Self {
        Self { minor_units: minor_units.min(self.minor_units), ..self }
    }

    /// The amount as a JSON number.
    pub fn to_json(self) -> Value {
        let text = self.to_string();
        // A JSON number says the same without the zeros at its end.
        let shortest = match text.split_once('.') {
            Some(_) => text.trim_end_matches('0').trim_end_matches('.'),
            None => &text,
        };
        let number: Option<Number> = shortest.parse().ok();
        number.map_or(Value::Null, Value::Number)
    }
}

/// Amounts of one currency are larger and smaller than each other. Of two currencies none is.
impl PartialOrd for Money {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self.currency == other.currency).then(|| self.minor_units.cmp(&other.minor_units))
    }
}

/// Digits, with all the decimal places that the currency has, and without the currency.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = self.currency.minor_units_in_one();
        let (whole, rest) = (self.minor_units / one, self.minor_units % one);
        match self.currency.decimals() as usize {
            0 => write!(f, "{whole}"),
            decimals => write!(f, "{whole}.{rest:0decimals$}"),
        }
    }
}

/// The digits before and behind the point, if there is nothing else; without a point none are behind it.
fn plain(text: &str) -> Option<(&str, &str)> {
    match text.split_once('.') {
        Some((whole, places)) => (is_digits(whole) && is_digits(places)).then_some((whole, places)),
        None => is_digits(text).then_some((text, "")),
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The length of a text in bytes, of the type that exponents are computed with; no text is longer than that
/// counts.
fn length(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

/// The exponent of a number. One that is out of the range of `i64` becomes the nearest in it, which no amount
/// has.
fn read_exponent(text: &str) -> Option<i64> {
    let outermost = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    is_digits(text.strip_prefix(['+', '-']).unwrap_or(text)).then(|| text.parse().unwrap_or(outermost))
}
