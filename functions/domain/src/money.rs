//! Money: a decimal number with two places, never a float.

use std::fmt;
use std::iter::Sum;
use std::ops::Add;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

/// The largest amount that an order may have.
pub const MOST: u32 = 999_999_999;
/// The number of digits of [`MOST`].
const MOST_DIGITS: i64 = 9;
/// The largest number of decimal places of an amount.
const PLACES: u32 = 2;
/// The length of what an error repeats of a text that is no amount, in characters.
const SHOWN: usize = 40;

/// A sum of money, not negative, in the shop's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Money(Decimal);

/// Why a text or number is no amount of money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is not digits, with or without decimal places.
    #[error("'{0}' is not digits with at most two decimal places, such as 12 or 12.50")]
    NotAnAmount(String),
    /// The amount is below zero.
    #[error("{0} is negative")]
    Negative(String),
    /// The amount has more than two decimal places.
    #[error("{0} has more than two decimal places")]
    TooPrecise(String),
    /// The amount is above [`MOST`].
    #[error("{0} is more than an order may be worth ({MOST})")]
    TooLarge(String),
}

impl Money {
    /// Reads `12`, `12.3` or `12.34`: digits, and after a point one or two more. Nothing else is an amount,
    /// neither with a sign, an exponent, separators or blanks, nor with more places, even if those are 0.
    ///
    /// # Errors
    /// [`Error`], which says why the text is no amount.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let read = match plain(text) {
            Some((whole, places)) if places.len() <= 2 => Self::exactly(whole, places, 0),
            Some(_) => Err(Error::TooPrecise as fn(String) -> Error),
            None if text.strip_prefix('-').and_then(plain).is_some() => Err(Error::Negative as _),
            None => Err(Error::NotAnAmount as _),
        };
        read.map_err(|error| error(shown(text)))
    }

    /// Reads a JSON number (RFC 8259, section 6) from its text. How it is written doesn't matter (`1250`,
    /// `1250.000`, `1.25e3`), but it must be exactly an amount: nothing is rounded.
    ///
    /// # Errors
    /// [`Error`], which says why the number is no amount.
    pub fn from_number(text: &str) -> Result<Self, Error> {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let read = match (plain(mantissa), read_exponent(exponent)) {
            (Some((whole, places)), Some(exponent)) => Self::exactly(whole, places, exponent),
            _ if text.starts_with('-') => Err(Error::Negative as fn(String) -> Error),
            _ => Err(Error::NotAnAmount as _),
        };
        read.map_err(|error| error(shown(text)))
    }

    /// The amount `whole`.`places` × 10^`exponent`, if there is one; both parts must be digits.
    fn exactly(whole: &str, places: &str, exponent: i64) -> Result<Self, fn(String) -> Error> {
        let digits = format!("{whole}{places}");
        let without_end = digits.trim_end_matches('0');
        let significant = without_end.trim_start_matches('0');
        if significant.is_empty() {
            return Ok(Self::default());
        }
        // The amount is `significant` × 10^`power`.
        let power =
            exponent.saturating_add(length(&digits) - length(without_end)).saturating_sub(length(places));
        if power.saturating_add(length(significant)) > MOST_DIGITS {
            return Err(Error::TooLarge);
        }
        let cents = u32::try_from(power.saturating_add(PLACES.into()))
            .ok()
            .and_then(|shift| significant.parse::<i64>().ok()?.checked_mul(10_i64.checked_pow(shift)?))
            .ok_or(Error::TooPrecise as fn(String) -> Error)?;
        let amount = Decimal::new(cents, PLACES).normalize();
        if amount > Decimal::from(MOST) { Err(Error::TooLarge) } else { Ok(Self(amount)) }
    }

    /// The price of `quantity` pieces that cost so much each.
    #[must_use]
    pub fn times(self, quantity: u32) -> Self {
        Self(self.0 * Decimal::from(quantity))
    }

    /// The amount as a JSON number.
    pub fn to_json(self) -> Value {
        let number: Option<Number> = self.0.normalize().to_string().parse().ok();
        number.map_or(Value::Null, Value::Number)
    }
}

