//! An order as the API returns it.

use std::fmt;

use chrono::{DateTime, Utc};
use serde_json::Value;

/// The final states of an order.
const FINAL: &[&str] = &["COMPLETED", "CANCELLED", "REJECTED", "NEEDS_ATTENTION"];

/// The body of an answer about an order.
#[derive(Clone, PartialEq)]
pub struct Order(pub Value);

/// The part of an order that one warehouse sends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Shipment {
    pub warehouse: String,
    /// The state of this shipment.
    pub state: String,
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

impl Order {
    #[track_caller]
    fn text_of(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap_or_else(|| panic!("no {field}: {self:?}"))
    }

    /// The id of the order.
    #[track_caller]
    pub fn id(&self) -> &str {
        self.text_of("order_id")
    }

    /// The name of its status for programs, such as `AWAITING_PAYMENT`.
    #[track_caller]
    pub fn state(&self) -> &str {
        self.text_of("state")
    }

    /// The status as a text for people.
    #[track_caller]
    pub fn status(&self) -> &str {
        self.text_of("status")
    }

    /// The reason why it was cancelled or rejected.
    pub fn reason(&self) -> Option<&str> {
        self.0["reason"].as_str()
    }

    /// The names for programs of all statuses that it has had, in order.
    #[track_caller]
    pub fn states(&self) -> Vec<&str> {
        let timeline = self.0["timeline"].as_array().unwrap_or_else(|| panic!("no timeline: {self:?}"));
        timeline.iter().map(|entry| entry["state"].as_str().unwrap_or_else(|| panic!("{self:?}"))).collect()
    }

    /// The time at which it last came into this state.
    #[track_caller]
    pub fn since(&self, state: &str) -> DateTime<Utc> {
        let entries = self.0["timeline"].as_array().into_iter().flatten();
        let entry = entries.rev().find(|entry| entry["state"] == state);
        let at =
            entry.and_then(|entry| entry["at"].as_str()).unwrap_or_else(|| panic!("no {state}: {self:?}"));
        instant(at)
    }

    /// Its shipments, sorted by warehouse.
    #[track_caller]
    pub fn shipments(&self) -> Vec<Shipment> {
        let shipments = self.0["shipments"].as_array().unwrap_or_else(|| panic!("no shipments: {self:?}"));
        let text = |shipment: &Value, field: &str| {
            shipment[field]
                .as_str()
                .unwrap_or_else(|| panic!("a shipment has no {field}: {self:?}"))
                .to_owned()
        };
        let read =
            |shipment| Shipment { warehouse: text(shipment, "warehouse"), state: text(shipment, "state") };
        let mut shipments: Vec<_> = shipments.iter().map(read).collect();
        shipments.sort();
        shipments
    }

    /// The state of its payment.
    #[track_caller]
    pub fn money(&self) -> &str {
        self.0["payment"]["state"].as_str().unwrap_or_else(|| panic!("no state of the payment: {self:?}"))
    }

    /// The time until which it can be paid.
    #[track_caller]
    pub fn deadline(&self) -> DateTime<Utc> {
        instant(self.0["payment"]["deadline"].as_str().unwrap_or_else(|| panic!("no deadline: {self:?}")))
    }

    /// Whether it is in a final state.
    pub fn is_final(&self) -> bool {
        FINAL.contains(&self.state())
    }
}

#[track_caller]
fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap_or_else(|error| panic!("'{text}' is no time: {error}"))
}
