//! The stories that the demo plays. Together they show every path that an order can take.

use omniflow_domain::status::Status;
use serde_json::{Value, json};

/// One order, and what people do with it.
#[derive(Debug)]
pub(super) struct Story {
    /// What the story shows, in a few words.
    pub(super) shows: &'static str,
    /// Products and quantities.
    pub(super) items: &'static [(&'static str, u32)],
    /// The payment method that comes with the order.
    pub(super) method: Option<&'static str>,
    /// What somebody does when the order reaches a status.
    pub(super) acts: &'static [(Status, Act)],
}

/// What a customer or a reviewer does.
#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    /// The customer pays with this payment method.
    Pay(&'static str),
    /// The customer cancels.
    Cancel,
    /// A reviewer decides: `APPROVE` or `REJECT`.
    Decide(&'static str),
    /// The demo does nothing: the user is to decide at the console.
    LeaveToYou,
}

impl Act {
    /// The path below that of the order, and the body of the call; `None` when no call is made.
    pub(super) fn call(self) -> Option<(&'static str, Value)> {
        match self {
            Self::Pay(method) => Some(("pay", json!({ "method": method }))),
            Self::Cancel => Some(("cancel", json!({}))),
            Self::Decide(action) => {
                Some(("audit", json!({ "action": action, "note": "decided by the demo" })))
            }
            Self::LeaveToYou => None,
        }
    }
}

impl Story {
    /// The body of the call that creates the order.
    pub(super) fn order(&self, customer: &str) -> Value {
        let items = self.items.iter().map(|(id, quantity)| json!({ "product_id": id, "quantity": quantity }));
        let mut order = json!({ "customer_id": customer, "items": items.collect::<Vec<_>>() });
        if let Some(method) = self.method {
            order["payment"] = json!({ "method": method });
        }
        order
    }

    /// Whether the user decides how the order ends.
    pub(super) fn is_left_to_you(&self) -> bool {
        self.acts.iter().any(|(_, act)| matches!(act, Act::LeaveToYou))
    }
}

const fn bought(shows: &'static str, items: &'static [(&'static str, u32)], method: &'static str) -> Story {
    Story { shows, items, method: Some(method), acts: &[] }
}

const fn acted(
    shows: &'static str,
    items: &'static [(&'static str, u32)],
    acts: &'static [(Status, Act)],
) -> Story {
    Story { shows, items, method: None, acts }
}

/// All stories, with successful orders between the others. The demo plays them in this order, again and
/// again.
pub(super) const STORIES: &[Story] = &[
    bought("two warehouses ship side by side", &[("macbook-air", 1), ("magic-mouse", 1)], "pm_card"),
    acted("paid when asked to", &[("iphone-15", 1)], &[(Status::AwaitingPayment, Act::Pay("pm_card"))]),
    acted("nobody pays", &[("prod-001", 1)], &[]),
    acted(
        "large, and left to you: approve or reject it",
        &[("mac-pro", 2)],
        &[(Status::AwaitingAudit, Act::LeaveToYou)],
    ),
    bought("the card is declined", &[("macbook-pro", 1)], "pm_declined"),
    bought("a shipment fails twice, then ships", &[("fragile-lamp", 1), ("prod-002", 1)], "pm_card"),
    acted("the customer thinks again", &[("prod-003", 2)], &[(Status::AwaitingPayment, Act::Cancel)]),
    acted(
        "large, approved, paid",
        &[("mac-pro", 2)],
        &[(Status::AwaitingAudit, Act::Decide("APPROVE")), (Status::AwaitingPayment, Act::Pay("pm_card"))],
    ),
    bought("one shipment fails for good: all is undone", &[("fragile-vase", 1), ("iphone-15", 1)], "pm_card"),
    bought("the payment gateway times out twice", &[("prod-003", 1)], "pm_timeout_twice"),
    bought("more than there is", &[("limited-edition", 101)], "pm_card"),
    acted("large, rejected", &[("mac-pro", 3)], &[(Status::AwaitingAudit, Act::Decide("REJECT"))]),
    bought("three of a kind", &[("iphone-15", 3)], "pm_card"),
    Story {
        shows: "the payment gateway is down, and the customer does not wait for it",
        items: &[("prod-002", 1)],
        method: Some("pm_timeout_always"),
        acts: &[(Status::Reserved, Act::Cancel)],
    },
    bought("a refund fails twice, then succeeds", &[("fragile-vase", 1)], "pm_refund_fails_twice"),
    Story {
        shows: "cancelled while it ships",
        items: &[("macbook-air", 1), ("prod-003", 1)],
        method: Some("pm_card"),
        acts: &[(Status::Shipping, Act::Cancel)],
    },
    bought(
        "a shipment can't be called back: needs attention",
        &[("fragile-vase", 1), ("stuck-crate", 1)],
        "pm_card",
    ),
    bought("a last good one", &[("prod-001", 1), ("prod-002", 1)], "pm_card"),
];

/// The customers with the languages they read. Some have an email address as their id and are sent messages.
pub(super) const CUSTOMERS: &[(&str, &str)] = &[
    ("ada@example.com", "en"),
    ("李雷", "zh"),
    ("Мария", "ru"),
    ("customer-001", "en"),
    ("wang@example.com", "zh"),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use omniflow_domain::catalogue::SAMPLES;

    use super::*;

    #[test]
    fn every_story_buys_what_is_sold() {
        let sold: HashSet<_> = SAMPLES.iter().map(|sample| sample.product_id).collect();
        for (product, _) in STORIES.iter().flat_map(|story| story.items) {
            assert!(sold.contains(product), "{product} is not in the sample catalogue");
        }
    }
}
