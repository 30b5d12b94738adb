//! The description of each call: what it does, takes and answers. Those of the function `admin`, of warehouses and of the
//! system itself have files of their own.

use omniflow_domain::Status;
use serde_json::{Value, json};

use super::operations::{Door, Operation};
use super::responses::{created, json_answer, order_answer, replayed, waited};
use super::{admin_calls, examples, parameters, return_calls, schemas, system_calls, warehouse_calls};
use crate::problem::Kind;
use crate::routes::ApiCall;

/// The description of the call at this door.
pub(super) fn described(call: ApiCall, door: Door) -> Operation {
    match call {
        ApiCall::CreateOrder => create(door, "Create an order"),
        ApiCall::ProcessOrder => create(door, "Create an order and pay it"),
        ApiCall::ReadOrder => read(door),
        ApiCall::ListOrders => list(door),
        ApiCall::PayOrder => pay(door),
        ApiCall::OpenPayment => open_payment(),
        ApiCall::PaymentEvent => payment_event(),
        ApiCall::AuditOrder => audit(door),
        ApiCall::CancelOrder => cancel(door),
        ApiCall::RetryOrder => retry(),
        ApiCall::ResolveOrder => resolve(),
        ApiCall::ReadExecution => execution(door),
        ApiCall::ReadWorkflow => workflow(),
        ApiCall::ReadSummary => summary(),
        ApiCall::ReadMetrics => metrics(),
        ApiCall::ListWarehouses
        | ApiCall::ReadWarehouse
        | ApiCall::PutWarehouse
        | ApiCall::NoteShipmentEvent
        | ApiCall::TakeShipmentEvent => warehouse_calls::described(call),
        ApiCall::Health
        | ApiCall::Home
        | ApiCall::Icon
        | ApiCall::Console
        | ApiCall::Documentation
        | ApiCall::ConsolePage
        | ApiCall::ConsoleFile
        | ApiCall::OpenApi => system_calls::described(call),
        ApiCall::RequestReturn
        | ApiCall::ListReturns
        | ApiCall::ListOpenReturns
        | ApiCall::ReadReturn
        | ApiCall::AuditReturn
        | ApiCall::ReceiveReturn
        | ApiCall::RetryReturn
        | ApiCall::ResolveReturn => return_calls::described(call),
        of_admin => admin_calls::described(of_admin),
    }
}

pub(super) fn language() -> [Value; 1] {
    [parameters::shared_one("Accept-Language")]
}

fn language_and_key() -> [Value; 2] {
    ["Accept-Language", "Idempotency-Key"].map(parameters::shared_one)
}

fn create(door: Door, summary: &'static str) -> Operation {
    Operation::new(
                door.tag(),
                summary,
                "Its stock is reserved at once. A customer pays what the catalogue asks; a price or an amount that a customer names must be the same. Operators may set them. Over 10,000, or when its goods are worth more than that, it waits for a verdict first, then, without a payment method, for its payment, until the deadline.",
            )
            .takes(language_and_key())
            .with_body("NewOrder", true, &examples::ORDERS)
            .answers(201, created(door))
            .refuses(&[Kind::BadRequest, Kind::UnknownProduct, Kind::AmountMismatch, Kind::PriceChanged, Kind::TooManyOpenOrders, Kind::IdempotencyKeyReused, Kind::Overloaded])
}

fn read(door: Door) -> Operation {
    let mut order = order_answer("The order.", door, Status::AwaitingPayment);
    order["headers"] = etag();
    order["headers"]["Preference-Applied"] = waited();
    unless_known(Operation::new(
        door.tag(),
        "Read an order",
        "The order as it is at this moment, or when it has come to rest. Its `ETag` stays the same while only the time to pay runs.",
    ))
    .takes(["Accept-Language", "Prefer"].map(parameters::shared_one))
    .answers(200, order)
    .refuses(&[Kind::OrderNotFound, Kind::OrderUnreadable])
}

