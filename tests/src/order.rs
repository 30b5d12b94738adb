//! An order as the API tells it.

use std::fmt;

use chrono::{DateTime, Utc};
use serde_json::Value;

/// The states that an order stays in.
const FINAL: &[&str] = &["COMPLETED", "CANCELLED", "REJECTED", "NEEDS_ATTENTION"];

/// One answer about an order.
#[derive(Clone, PartialEq)]
pub struct Order(pub Value);

/// What one warehouse sends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shipment {
    /// The warehouse.
    pub warehouse: String,
    /// Its own state.
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

    /// Its id.
    #[track_caller]
    pub fn id(&self) -> &str {
        self.text_of("order_id")
    }

    /// The machine name of its status.
    #[track_caller]
    pub fn state(&self) -> &str {
        self.text_of("state")
    }

    /// The status as a person reads it.
    #[track_caller]
    pub fn status(&self) -> &str {
        self.text_of("status")
    }

    /// Why it was cancelled or rejected.
    pub fn reason(&self) -> Option<&str> {
        self.0["reason"].as_str()
    }

    /// The machine names of all statuses it had, in order.
    #[track_caller]
    pub fn states(&self) -> Vec<&str> {
        let timeline = self.0["timeline"].as_array().unwrap_or_else(|| panic!("no timeline: {self:?}"));
        timeline.iter().map(|entry| entry["state"].as_str().unwrap_or_else(|| panic!("{self:?}"))).collect()
    }

    /// When it came into a state.
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

    /// What became of its money.
    #[track_caller]
    pub fn money(&self) -> &str {
        self.0["payment"]["state"].as_str().unwrap_or_else(|| panic!("no state of the payment: {self:?}"))
    }

    /// The moment until which it can be paid.
    #[track_caller]
    pub fn deadline(&self) -> DateTime<Utc> {
        instant(self.0["payment"]["deadline"].as_str().unwrap_or_else(|| panic!("no deadline: {self:?}")))
    }

    /// Whether it has come to its end.
    pub fn is_final(&self) -> bool {
        FINAL.contains(&self.state())
    }
}

#[track_caller]
fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap_or_else(|error| panic!("'{text}' is no time: {error}"))
}
