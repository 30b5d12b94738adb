//! The description of the calls about returns.

use serde_json::{Value, json};

use super::admin_calls::page_of;
use super::calls::{named, unless_known};
use super::operations::Operation;
use super::responses::{json_answer, replayed};
use super::{examples, parameters, schemas};
use crate::admin::returns::open;
use crate::problem::Kind;
use crate::return_view::{ReturnList, ReturnView};
use crate::routes::ApiCall;

/// The description of a call.
pub(super) fn described(call: ApiCall) -> Operation {
    match call {
        ApiCall::ListOpenReturns => list_open(),
        ApiCall::RequestReturn => request(),
        ApiCall::ListReturns => list(),
        ApiCall::ReadReturn => read(),
        ApiCall::AuditReturn => decision(
            "Approve or reject a return",
            "A return over the shop's threshold waits for this; any return can be rejected until its goods have come. Nobody approves a return, or one of an order, of their own.",
            "Verdict",
            &examples::VERDICTS,
        )
        .refuses(&[Kind::OwnOrder]),
        ApiCall::ReceiveReturn => decision(
            "Say which goods have come back",
            "Of each product how many pieces can be sold again (`restock`) and how many can't (`write_off`), together as many as were to be returned at most. The stock moves in the same transaction, and the money for what came is given back.",
            "ReceivedGoods",
            &examples::RECEIVED_GOODS,
        )
        .refuses(&[Kind::NotReturnable, Kind::NotEnoughStock]),
        ApiCall::RetryReturn => decision(
            "Have a return go on",
            "One that needs attention goes on where its workflow failed.",
            "Retry",
            &examples::RETRIES,
        ),
        ApiCall::ResolveReturn => decision(
            "Say that a return was refunded by hand",
            "One that needs attention and whose goods have come is closed; no more money moves.",
            "ReturnResolution",
            &examples::RETURN_RESOLUTIONS,
        ),
        other => unreachable!("{other:?} is described elsewhere"),
    }
}

fn one(description: &str) -> Value {
    let mut answer = json_answer(description, &schemas::of::<ReturnView<'_>>(), None);
    answer["headers"] = json!({ "Idempotency-Replayed": replayed() });
    answer
}

fn request() -> Operation {
    Operation::new(
        "Returns",
        "Ask to return goods",
        "Of a completed order, within the shop's time for returns, and never more than was shipped and is not on its way back. A return over the shop's threshold waits for an operator; the goods of any other may be sent at once.",
    )
    .takes(["Accept-Language", "Idempotency-Key"].map(parameters::shared_one))
    .with_body("NewReturn", true, &examples::RETURNS)
    .answers(201, one("The return."))
    .refuses(&[
        Kind::BadRequest,
        Kind::OrderNotFound,
        Kind::NotReturnable,
        Kind::IdempotencyKeyReused,
        Kind::OrderUnreadable,
    ])
}

fn list() -> Operation {
    Operation::new(
        "Returns",
        "List the returns of an order",
        "Oldest first, with what may still be returned.",
    )
    .takes([parameters::shared_one("Accept-Language")])
    .answers(200, json_answer("The returns.", &schemas::of::<ReturnList<'_>>(), None))
    .refuses(&[Kind::OrderNotFound, Kind::OrderUnreadable])
}

fn list_open() -> Operation {
    unless_known(Operation::new(
        "Returns",
        "List the returns that are open",
        "Of all orders, those first whose order's returns have not moved for longest, page by page. A return is open until it is refunded or rejected.",
    ))
    .takes([json!({
        "name": "state", "in": "query", "example": "AWAITING_REVIEW",
        "schema": { "type": "string", "enum": open::OPEN_STATES },
        "description": "Only returns that are in this state.",
    })])
    .takes(page_of(open::MOST, json!({ "type": "string", "pattern": "^[0-9]{1,15}/ORD-[0-9]{1,32}/[0-9]{1,9}$" })))
    .takes([parameters::shared_one("Accept-Language")])
    .answers(200, named(json_answer("A page of open returns.", &schemas::of::<open::OpenReturnList>(), None)))
    .refuses(&[Kind::BadRequest])
}

fn read() -> Operation {
    Operation::new("Returns", "Read a return", "As it is at this moment.")
        .takes([parameters::shared_one("Accept-Language")])
        .answers(200, json_answer("The return.", &schemas::of::<ReturnView<'_>>(), None))
        .refuses(&[Kind::OrderNotFound, Kind::ReturnNotFound, Kind::OrderUnreadable])
}

fn decision(
    summary: &'static str,
    description: &'static str,
    body: &'static str,
    examples: &[&str],
) -> Operation {
    Operation::new("Returns", summary, description)
        .takes(["Accept-Language", "Idempotency-Key"].map(parameters::shared_one))
        .with_body(body, body != "Retry", examples)
        .answers(200, one("The return as it is now."))
        .refuses(&[
            Kind::BadRequest,
            Kind::OrderNotFound,
            Kind::ReturnNotFound,
            Kind::WrongState,
            Kind::IdempotencyKeyReused,
            Kind::OrderUnreadable,
        ])
}