/// The digits before and behind the point, if there is nothing else; without a point a 0 is behind it.
fn plain(text: &str) -> Option<(&str, &str)> {
    let (whole, places) = text.split_once('.').unwrap_or((text, "0"));
    (is_digits(whole) && is_digits(places)).then_some((whole, places))
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

/// The first [`SHOWN`] characters of a text, for an error.
fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
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

    use super::*;

    /// An amount of so many hundredths.
    fn money(cents: u64) -> Money {
        Money::parse(&format!("{}.{:02}", cents / 100, cents % 100)).unwrap()
    }

    #[test]
    fn a_text_is_digits_with_at_most_two_places_and_nothing_else() {
        for (text, written) in [
            ("12", "12.00"),
            ("12.5", "12.50"),
            ("0.01", "0.01"),
            ("0", "0.00"),
            ("007", "7.00"),
            ("999999999", "999999999.00"),
            ("0000000000000999999999.00", "999999999.00"),
        ] {
            assert_eq!(Money::parse(text).unwrap().to_string(), written, "{text}");
        }
        for text in [
            "",
            " ",
            ".",
            "-",
            "1_000",
            "1,000",
            "1 000",
            "+5",
            "1e3",
            "1E2",
            ".5",
            "5.",
            "1.2.3",
            " 5",
            "5 ",
            "5\n",
            "\u{feff}5",
            "５",
            "٥",
            "0x10",
            "1.5e0",
            "NaN",
            "inf",
            "--1",
            "-+1",
            "1-",
            "12,50",
            "€5",
            "１２.50",
        ] {
            assert_eq!(Money::parse(text), Err(Error::NotAnAmount(text.to_owned())), "{text:?}");
        }
        assert_eq!(Money::parse("-1"), Err(Error::Negative("-1".to_owned())));
        for text in ["0.001", "1.000", "10000.0000000000000001"] {
            assert_eq!(Money::parse(text), Err(Error::TooPrecise(text.to_owned())));
        }
        for text in ["1000000000", "999999999.01"] {
            assert_eq!(Money::parse(text), Err(Error::TooLarge(text.to_owned())));
        }
    }

    #[test]
    fn a_number_is_exactly_an_amount_or_refused() {
        for (number, written) in [
            ("1.50", "1.50"),
            ("1.500", "1.50"),
            ("1e3", "1000.00"),
            ("1E2", "100.00"),
            ("1.2345678E7", "12345678.00"),
            ("0.00001e+5", "1.00"),
            ("99999999900000e-5", "999999999.00"),
            ("0", "0.00"),
            ("0e99999999999999999999", "0.00"),
            ("0.000000000000000000000000000000000", "0.00"),
        ] {
            assert_eq!(Money::from_number(number).unwrap().to_string(), written, "{number}");
        }
        for number in
            ["10000.0000000000000001", "0.001", "1e-3", "1e-99999999999999999999", "1.999999999999999999999"]
        {
            assert_eq!(Money::from_number(number), Err(Error::TooPrecise(number.to_owned())));
        }
        for number in
            ["1e9", "1e99999999999999999999", "999999999.001e1", "12345678901234567890123456789012345678"]
        {
            assert_eq!(Money::from_number(number), Err(Error::TooLarge(number.to_owned())));
        }
        for number in ["-0", "-1", "-0.0", "-1e2"] {
            assert_eq!(Money::from_number(number), Err(Error::Negative(number.to_owned())));
        }
        for no_number in ["", "e", "1e", "e1", "1e1e1", "1e+-1", ".5", "5.", "+5", "1_000", "NaN", "５"] {
            assert_eq!(Money::from_number(no_number), Err(Error::NotAnAmount(no_number.to_owned())));
        }
    }

    #[test]
    fn an_error_repeats_no_more_than_the_beginning_of_a_long_text() {
        let Err(error) = Money::parse(&"9".repeat(100_000)) else { panic!("it is too large") };
        assert_eq!(error, Error::TooLarge(format!("{}…", "9".repeat(SHOWN))));
        let Err(error) = Money::parse(&"-".repeat(1_000_000)) else { panic!("it is no amount") };
        assert_eq!(error, Error::NotAnAmount(format!("{}…", "-".repeat(SHOWN))));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(cents in 0u64..=99_999_999_900) {
            let money = money(cents);
            prop_assert_eq!(Money::parse(&money.to_string()).unwrap(), money);
            prop_assert_eq!(Money::from_number(&money.to_json().to_string()).unwrap(), money);
            let stored = serde_json::to_string(&money).unwrap();
            prop_assert_eq!(serde_json::from_str::<Money>(&stored).unwrap(), money);
        }

        #[test]
        fn one_character_that_does_not_belong_there_makes_it_no_amount(
            text in "[0-9]{1,9}(\\.[0-9]{1,2})?",
            alien in proptest::sample::select(vec!['_', '+', '-', ',', ' ', '\t', 'e', 'E', '\'', '５', '\u{a0}', '\0']),
            place in any::<proptest::sample::Index>(),
        ) {
            let at = place.index(text.len() + 1);
            let spoiled = format!("{}{alien}{}", &text[..at], &text[at..]);
            prop_assert!(Money::parse(&spoiled).is_err(), "{spoiled:?}");
        }

        #[test]
        fn a_number_is_the_same_amount_however_it_is_written(
            cents in 0u64..=99_999_999_900,
            shift in 0usize..40,
            zeros in 0usize..40,
        ) {
            let nothing = "0".repeat(zeros);
            for number in [
                format!("{cents}{nothing}e-{}", zeros + 2),
                format!("{cents}e-0000000000000000000000000000002"),
                format!("{}.{:02}{nothing}", cents / 100, cents % 100),
                format!("0.{}{cents}{nothing}E{:+}", "0".repeat(shift), shift as i64 + length(&cents.to_string()) - 2),
            ] {
                prop_assert_eq!(Money::from_number(&number), Ok(money(cents)), "{}", number);
            }
        }

        #[test]
        fn a_number_with_anything_behind_its_second_place_is_refused(
            cents in 0u64..99_999_999_900,
            zeros in 0usize..60,
            digit in 1u8..10,
        ) {
            let number = format!("{}.{:02}{}{digit}", cents / 100, cents % 100, "0".repeat(zeros));
            prop_assert!(matches!(Money::from_number(&number), Err(Error::TooPrecise(_))), "{}", number);
        }

        #[test]
        fn no_text_makes_reading_panic(text in "\\PC*", digits in "[0-9.eE+-]*") {
            for text in [text, digits] {
                let (parsed, number) = (Money::parse(&text), Money::from_number(&text));
                if let (Ok(parsed), Ok(number)) = (parsed, number) {
                    prop_assert_eq!(parsed, number);
                }
            }
        }
    }
}
