//! The parameters that calls take in the path, the query and the headers.

use omniflow_domain::warehouse;
use omniflow_domain::{Email, Reason, Status};
use serde_json::{Map, Value, json};

use super::schemas;
use crate::create::LONGEST_TEXT;
use crate::{finding, keep, read};

/// The pattern of all ids of an order: its own, and those of its workflow.
const ORDER_OR_WORKFLOW: &str = r"^(ORD-|order-processing-.*-)[0-9]{1,32}$";

/// The parameters that more than one call has.
pub(super) fn shared() -> Map<String, Value> {
    let order = json!({ "type": "string", "pattern": ORDER_OR_WORKFLOW });
    let Value::Object(parameters) = json!({
        "order_id": {
            "name": "order_id", "in": "path", "required": true, "schema": order,
            "description": "The order's id, or its workflow's.",
            "example": "ORD-1700000000000123456",
        },
        "workflow_id": {
            "name": "workflow_id", "in": "query", "required": true, "schema": order,
            "description": "The order's id, or its workflow's.",
            "example": "order-processing-customer-001-1700000000000123456",
        },
        "Accept-Language": {
            "name": "Accept-Language", "in": "header", "schema": { "type": "string" }, "example": "en",
            "description": "The language of texts for people: `en`, `zh` or `ru`. Without it, `/api/v1` answers in Chinese and the other doors in Russian. Problems are told in English; those with amounts and prices, and why a bank declined, in the language that is asked for.",
        },
        "Idempotency-Key": {
            "name": "Idempotency-Key", "in": "header",
            "schema": { "type": "string", "minLength": 1, "maxLength": keep::LONGEST, "pattern": r"^[!-~]([ -~]*[!-~])?$" },
            "example": "5f2b7f52-9a0e-4b3c-8d0e-3f8f6f1f1d11",
            "description": "Makes a repeat harmless: for 24 hours, the same key with the same body gets the first answer again. Each customer's keys are their own; operators share theirs.",
        },
        "Prefer": {
            "name": "Prefer", "in": "header", "schema": { "type": "string" }, "example": "wait=8",
            "description": "`wait=SECONDS` (RFC 7240): rather than at once, answer when the order waits for a person or is closed, or after that time. A system may grant less, or nothing: `Preference-Applied` says what it granted.",
        },
        "If-None-Match": {
            "name": "If-None-Match", "in": "header", "schema": { "type": "string" }, "example": "\"0123456789abcdef\"",
            "description": "The `ETag` of what the client has; that is not sent again.",
        },
    }) else {
        return Map::new();
    };
    parameters
}

/// The header that ties a change to what was read of such a thing.
pub(super) fn if_match(thing: &str) -> Value {
    json!({
        "name": "If-Match", "in": "header", "schema": { "type": "string" },
        "description": format!("The `ETag` of the {thing} as it was read: what somebody else changed meanwhile is not overwritten."),
    })
}

/// The reference to a parameter that more than one call has.
pub(super) fn shared_one(name: &str) -> Value {
    json!({ "$ref": format!("#/components/parameters/{name}") })
}

/// The parameters of a path.
pub(super) fn of_path(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names.map(of_path_by_name).collect()
}

fn of_path_by_name(name: &str) -> Value {
    match name.trim_end_matches('+') {
        "product" => json!({
            "name": "product", "in": "path", "required": true, "schema": { "type": "string" },
            "description": "The product's id or name; case, in any script, and punctuation don't matter.", "example": "iphone-15",
        }),
        "warehouse" => json!({
            "name": "warehouse", "in": "path", "required": true,
            "schema": { "type": "string", "minLength": 1, "maxLength": warehouse::LONGEST_ID, "pattern": "^[A-Za-z0-9_-]+$" },
            "description": "The warehouse's id, which its stock is kept under.", "example": "wh-east",
        }),
        "number" => json!({
            "name": "number", "in": "path", "required": true,
            "schema": { "type": "integer", "minimum": 1, "maximum": u32::MAX },
            "description": "The number of the return among those of its order.", "example": 1,
        }),
        "customer_id" => json!({
            "name": "customer_id", "in": "path", "required": true, "schema": { "type": "string" },
            "description": "The customer's id, as their orders have it.", "example": "customer-001",
        }),
        "file" => json!({
            "name": "file", "in": "path", "required": true,
            "schema": { "type": "string" }, "example": "docs.html",
            "description": "A file of the console, as its pages name it; its slashes as they are.",
        }),
        name => shared_one(name),
    }
}

