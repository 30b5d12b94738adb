//! The problems, each with its own schema, and the responses that carry them.

use omniflow_domain::Status;
use serde_json::{Map, Value, json};

use super::schemas;
use crate::problem::{Kind, Problem};

/// The text between the problems in the name of a response that carries one of several.
pub(super) const BETWEEN: &str = "-or-";
/// The media type of all problems (RFC 9457).
const MEDIA_TYPE: &str = "application/problem+json";

/// The meaning of a problem, and what to do about it.
const fn meaning(kind: Kind) -> &'static str {
    match kind {
        Kind::BadRequest => {
            "The body is not JSON, or a field or parameter is not what the call takes. `detail` names it; correct it."
        }
        Kind::BodyTooLarge => "The body has more than 256 KiB. Send less.",
        Kind::Unauthorized => {
            "The call takes a token or a signature, and there is none that holds. Sign in and send it again. A token whose subject is empty, or longer than 2,048 bytes, names nobody."
        }
        Kind::Forbidden => "The call is for operators, and the token is none of theirs.",
        Kind::UnknownProduct => {
            "The order has a product that is not sold here; `product` is how it was named. `GET /api/v1/stock` lists what is."
        }
        Kind::AmountMismatch => {
            "The amount is not what the items cost, or there is none and only some of the items have a price, or they cost more than an order may, or a product has no price in the shop's currency. Correct the amount, or leave it out and give each item its price, or none."
        }
        Kind::OrderNotFound => {
            "No order has this id, or it is somebody else's. Use the `order_id` of the answer to the order."
        }
        Kind::ProductNotFound => "No product has this id or name. `GET /api/v1/stock` lists what there is.",
        Kind::WarehouseNotFound => {
            "Nobody has described a warehouse of this id. `PUT` it; `GET /api/v1/warehouses` lists all."
        }
        Kind::UnusableEndpoint => {
            "`endpoint` is missing or can't be used, for the reason in `detail`; or the warehouse is a simulated one, which has none."
        }
        Kind::ShipmentNotFound => {
            "The order has no shipment from this warehouse. The order lists what it has."
        }
        Kind::PageNotFound => {
            "`next` is not what the page before gave, or that was more than a day ago. Begin again without it."
        }
        Kind::RouteNotFound => "The path is none of those here.",
        Kind::MethodNotAllowed => {
            "The path is one of those here, but not with this method; `allow`, and the header, say with which."
        }
        Kind::WrongState => {
            "The order has gone on, and this can't be done to it any more, or not yet. `state` is what it is now; whoever came first has decided."
        }
        Kind::PriceChanged => {
            "A customer named a price, or an amount, that is not what the catalogue asks; `price`, with `product`, or `amount` is what it asks. Show it to the customer, and send the order again with it, or without any."
        }
        Kind::TooManyOpenOrders => {
            "The customer has as many unpaid orders, or unpaid pieces, as one customer may have. Pay or cancel some of them, or wait until their time to be paid is over, and send the order again."
        }
        Kind::OwnOrder => {
            "The order is the reviewer's own, by its customer, its address, or by who made it. Somebody else has to approve it."
        }
        Kind::NotEnoughStock => {
            "The movement would take more pieces than are available, or bring more than a row may hold. `detail` has the numbers."
        }
        Kind::ReturnNotFound => "The order has no return of this number. List its returns.",
        Kind::NotReturnable => {
            "The order was not completed, the time for returns is over, or more is to be returned than was shipped and is not on its way back. `detail` says which, and `returnable` what can still be returned."
        }
        Kind::NameTaken => {
            "Another product is found by this id or name, in which case and punctuation don't matter. Choose another one, or rename that product first."
        }
        Kind::ChangedMeanwhile => {
            "The product or the warehouse is not as `If-Match` or `If-None-Match` says. Read it again, and send the change with its new `ETag`."
        }
        Kind::CustomerHasOpenOrders => {
            "The customer can't be forgotten while an order of theirs is open. Cancel the orders that `orders` names, or wait until they are closed."
        }
        Kind::PaymentDeclined => {
            "The bank declined; `detail` says why, in the language that is asked for, and `reason` for programs. The order still waits: try again, also by another method."
        }
        Kind::PaymentActionRequired => {
            "The customer has to confirm the payment on a page that has `client_secret`, because their bank asks or because nobody has named a method. With a payment provider only."
        }
        Kind::IdempotencyKeyReused => {
            "The `Idempotency-Key` came with another body before. Use a new key for a new request."
        }
        Kind::OrderUnreadable => {
            "The order is stored, and its record is damaged, or a later release wrote it. Sending the request again does not help: whoever runs the system has to repair or restore its item in the orders' table, or to bring the system to that release. Lists show the order with the state `UNREADABLE`."
        }
        Kind::RequestTimeout => "The request did not come whole in time. Send it again.",
        Kind::HostNotServed => {
            "The local runtime is called by a name that is not its own. Call it by its address or as localhost, or start it with `--allowed-host` and that name."
        }
        Kind::ForeignSite => {
            "A page of another website sent the request to the local runtime, which takes none from there. If the site shall, start the runtime with `--allowed-host` and the site's name."
        }
        Kind::Unavailable => {
            "Something behind the API does not answer, and whether the request was carried out is not known. Send it again; with an `Idempotency-Key` it is carried out once."
        }
        Kind::Overloaded => {
            "Orders wait longer to be started than they may (the parameter `BacklogSeconds`). This one was not taken. Send it again after `retry_after` seconds, which the header says, too."
        }
    }
}

