//! The answers of calls that succeed.

use omniflow_domain::Status;
use serde_json::{Value, json};

use super::operations::Door;
use super::{examples, schemas};
use crate::view::{OrderView, OtherDoorsView};

/// A JSON answer of a call.
pub(super) fn json_answer(description: &str, schema: &Value, example: Option<Value>) -> Value {
    let mut content = json!({ "schema": schema });
    if let Some(example) = example {
        content["example"] = example;
    }
    json!({ "description": description, "content": { "application/json": content } })
}

/// The order as the door shows it.
pub(super) fn order_answer(description: &str, door: Door, status: Status) -> Value {
    match door {
        Door::V1 | Door::System => {
            json_answer(description, &schemas::of::<OrderView<'_>>(), Some(examples::order_at_v1(status)))
        }
        Door::OrderFlow | Door::OrderPage => json_answer(
            description,
            &schemas::of::<OtherDoorsView<'_>>(),
            Some(examples::order_at_other_doors(status)),
        ),
    }
}

/// The header of repeated answers.
pub(super) fn replayed() -> Value {
    json!({
        "description": "`true` when this is the answer of an earlier request with the same key.",
        "schema": { "type": "string", "const": "true" },
    })
}

/// The header of answers that may have been kept back.
pub(super) fn waited() -> Value {
    json!({
        "description": "What was granted: the answer was kept back for at most so many seconds.",
        "schema": { "type": "string", "pattern": "^wait=[0-9]+$" },
    })
}

/// The links to the calls that take the id of an order which an answer has.
fn links(door: Door) -> Value {
    let link = |operation: &str, parameter: &str, field: &str| {
        json!({
            "operationId": operation, "parameters": { parameter: format!("$response.body#/{field}") },
        })
    };
    match door {
        Door::V1 | Door::System => json!({
            "read": link("readOrder", "order_id", "order_id"),
            "pay": link("payOrder", "order_id", "order_id"),
            "audit": link("auditOrder", "order_id", "order_id"),
            "cancel": link("cancelOrder", "order_id", "order_id"),
            "workflow": link("readWorkflow", "order_id", "order_id"),
        }),
        Door::OrderFlow => json!({
            "status": link("readOrderStatusAtOrderFlow", "workflow_id", "workflow_id"),
            "state": link("readExecutionAtOrderFlow", "workflow_id", "workflow_id"),
            "cancel": link("cancelOrderAtOrderFlow", "workflow_id", "workflow_id"),
        }),
        Door::OrderPage => json!({
            "read": link("readOrderAtOrderPage", "order_id", "orderId"),
            "workflow": link("readExecutionAtOrderPage", "order_id", "workflowId"),
            "cancel": link("cancelOrderAtOrderPage", "order_id", "orderId"),
        }),
    }
}

/// The answer to a new order.
pub(super) fn created(door: Door) -> Value {
    let mut response = match door {
        Door::V1 | Door::System => json_answer(
            "The order is accepted.",
            &schemas::of::<crate::create::Created<'_>>(),
            Some(examples::created()),
        ),
        door => order_answer("The order is accepted, and is being paid.", door, Status::Received),
    };
    response["headers"] = json!({
        "Location": {
            "description": "The order's place.", "required": true,
            "schema": { "type": "string" }, "example": "/api/v1/orders/ORD-1700000000000123456",
        },
        "Idempotency-Replayed": replayed(),
    });
    response["links"] = links(door);
    response
}