/// The query of a list of orders.
pub(super) fn of_a_list() -> Vec<Value> {
    let amount = |what: &str| {
        format!(
            "Only orders that cost {what}, in the shop's currency: `12` or `12.50`. Orders in another currency are left out."
        )
    };
    let date = |what: &str| {
        format!(
            "Only orders that were made {what}: a date, of which the days are those of UTC, or a moment (RFC 3339)."
        )
    };
    let text = json!({ "type": "string", "minLength": 1, "maxLength": LONGEST_TEXT });
    vec![
        of_query("state", &schemas::of::<Status>(), "COMPLETED", "Only orders that are in this state."),
        of_query(
            "reason",
            &schemas::of::<Reason>(),
            "PAYMENT_TIMEOUT",
            "Only orders that are or were undone for this reason.",
        ),
        of_query(
            "customer",
            &json!({ "type": "string", "minLength": 1, "maxLength": read::LONGEST_CUSTOMER }),
            "customer-001",
            "Only orders of this customer, by the whole id. For operators: customers see their own orders whatever they ask for.",
        ),
        of_query(
            "email",
            &schemas::of::<Email>(),
            "ann@example.com",
            "Only orders that are written to under this whole address, in capitals or not. Orders that an earlier release made are found by `search`.",
        ),
        of_query(
            "product",
            &text,
            "iphone-15",
            "Only orders with this product, by its id or its name there; case and punctuation don't matter.",
        ),
        of_query("warehouse", &text, "wh-east", "Only orders that this warehouse ships something of."),
        of_query(
            "tracking",
            &text,
            "TRK-1700000000000123456-wh-east",
            "Only orders with a shipment of this whole tracking number.",
        ),
        of_query(
            "number",
            &json!({ "type": "string", "pattern": "^#?[0-9]{5,15}$" }),
            "10042",
            "Only the order with this number.",
        ),
        of_query("min_amount", &text, "100", &amount("as much or more")),
        of_query("max_amount", &text, "499.99", &amount("as much or less")),
        of_query("from", &text, "2026-11-01", &date("at this time or later")),
        of_query("to", &text, "2026-11-30", &date("before this moment, or on this day or earlier")),
        json!({
            "name": "search", "in": "query", "schema": { "type": "string" }, "example": "customer-001",
            "description": "The beginning of an order id, also without `ORD-`, an order's number (`#10042`), or a part of an order id, a customer id, an e-mail address, a product, a tracking number or a failure, or an amount. Case doesn't matter, in any script: `straße` finds `STRASSE`, and `çelik` finds `ÇELİK`.",
        }),
        json!({
            "name": "limit", "in": "query",
            "schema": { "type": "integer", "minimum": 1, "maximum": finding::MOST, "default": read::DEFAULT_LIMIT },
            "description": "How many at most.",
        }),
        json!({
            "name": "next", "in": "query", "schema": schemas::of::<omniflow_domain::OrderId>(),
            "description": "What the page before gave as `next`.",
        }),
    ]
}

fn of_query(name: &str, schema: &Value, example: &str, description: &str) -> Value {
    json!({ "name": name, "in": "query", "schema": schema, "example": example, "description": description })
}

#[test]
fn every_parameter_of_a_list_is_described_and_no_other() {
    let described: Vec<_> = of_a_list().iter().map(|parameter| parameter["name"].clone()).collect();
    assert_eq!(described, finding::PARAMETERS);
}

/// The query of a workflow.
pub(super) fn of_a_workflow() -> Vec<Value> {
    vec![
        json!({
            "name": "execution", "in": "query",
            "schema": schemas::of::<crate::workflow::Part>(),
            "description": "Only this execution.",
        }),
        json!({
            "name": "next", "in": "query", "schema": { "type": "string" },
            "description": "What the page before of that execution's history gave as `next`; of the `order` when `execution` is left out.",
        }),
    ]
}

/// The headers of a message that is signed (Standard Webhooks Specification, "Webhook headers").
pub(super) fn of_a_signed_message() -> Vec<Value> {
    let header = |name: &str, description: &str| {
        json!({
            "name": name, "in": "header", "required": true, "schema": { "type": "string" },
            "description": description,
        })
    };
    vec![
        header("webhook-id", "Names the message, the same each time that it is sent."),
        header("webhook-timestamp", "When it is sent, in seconds since 1970, give or take five minutes."),
        header(
            "webhook-signature",
            "`v1,` and the HMAC-SHA256 of `id.timestamp.body` in Base64; several with blanks between them.",
        ),
    ]
}