/// The members that a problem has beside the usual ones.
fn more(kind: Kind) -> Vec<(&'static str, Value, Value)> {
    let text = || json!({ "type": "string" });
    match kind {
        Kind::UnknownProduct => vec![("product", text(), json!("Perpetuum Mobile"))],
        Kind::NameTaken => {
            vec![("name", text(), json!("Teapot")), ("product_id", text(), json!("teapot-2"))]
        }
        Kind::CustomerHasOpenOrders => vec![(
            "orders",
            json!({ "type": "array", "items": schemas::of::<omniflow_domain::OrderId>() }),
            json!(["ORD-1700000000000123456"]),
        )],
        Kind::NotReturnable => vec![
            ("order_id", schemas::of::<omniflow_domain::OrderId>(), json!("ORD-1700000000000123456")),
            (
                "returnable",
                json!({ "type": "array", "items": schemas::of::<omniflow_domain::allocation::Line>() }),
                json!([{ "product_id": "teapot", "quantity": 1 }]),
            ),
        ],
        Kind::OwnOrder => {
            vec![("order_id", schemas::of::<omniflow_domain::OrderId>(), json!("ORD-1700000000000123456"))]
        }
        Kind::MethodNotAllowed => vec![("allow", text(), json!("GET, POST"))],
        Kind::WrongState => of_order("CANCELLED", "Cancelled (timeout)"),
        Kind::PaymentDeclined => {
            let mut more = of_order("AWAITING_PAYMENT", "Awaiting payment (25 s left)");
            let reason = schemas::of::<omniflow_domain::payment_gateway::Decline>();
            more.push(("reason", reason, json!("INSUFFICIENT_FUNDS")));
            more
        }
        Kind::PaymentActionRequired => {
            let mut more = of_order("AWAITING_PAYMENT", "Awaiting payment (25 s left)");
            more.push(("payment_id", text(), json!("pi_3NxYqT2eZvKYlo2C")));
            more.push(("client_secret", text(), json!("pi_3NxYqT2eZvKYlo2C_secret_…")));
            more.push(("publishable_key", text(), json!("pk_live_…")));
            more
        }
        Kind::Overloaded => {
            vec![("retry_after", json!({ "type": "integer", "minimum": 1 }), json!(15))]
        }
        Kind::OrderUnreadable => {
            vec![("order_id", schemas::of::<omniflow_domain::OrderId>(), json!("ORD-1700000000000123456"))]
        }
        _ => Vec::new(),
    }
}

