//! Which of an order's executions is meant.

use std::fmt;

use serde::Serialize;

/// What stands before a return's number.
const RETURN: &str = "return-";

/// One of the executions that an order may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(into = "String")]
pub(crate) enum Part {
    /// The execution of the order itself.
    Order,
    /// The execution of its payment window, which a prepaid order has none of.
    PaymentWindow,
    /// The execution of the return of this number.
    Return(u32),
}

impl Part {
    /// The execution of this name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "order" => Some(Self::Order),
            "payment-window" => Some(Self::PaymentWindow),
            name => {
                let number = name.strip_prefix(RETURN)?.parse().ok().map(Self::Return)?;
                // One name for each, without a sign or zeros before the number.
                Some(number).filter(|part| part.to_string() == name)
            }
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order => f.write_str("order"),
            Self::PaymentWindow => f.write_str("payment-window"),
            Self::Return(number) => write!(f, "{RETURN}{number}"),
        }
    }
}

impl From<Part> for String {
    fn from(part: Part) -> Self {
        part.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_found_by_its_name_and_no_other_name_is_one() {
        for part in [Part::Order, Part::PaymentWindow, Part::Return(1), Part::Return(20)] {
            assert_eq!(Part::parse(&part.to_string()), Some(part));
        }
        for name in [
            "",
            "Order",
            "return",
            "return-",
            "return-x",
            "return-01",
            "return-+1",
            "return--1",
            "return-4294967296",
        ] {
            assert_eq!(Part::parse(name), None, "{name}");
        }
    }
}
