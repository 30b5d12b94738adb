//! The document as a whole.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{bodies, operations, parameters, problems, schemas};
use crate::problem::Kind;
use crate::routes::CALLS;

const DESCRIPTION: &str = "Order fulfilment that never oversells, never loses a payment and never forgets a timeout.

**One order, three doors.** `/api/v1` is OmniFlow's own contract; `/api/orders…` with `?workflow_id=` is OrderFlow's; \
`/api/orders/create`, `/api/orders/{order_id}` and `/api/workflows/{order_id}/status` are the order page's. They lead to \
the same orders, by their order id or their workflow id.

**Who may call.** Customers send a token (JWT) and see their own orders; operators send one with the operators' scope or \
claim, or sign with IAM, and see all. A stack without an issuer of tokens takes signatures only. The local runtime asks nobody on \
loopback, and elsewhere wants its own token or, where it has an issuer, the issuer's.

**Problems** are `application/problem+json` (RFC 9457). Their `type` is stable; `detail` says what to do. A path that is \
none of these is `route-not-found` (404), a wrong method `method-not-allowed` (405), at any path. Deployed, API Gateway \
itself may answer 401, 403, 429, 500 or 503 with a JSON object that has a `message`.";

/// The document.
pub(super) fn document() -> Value {
    let mut paths = Map::new();
    for route in CALLS {
        let (path, method, operation) = operations::operation(route);
        paths.entry(path).or_insert_with(|| json!({}))[method] = operation;
    }
    let responses = responses(&paths);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "OmniFlow",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Order fulfilment",
            "description": DESCRIPTION,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": [
            { "name": "Orders", "description": "OmniFlow's own door. Texts are Chinese when nothing else is asked for." },
            { "name": "Products", "description": "The catalogue." },
            { "name": "Stock" },
            { "name": "Returns", "description": "What customers send back of completed orders." },
            { "name": "Warehouses", "description": "How each is reached, and what they say of shipments." },
            { "name": "Files", "description": "Comma-separated values, as spreadsheets write and read them." },
            { "name": "People", "description": "Customers, for those who run the shop." },
            { "name": "Operations", "description": "What the web console shows to operators." },
            { "name": "Orders, OrderFlow's door", "description": "Texts are Russian when nothing else is asked for." },
            { "name": "Orders, the order page's door", "description": "Texts are Russian when nothing else is asked for." },
            { "name": "System", "description": "For anyone." },
        ],
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "responses": responses,
            "parameters": parameters::shared(),
            "securitySchemes": {
                "token": {
                    "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "A token of the stack's issuer (`JwtIssuer`) for one of its audiences (`JwtAudience`). Its subject is the customer; the scope `OperatorScope`, here as it is unless set, makes an operator, or a claim does (`OperatorClaim`).",
                },
                "signature": {
                    "type": "apiKey", "in": "header", "name": "Authorization",
                    "x-amazon-apigateway-authtype": "awsSigv4",
                    "description": "AWS Signature Version 4, where there is no issuer. Whoever may call by IAM is an operator.",
                },
            },
        },
    })
}

fn schemas() -> Map<String, Value> {
    let mut schemas = schemas::answers();
    schemas.extend(bodies::schemas());
    schemas.extend(problems::schemas());
    schemas.insert(
        "GatewayMessage".to_owned(),
        json!({
            "description": "API Gateway's own words.",
            "type": "object",
            "properties": { "message": { "type": "string" } },
            "required": ["message"],
        }),
    );
    schemas
}

/// The responses that the operations refer to.
fn responses(paths: &Map<String, Value>) -> Map<String, Value> {
    let mut used = BTreeSet::new();
    for operation in paths.values().flat_map(|path| path.as_object().unwrap().values()) {
        for response in operation["responses"].as_object().unwrap().values() {
            used.extend(response["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()));
        }
    }
    let kind = |name: &str| Kind::ALL.into_iter().find(|kind| format!("{kind:?}") == name).unwrap();
    let response = |name: &str| {
        let kinds: Vec<_> = name.split(problems::BETWEEN).map(kind).collect();
        (name.to_owned(), problems::response(&kinds))
    };
    used.into_iter().map(response).collect()
}