/// The members about the order that a problem is about.
fn of_order(state: &str, status: &str) -> Vec<(&'static str, Value, Value)> {
    vec![
        ("order_id", schemas::of::<omniflow_domain::OrderId>(), json!("ORD-1700000000000123456")),
        ("state", schemas::of::<Status>(), json!(state)),
        (
            "order_status",
            json!({ "type": "string", "description": "For people, in their language." }),
            json!(status),
        ),
    ]
}

fn schema_name(kind: Kind) -> String {
    format!("{kind:?}Problem")
}

/// The schema of each problem.
pub(super) fn schemas() -> impl Iterator<Item = (String, Value)> {
    Kind::ALL.into_iter().map(|kind| (schema_name(kind), schema(kind)))
}

fn schema(kind: Kind) -> Value {
    let mut schema = json!({
        "description": meaning(kind),
        "type": "object",
        "properties": {
            "type": { "type": "string", "const": kind.uri() },
            "title": { "type": "string", "const": kind.title() },
            "status": { "type": "integer", "const": kind.status() },
            "detail": { "type": "string", "description": "What is wrong here, and what to do." },
        },
        "required": ["type", "title", "status", "detail"],
    });
    let mut example = Problem::new(kind, "…");
    for (name, its_schema, its_example) in more(kind) {
        schema["properties"][name] = its_schema;
        if let Value::Array(required) = &mut schema["required"] {
            required.push(json!(name));
        }
        example = example.with(name, its_example);
    }
    schema["examples"] = json!([example.to_json()]);
    schema
}

/// The responses of a call that has these problems, by status.
pub(super) fn responses(kinds: &[Kind]) -> Map<String, Value> {
    let mut responses = Map::new();
    for kind in kinds {
        let same: Vec<_> = kinds.iter().copied().filter(|other| other.status() == kind.status()).collect();
        let reference = format!("#/components/responses/{}", response_name(&same));
        responses.insert(kind.status().to_string(), json!({ "$ref": reference }));
    }
    responses
}

/// The name of the response that carries one of these problems.
pub(super) fn response_name(kinds: &[Kind]) -> String {
    kinds.iter().map(|kind| format!("{kind:?}")).collect::<Vec<_>>().join(BETWEEN)
}

/// The response that carries one of these problems.
pub(super) fn response(kinds: &[Kind]) -> Value {
    let titles: Vec<_> = kinds.iter().map(|kind| kind.title()).collect();
    let choices: Vec<_> = kinds.iter().map(|kind| schemas::reference(&schema_name(*kind))).collect();
    let schema = match &choices[..] {
        [one] => one.clone(),
        _ => json!({ "oneOf": choices }),
    };
    let mut response = json!({
        "description": format!("{}.", titles.join("; or: ")),
        "content": { MEDIA_TYPE: { "schema": schema } },
    });
    if kinds.contains(&Kind::Unauthorized) {
        response["headers"] = json!({ "WWW-Authenticate": {
            "description": "How to sign in.", "required": true, "schema": { "type": "string" }, "example": "Bearer",
        }});
    }
    if kinds.contains(&Kind::Overloaded) {
        response["headers"] = json!({ "Retry-After": {
            "description": "The seconds after which it is worth sending the request again.",
            "schema": { "type": "integer" }, "example": 15,
        }});
    }
    // API Gateway answers these itself when it knows already that the function would refuse.
    if kinds.iter().any(|kind| matches!(kind, Kind::Unauthorized | Kind::Forbidden)) {
        response["content"]["application/json"] = json!({ "schema": schemas::reference("GatewayMessage") });
    }
    response
}
