//! What a warehouse says about a shipment: by a message that it signs, or by an operator in its place.

use omniflow_domain::Refusal;
use omniflow_domain::order::{Order, ShipmentState};
use omniflow_store as store;
use omniflow_webhooks::{KeyError, NotSigned, verify};
use serde::Serialize;
use serde_json::json;

use super::{WarehouseApi, said, warehouse_id};
use crate::problem::{Kind, Problem, sentence};
use crate::refusals::of_shipment;
use crate::request::Request;
use crate::response::Response;
use crate::unavailable;

/// How far a shipment has come after a message about it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "ShipmentOfOrder"))]
pub(crate) struct ShipmentView<'a> {
    order_id: &'a str,
    warehouse: &'a str,
    /// How far the shipment has come.
    state: ShipmentState,
    /// The carrier's number, once it was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    tracking: Option<&'a str>,
}

/// `POST /api/v1/shipments/{order_id}/{warehouse}/events`: whoever may send the request, only what the
/// warehouse has signed is believed.
pub(super) async fn take(api: &WarehouseApi, request: &Request) -> Result<Response, Problem> {
    let warehouse = warehouse_id(request)?;
    let unsigned = |why: String| {
        let detail = format!(
            "{why}. Sign the message with the warehouse's secret (Standard Webhooks), or, as an operator, send it to /api/v1/orders/…/shipments/{warehouse}/events."
        );
        Problem::new(Kind::Unauthorized, detail)
    };
    let (header, now) = (|name: &str| request.header(name), api.clock.now());
    let refused = |not_signed: NotSigned| unsigned(sentence(&not_signed.to_string()));
    // What bears no signature of now costs no look at the secrets.
    match verify(&[], header, request.body(), now) {
        Err(not_signed @ (NotSigned::Unsigned | NotSigned::Untimely)) => return Err(refused(not_signed)),
        Err(NotSigned::WrongSignature) | Ok(()) => {}
    }
    let keys = match api.keys.of(warehouse).await {
        Ok(keys) => keys,
        // Nobody is told by this which warehouses there are.
        Err(KeyError::None(_) | KeyError::NotNamed) => Vec::new(),
        Err(error) => {
            tracing::error!(%error, warehouse, "a warehouse's message can't be checked");
            let detail = "The warehouse's secret can't be read now. Send the message again.";
            return Err(Problem::new(Kind::Unavailable, detail));
        }
    };
    verify(&keys, header, request.body(), now).map_err(refused)?;
    hear(api, request, warehouse).await
}

/// `POST /api/v1/orders/{order_id}/shipments/{warehouse}/events`: an operator says what the warehouse did.
pub(super) async fn note(api: &WarehouseApi, request: &Request) -> Result<Response, Problem> {
    hear(api, request, warehouse_id(request)?).await
}

async fn hear(api: &WarehouseApi, request: &Request, warehouse: &str) -> Result<Response, Problem> {
    let (id, report) = (request.order_id()?, said::report(&request.json()?)?);
    let now = api.clock.now_in_milliseconds();
    let hear = |order: &mut Order| order.hear(warehouse, &report, now).map_err(store::Error::from);
    let order = match api.orders.update(&id, hear).await {
        Ok((order, ())) => order,
        Err(store::Error::Refused(refusal @ Refusal::NoShipment(_))) => {
            let detail = of_shipment(&refusal, request.language_of_problems()).unwrap_or_default();
            return Err(Problem::new(Kind::ShipmentNotFound, detail).with("order_id", id.as_str()));
        }
        Err(store::Error::Refused(refusal)) => {
            let order = api.orders.get(&id).await.map_err(|error| unavailable(&error))?;
            let detail = of_shipment(&refusal, request.language_of_problems())
                .unwrap_or_else(|| format!("{}.", sentence(&refusal.to_string())));
            return Err(Problem::new(Kind::WrongState, detail).about(&order, request, now));
        }
        Err(error) => return Err(unavailable(&error)),
    };
    // What can't be told now stays stored with the order, and `sweep-orders` tells it.
    if let Err(error) = api.tasks.answer_shipments(&order).await {
        tracing::warn!(order_id = %order.id(), %error, "left to the sweeper");
    }
    let shipment = order.shipment(warehouse);
    Ok(Response::json(
        200,
        &json!(ShipmentView {
            order_id: order.id().as_str(),
            warehouse,
            state: shipment.map_or(ShipmentState::Pending, |shipment| shipment.state),
            tracking: shipment.and_then(|shipment| shipment.tracking.as_deref()),
        }),
    ))
}
