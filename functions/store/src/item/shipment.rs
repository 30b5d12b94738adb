//! What an order's document says of its shipments.

use std::borrow::Cow;

use omniflow_domain::allocation::Line;
use omniflow_domain::order::{Said, Shipment, ShipmentSignal, ShipmentState, Token, Unknown, WarehouseEvent};
use serde::{Deserialize, Serialize};

use super::document::{Time, is_default};

#[derive(Serialize, Deserialize)]
pub(super) struct ShipmentDocument<'a> {
    warehouse: Cow<'a, str>,
    items: Vec<Goods<'a>>,
    state: ShipmentState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tracking: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    carrier: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tracking_url: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    instead_of: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dispatched_at: Option<Time>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    history: Vec<SaidDocument<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task_token: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "is_default")]
    token_redrive: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    token_attempt: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending: Option<ShipmentSignal>,
    #[serde(flatten)]
    unknown: Cow<'a, Unknown>,
}

/// A product and the number of its pieces.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Goods<'a> {
    Pair(Cow<'a, str>, u32),
    Map { product_id: Cow<'a, str>, quantity: u32 },
}

#[derive(Serialize, Deserialize)]
struct SaidDocument<'a> {
    event: WarehouseEvent,
    at: Time,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'a, str>>,
}

/// Whether a release that knows only warehouses which answer at once would misunderstand the shipment.
pub(super) fn needs_later_release(shipment: &Shipment) -> bool {
    let known = [ShipmentState::Pending, ShipmentState::Shipped, ShipmentState::Cancelled];
    !known.contains(&shipment.state) || shipment.instead_of.is_some() || shipment.task.is_some()
}

impl<'a> From<&'a Shipment> for ShipmentDocument<'a> {
    fn from(shipment: &'a Shipment) -> Self {
        let goods = |line: &'a Line| Goods::Pair(Cow::Borrowed(&line.product_id), line.quantity);
        let text = |text: &'a Option<String>| text.as_deref().map(Cow::Borrowed);
        let said = |said: &'a Said| SaidDocument {
            event: said.event,
            at: Time::Milliseconds(said.at),
            reason: text(&said.reason),
        };
        let task = shipment.task.as_ref();
        Self {
            warehouse: Cow::Borrowed(&shipment.warehouse),
            items: shipment.items.iter().map(goods).collect(),
            state: shipment.state,
            tracking: text(&shipment.tracking),
            carrier: text(&shipment.carrier),
            tracking_url: text(&shipment.tracking_url),
            instead_of: text(&shipment.instead_of),
            dispatched_at: shipment.dispatched_at.map(Time::Milliseconds),
            history: shipment.history.iter().map(said).collect(),
            task_token: task.map(|task| Cow::Borrowed(task.token.as_str())),
            token_redrive: task.map_or(0, |task| task.redrive),
            token_attempt: task.map_or(0, |task| task.attempt),
            pending: shipment.pending,
            unknown: Cow::Borrowed(&shipment.unknown),
        }
    }
}

impl From<ShipmentDocument<'_>> for Shipment {
    fn from(shipment: ShipmentDocument<'_>) -> Self {
        let line = |goods| {
            let (Goods::Pair(product_id, quantity) | Goods::Map { product_id, quantity }) = goods;
            Line { product_id: product_id.into_owned(), quantity }
        };
        let said = |said: SaidDocument<'_>| Said {
            event: said.event,
            at: said.at.into(),
            reason: said.reason.map(Cow::into_owned),
        };
        let (redrive, attempt) = (shipment.token_redrive, shipment.token_attempt);
        let task = |token: Cow<'_, str>| Token { token: token.into_owned(), redrive, attempt };
        Self {
            warehouse: shipment.warehouse.into_owned(),
            items: shipment.items.into_iter().map(line).collect(),
            state: shipment.state,
            tracking: shipment.tracking.map(Cow::into_owned),
            carrier: shipment.carrier.map(Cow::into_owned),
            tracking_url: shipment.tracking_url.map(Cow::into_owned),
            instead_of: shipment.instead_of.map(Cow::into_owned),
            dispatched_at: shipment.dispatched_at.map(Into::into),
            history: shipment.history.into_iter().map(said).collect(),
            task: shipment.task_token.map(task),
            pending: shipment.pending,
            unknown: shipment.unknown.into_owned(),
        }
    }
}
