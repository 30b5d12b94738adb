//! What a person types to find orders: the beginning of an id, a number, or a part of anything.

use omniflow_domain::folding::fold;
use omniflow_domain::{Email, Money, OrderId, OrderNumber};

use super::Listed;

/// Digits of which there are at least so many may be those of an id: a new id begins with the 13 digits of its
/// milliseconds, and fewer are rather a number or an amount.
const DIGITS_OF_AN_ID: usize = 10;

/// One way in which what was typed may be meant.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Search {
    /// It is the beginning of the ids that are wanted.
    Id(String),
    /// It is the order's number.
    Number(OrderNumber),
    /// It is a part of the id, the customer, the address that is written to, a product, a tracking number or the
    /// failure, whatever its case ([`fold`]), or the whole amount. Each order is looked at.
    Text(String),
}

impl Search {
    /// The ways in which it may be meant, the most exact first.
    pub(crate) fn readings(typed: &str) -> Vec<Self> {
        let typed = typed.trim();
        let id = typed.to_ascii_uppercase();
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let is_id =
            OrderId::PREFIX.starts_with(&id) || id.strip_prefix(OrderId::PREFIX).is_some_and(is_digits);
        if typed.is_empty() {
            return vec![Self::Id(OrderId::PREFIX.to_owned())];
        }
        if is_id {
            return vec![Self::Id(id)];
        }
        match OrderNumber::parse(typed) {
            Some(number) if typed.starts_with('#') => vec![Self::Number(number)],
            // A carrier's number may have as many digits as an id.
            _ if is_digits(typed) && typed.len() >= DIGITS_OF_AN_ID => {
                vec![Self::Id(format!("{}{typed}", OrderId::PREFIX)), Self::Text(fold(typed))]
            }
            _ => vec![Self::Text(fold(typed))],
        }
    }

    /// The beginning of the ids, if the search is for one.
    pub(super) fn prefix(&self) -> Option<&str> {
        match self {
            Self::Id(prefix) => Some(prefix),
            Self::Number(_) | Self::Text(_) => None,
        }
    }

    /// The number, if the search is for one alone.
    pub(super) fn number(&self) -> Option<OrderNumber> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Id(_) | Self::Text(_) => None,
        }
    }

    /// The number that the text may be, beside a part of something else.
    pub(super) fn maybe_number(&self) -> Option<OrderNumber> {
        match self {
            Self::Text(text) => OrderNumber::parse(text),
            Self::Id(_) | Self::Number(_) => None,
        }
    }

    pub(super) fn matches(&self, order: &Listed) -> bool {
        let Self::Text(wanted) = self else { return true };
        let has = |text: &str| fold(text).contains(wanted);
        match order {
            Ok(order) => {
                let items =
                    order.items().iter().flat_map(|item| [item.product_id.as_str(), item.name.as_str()]);
                let tracking = order.shipments().iter().filter_map(|shipment| shipment.tracking.as_deref());
                let texts = items.chain(tracking).chain([order.id().as_str()]);
                let amount = || {
                    Money::parse(wanted, order.amount().currency())
                        .is_ok_and(|amount| amount == order.amount())
                };
                texts
                    .chain(order.customer_id())
                    .chain(order.email().map(Email::as_str))
                    .chain(order.failure())
                    .any(has)
                    || amount()
            }
            Err(order) => has(order.order_id.as_str()) || order.customer_id.as_deref().is_some_and(has),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_read_as_what_it_looks_like() {
        let id = |text: &str| Search::Id(text.to_owned());
        for (typed, meant) in [("", "ORD-"), (" ord-17 ", "ORD-17"), ("OR", "OR"), ("ORD-", "ORD-")] {
            assert_eq!(Search::readings(typed), [id(meant)], "{typed}");
        }
        for text in ["ordinary", "customer-001", "ORD-1x", "17", "#17", "10042", "#10042x"] {
            assert_eq!(Search::readings(text), [Search::Text(fold(text))], "{text}");
        }
        let number = OrderNumber::parse("10042").unwrap();
        assert_eq!(Search::readings(" #10042 "), [Search::Number(number)]);
        assert_eq!(Search::readings("10042")[0].maybe_number(), Some(number));
        let digits = "1700000000000123456";
        assert_eq!(Search::readings(digits), [id(&format!("ORD-{digits}")), Search::Text(digits.to_owned())]);
    }
}