fn list(door: Door) -> Operation {
    let mut page = json_answer(
        "A page of orders.",
        &schemas::of::<crate::read::ListView<'_>>(),
        Some(examples::orders()),
    );
    page["headers"] = etag();
    unless_known(Operation::new(
        door.tag(),
        "List orders",
        "Newest first, page by page: customers see their own, operators all. Parameters that it doesn't know are refused; of those that it knows all must hold. A page may have fewer orders than `limit`, or none, and yet a `next`: an answer looks at 500 orders at most. An order that can't be read is among them, with the state `UNREADABLE`, as far as what is known of it fits.",
    ))
    .takes(parameters::of_a_list())
    .takes(language())
    .answers(200, page)
    .refuses(&[Kind::BadRequest])
}

fn pay(door: Door) -> Operation {
    let mut paid = order_answer("It is paid, and goes on.", door, Status::PaymentReceived);
    paid["headers"] = json!({ "Idempotency-Replayed": replayed() });
    Operation::new(
        door.tag(),
        "Pay an order",
        "Of payment, deadline and cancellation the first decides, and the others are refused. Where the payment provider is Stripe, `method` is one that the customer's page has made there; without it, the order is paid if the page has confirmed the payment.",
    )
    .takes(language_and_key())
    .with_body("PaymentOrder", false, &examples::PAYMENTS)
    .answers(200, paid)
    .refuses(&[
        Kind::BadRequest,
        Kind::OrderNotFound,
        Kind::WrongState,
        Kind::PaymentDeclined,
        Kind::PaymentActionRequired,
        Kind::IdempotencyKeyReused,
        Kind::OrderUnreadable,
    ])
}

fn open_payment() -> Operation {
    Operation::new(
        "Orders",
        "Have the customer's page confirm the payment of an order",
        "What the page needs to confirm the payment at the provider: its client secret and the key for pages. The order is paid by itself when that has happened. Asked again, it is the same payment. With the simulated provider there is nothing to confirm, and these are null.",
    )
    .takes(language())
    .answers(
        200,
        json_answer(
            "The payment that is to be confirmed.",
            &schemas::of::<crate::at_provider::PaymentToConfirm<'_>>(),
            Some(examples::payment_to_confirm()),
        ),
    )
    .refuses(&[Kind::BadRequest, Kind::OrderNotFound, Kind::WrongState, Kind::OrderUnreadable])
}

fn payment_event() -> Operation {
    let told = |description: &str| json!({ "description": description });
    Operation::new(
        "System",
        "Hear of a payment from Stripe",
        "Stripe sends its events here, and signs them (`Stripe-Signature`). What has become of the payment is asked of Stripe; nothing else in the event counts.",
    )
    .with_body("StripeEvent", true, &[])
    .answers(200, told("The event has had its effect, now or before."))
    .answers(400, told("It is not signed by Stripe."))
    .answers(404, told("The payment provider is not Stripe."))
    .answers(500, told("It has had no effect, or not its whole effect: send it again."))
}

fn audit(door: Door) -> Operation {
    let mut verdict = order_answer("The verdict is taken.", door, Status::AwaitingAudit);
    verdict["headers"] = json!({ "Idempotency-Replayed": replayed() });
    Operation::new(
        door.tag(),
        "Review an order",
        "Approved, it goes on to its payment; rejected, what was done for it is undone. Nobody approves an order of their own.",
    )
    .takes(language_and_key())
    .with_body("Verdict", true, &examples::VERDICTS)
    .answers(200, verdict)
    .refuses(&[
        Kind::BadRequest,
        Kind::OrderNotFound,
        Kind::WrongState,
        Kind::OwnOrder,
        Kind::IdempotencyKeyReused,
        Kind::OrderUnreadable,
    ])
}

fn cancel(door: Door) -> Operation {
    let mut cancelled = order_answer("It is being cancelled.", door, Status::Compensating);
    cancelled["headers"] = json!({ "Idempotency-Replayed": replayed() });
    Operation::new(
        door.tag(),
        "Cancel an order",
        "Until all of it is shipped. What was done for it is undone: shipments, payment, stock.",
    )
    .takes(language_and_key())
    .answers(200, cancelled)
    .refuses(&[
        Kind::BadRequest,
        Kind::OrderNotFound,
        Kind::WrongState,
        Kind::IdempotencyKeyReused,
        Kind::OrderUnreadable,
    ])
}

