//! The description of the calls about warehouses and of those that warehouses make.

use serde_json::Value;

use super::calls::{etag, language};
use super::operations::Operation;
use super::responses::json_answer;
use super::{examples, parameters, schemas};
use crate::problem::Kind;
use crate::routes::ApiCall;
use crate::warehouse::{ShipmentView, WarehouseList, WarehouseView};

pub(super) fn described(call: ApiCall) -> Operation {
    match call {
        ApiCall::ListWarehouses => warehouses(),
        ApiCall::ReadWarehouse => warehouse(),
        ApiCall::PutWarehouse => put_warehouse(),
        ApiCall::NoteShipmentEvent => note_event(),
        _ => take_event(),
    }
}

fn warehouses() -> Operation {
    let list = json_answer("All warehouses.", &schemas::of::<WarehouseList>(), None);
    Operation::new(
        "Warehouses",
        "List the warehouses",
        "Those that somebody has described, and those that there is stock in, by rank.",
    )
    .answers(200, list)
}

fn described_warehouse() -> Value {
    let mut answer = json_answer("The warehouse.", &schemas::of::<WarehouseView>(), None);
    answer["headers"] = etag();
    answer
}

fn warehouse() -> Operation {
    Operation::new("Warehouses", "Read a warehouse", "As somebody has described it.")
        .answers(200, described_warehouse())
        .refuses(&[Kind::BadRequest, Kind::WarehouseNotFound])
}

fn put_warehouse() -> Operation {
    Operation::new(
        "Warehouses",
        "Describe a warehouse",
        "How it is reached, and whether new orders are shipped from it. All functions know within ten seconds; what it was asked before goes on.",
    )
    .takes(language())
    .takes([parameters::if_match("warehouse")])
    .with_body("NewWarehouse", true, &examples::WAREHOUSES)
    .answers(200, described_warehouse())
    .refuses(&[Kind::BadRequest, Kind::ChangedMeanwhile, Kind::UnusableEndpoint])
}

/// A message about a shipment.
fn shipment_event(summary: &'static str, description: &'static str) -> Operation {
    let shipment = json_answer("It is noted.", &schemas::of::<ShipmentView<'_>>(), None);
    Operation::new("Warehouses", summary, description)
        .with_body("ShipmentEvent", true, &examples::SHIPMENT_EVENTS)
        .answers(200, shipment)
        .refuses(&[
            Kind::BadRequest,
            Kind::OrderNotFound,
            Kind::ShipmentNotFound,
            Kind::WrongState,
            Kind::OrderUnreadable,
        ])
}

fn note_event() -> Operation {
    shipment_event(
        "Say what a warehouse did",
        "As an operator, in the warehouse's place. 409 when the goods must not leave, or have left.",
    )
}

fn take_event() -> Operation {
    shipment_event(
        "Say what became of a shipment",
        "For warehouses, which sign it by the Standard Webhooks scheme (`webhook-id`, `webhook-timestamp`, `webhook-signature`) with the secret that they share with the shop. 409 when the goods must not leave: the answer says what to do.",
    )
    .takes(parameters::of_a_signed_message())
    .refuses(&[Kind::Unauthorized, Kind::Unavailable])
}