/// A decision of an operator about an order that needs attention.
fn of_attention(summary: &'static str, description: &'static str, status: Status) -> Operation {
    let mut decided = order_answer("It is decided.", Door::V1, status);
    decided["headers"] = json!({ "Idempotency-Replayed": replayed() });
    Operation::new("Operations", summary, description)
        .takes(language_and_key())
        .answers(200, decided)
        .refuses(&[
            Kind::BadRequest,
            Kind::OrderNotFound,
            Kind::WrongState,
            Kind::IdempotencyKeyReused,
            Kind::OrderUnreadable,
        ])
}

fn retry() -> Operation {
    of_attention(
        "Have an order go on that needs attention",
        "Its workflow goes on where it failed. When that execution is too old or gone, another one takes up its work. Asked again while it goes on, nothing changes.",
        Status::Shipping,
    )
    .with_body("Retry", false, &examples::RETRIES)
}

fn resolve() -> Operation {
    of_attention(
        "Say what was done by hand with an order that needs attention",
        "The stock moves as is said, and the order ends: with KEPT and SOLD it is completed, otherwise cancelled. What contradicts the payment gateway or the shipments is refused with the facts. Warehouses are asked to keep what has not left; the answer is 503 when one does not say whether it has. The same again changes nothing.",
        Status::Completed,
    )
    .with_body("Resolution", true, &examples::RESOLUTIONS)
}

fn execution(door: Door) -> Operation {
    Operation::new(
        door.tag(),
        "Read the workflow of an order",
        "Whether its execution runs; the order itself says more.",
    )
    .answers(
        200,
        json_answer(
            "The execution.",
            &schemas::of::<crate::workflow::WorkflowStatus<'_>>(),
            Some(examples::workflow_status()),
        ),
    )
    .refuses(&[Kind::OrderNotFound, Kind::OrderUnreadable])
}

fn workflow() -> Operation {
    let executions =
        json_answer("The executions.", &schemas::of::<crate::workflow::WorkflowView<'_>>(), None);
    unless_known(Operation::new(
        "Operations",
        "Read the executions behind an order",
        "With their definitions and histories: the order's own, that of its payment window, and those of its returns, up to four of them. Task tokens are hidden.",
    ))
    .takes(parameters::of_a_workflow())
    .answers(200, named(executions))
    .refuses(&[Kind::BadRequest, Kind::OrderNotFound, Kind::PageNotFound, Kind::OrderUnreadable])
}

fn metrics() -> Operation {
    let told = json_answer("What was counted.", &schemas::of::<crate::metrics::MetricsView>(), None);
    unless_known(Operation::new(
        "Operations",
        "Read what was counted in the last hour",
        "By the local runtime, or by CloudWatch, whose answer is used again for a minute. What is null is not known. When the metrics can't be read, `Retry-After` says when to ask again.",
    ))
    .answers(200, named(told))
}

fn summary() -> Operation {
    let mut counts = json_answer("The counts.", &schemas::of::<crate::summary::Summary>(), None);
    counts["headers"] = etag();
    unless_known(Operation::new(
        "Operations",
        "Count the orders by state",
        "Up to a thousand of each. An order that can't be read counts for the state that it was in last.",
    ))
    .takes(language())
    .answers(200, counts)
}

/// An answer that is named after its content.
pub(super) fn named(mut answer: Value) -> Value {
    answer["headers"] = etag();
    answer
}

/// Adds the answer to a client that has the content already.
pub(super) fn unless_known(operation: Operation) -> Operation {
    operation
        .takes([parameters::shared_one("If-None-Match")])
        .answers(304, json!({ "description": "The client has it already." }))
}

pub(super) fn etag() -> Value {
    json!({ "ETag": { "description": "Names the content.", "required": true, "schema": { "type": "string" } } })
}
