//! The bodies that calls take, with the limits that the code enforces.

use omniflow_domain::Currency;
use omniflow_domain::address::{self, MOST_LINES};
use omniflow_domain::catalogue::MOST_NAMES;
use omniflow_domain::movement::{MOST_PIECES, MovementKind};
use omniflow_domain::order::{LONGEST_SAID, LONGEST_URL, WarehouseEvent};
use omniflow_domain::shelf::MOST_BUCKETS;
use omniflow_domain::warehouse;
use omniflow_simulated::METHODS;
use serde_json::{Map, Value, json};

use super::{examples, schemas};
use crate::admin::returns::MOST as MOST_RETURNED;
use crate::create::{LONGEST_TEXT, MOST_ITEMS, MOST_OF_ONE};
use crate::decide::LONGEST_NOTE;
use crate::description::{self, MONEY, SHOP_CURRENCY};
use crate::warehouse::{LONGEST_ENDPOINT, MOST_RANK};

/// The pattern of texts that have printable characters only.
const PRINTABLE: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";
/// The pattern of texts that have printable characters, and not only blanks.
const PRINTABLE_TEXT: &str =
    r"^[^\u0000-\u001f\u007f-\u009f]*[^\u0000-\u001f\u007f-\u009f\s][^\u0000-\u001f\u007f-\u009f]*$";
/// The pattern of texts that have printable characters, tabs and line breaks only.
const PRINTABLE_LINES: &str = r"^([^\u0000-\u001f\u007f-\u009f]|\t|\r?\n)*$";

/// The schemas of all bodies.
pub(super) fn schemas() -> Map<String, Value> {
    let Value::Object(schemas) = json!({
        "NewOrder": new_order(),
        "NewItem": new_item(),
        "Text": {
            "description": "Printable characters.",
            "type": "string", "minLength": 1, "maxLength": LONGEST_TEXT, "pattern": PRINTABLE,
        },
        MONEY: description::money(Currency::default()),
        SHOP_CURRENCY: description::shop_currency(Currency::default()),
        "PaymentMethod": {
            "description": "A method of the simulated payment gateway; its name says how it behaves. Where the payment provider is Stripe, the id of a payment method there (`pm_…`) instead.",
            "type": "string", "enum": METHODS,
        },
        "PaymentOrder": {
            "description": "How to pay.",
            "type": "object",
            "properties": { "method": nullable(schemas::reference("PaymentMethod"), "`pm_card` when left out.") },
        },
        "StripeEvent": {
            "description": "An event, exactly as Stripe has signed it (Stripe API Reference, \"The Event object\").",
            "type": "object",
        },
        "Verdict": {
            "description": "What the reviewer says.",
            "type": "object",
            "properties": {
                "action": { "type": "string", "enum": ["APPROVE", "REJECT"] },
                "note": note(),
            },
            "required": ["action"],
        },
        "NewProduct": new_product(),
        "NewReturn": returned(
            "What is to be returned.",
            json!({ "quantity": pieces(1, "The pieces to return.") }),
            &["product_id", "quantity"],
            json!({ "reason": schemas::reference("Text") }),
        ),
        "ReceivedGoods": returned(
            "What has come back.",
            json!({
                "restock": nullable(pieces(0, "The pieces that can be sold again."), "0 when left out."),
                "write_off": nullable(pieces(0, "The pieces that can't be sold again."), "0 when left out."),
            }),
            &["product_id"],
            json!({}),
        ),
        "ReturnResolution": {
            "description": "How the money was given back by hand.",
            "type": "object",
            "properties": { "note": {
                "type": "string", "minLength": 1, "maxLength": LONGEST_NOTE, "pattern": PRINTABLE_LINES,
            }},
            "required": ["note"],
        },
        "NewMovement": new_movement(),
        "NewBuckets": new_buckets(),
        "Retry": {
            "description": "Why the order is to go on.",
            "type": "object",
            "properties": { "note": note() },
        },
        "NewWarehouse": new_warehouse(),
        "ShipmentEvent": shipment_event(),
        "Resolution": {
            "description": "What was done by hand. What contradicts the payment gateway or the shipments is refused.",
            "type": "object",
            "properties": {
                "money": {
                    "description": "Taken and given back, taken and kept, or never taken.",
                    "type": "string", "enum": ["REFUNDED", "KEPT", "NONE"],
                },
                "stock": {
                    "description": "RELEASED: nothing has left, and all can be ordered again. SOLD: what has left is the customer's. LOST: what has left is lost, or everything if nothing has. What has not left can be ordered again.",
                    "type": "string", "enum": ["RELEASED", "SOLD", "LOST"],
                },
                "note": {
                    "description": "What was done and why. Line breaks and tabs are kept; other control characters are refused.",
                    "type": "string", "minLength": 1, "maxLength": LONGEST_NOTE, "pattern": PRINTABLE_LINES,
                },
            },
            "required": ["money", "stock", "note"],
        },
    }) else {
        return Map::new();
    };
    schemas
}

fn pieces(least: u32, description: &str) -> Value {
    json!({ "type": "integer", "minimum": least, "maximum": MOST_OF_ONE, "description": description })
}

/// The body of a call about goods that come back: a list of products with these members, and further ones of the body.
fn returned(description: &str, members: Value, needed: &[&str], mut more: Value) -> Value {
    let mut item = members;
    item["product_id"] = json!({
        "$ref": "#/components/schemas/Text",
        "description": "The product's id, as the order's items have it. Named more than once, the pieces are added up.",
        "examples": ["iphone-15"],
    });
    let required: Vec<_> = more.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
    more["items"] = json!({
        "type": "array", "minItems": 1, "maxItems": MOST_RETURNED,
        "items": { "type": "object", "properties": item, "required": needed },
    });
    let required: Vec<_> = required.into_iter().chain(["items".to_owned()]).collect();
    json!({ "description": description, "type": "object", "properties": more, "required": required })
}

fn new_product() -> Value {
    json!({
        "description": "A product as it is to be.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "name": { "$ref": "#/components/schemas/Text", "description": "With a letter or a digit in it." },
            "price": schemas::reference(MONEY),
            "currency": nullable(schemas::reference(SHOP_CURRENCY), "The shop's currency, whether it is said or not."),
            "names": {
                "description": "Further names that it is found by.",
                "type": ["array", "null"], "maxItems": MOST_NAMES, "items": schemas::reference("Text"),
            },
            "active": { "description": "Whether it is sold; true when left out.", "type": ["boolean", "null"] },
            "low_stock": {
                "description": "The number of available pieces, in all warehouses together, at which its stock is low.",
                "type": ["integer", "null"], "minimum": 0, "maximum": u32::MAX,
            },
        },
        "required": ["name", "price"],
    })
}

fn new_movement() -> Value {
    json!({ "description": "What is moved, and why.", "oneOf": MovementKind::ASKED.map(movement_of_kind) })
}

fn movement_of_kind(kind: MovementKind) -> Value {
    let pieces = |description: &str, least: i64| json!({ "description": description, "type": "integer", "minimum": least, "maximum": MOST_PIECES });
    let quantity = match kind {
        MovementKind::Receive | MovementKind::Return => pieces("The pieces that come.", 1),
        MovementKind::Transfer => pieces("The pieces that go to the other warehouse.", 1),
        MovementKind::Count => {
            pieces("The pieces on the shelf, with those that are set aside for orders.", 0)
        }
        MovementKind::Adjust => {
            let mut quantity = pieces(
                "How many pieces more there are, with a minus when they are fewer.",
                -i64::from(MOST_PIECES),
            );
            quantity["not"] = json!({ "const": 0 });
            quantity
        }
    };
    let mut movement = json!({
        "title": kind.name(),
        "type": "object",
        "properties": {
            "kind": { "const": kind.name() },
            "quantity": quantity,
            "reason": schemas::reference("Text"),
            "reference": text("A delivery note, an invoice, a count sheet.", "DN-2044"),
            "to": { "description": "For a transfer alone.", "type": "null" },
        },
        "required": ["kind", "quantity", "reason"],
    });
    if kind == MovementKind::Transfer {
        movement["properties"]["to"] = json!({
            "description": "The warehouse that the pieces go to.", "example": "wh-west",
            "type": "string", "minLength": 1, "maxLength": warehouse::LONGEST_ID, "pattern": "^[A-Za-z0-9_-]+$",
        });
        movement["required"] = json!(["kind", "quantity", "reason", "to"]);
    }
    movement
}

fn new_buckets() -> Value {
    json!({
        "description": "How the stock of a product in a warehouse is to be split.",
        "type": "object",
        "properties": {
            "buckets": { "description": "The number of buckets; 1 puts all together.", "type": "integer", "minimum": 1, "maximum": MOST_BUCKETS },
        },
        "required": ["buckets"],
    })
}

/// The body of a call that takes a file.
pub(super) fn file(rows: usize) -> Value {
    json!({
        "description": format!("Comma-separated values with at most {rows} rows, whose first line names the columns: in UTF-8, with commas, semicolons or tabs between the cells. A column `line`, if there is one, has the numbers by which the answer names the rows."),
        "required": true,
        "content": { "text/csv": { "schema": { "type": "string" } } },
    })
}

fn new_warehouse() -> Value {
    json!({
        "description": "How a warehouse is reached. Its secret is not among it: that stays in the store of secrets.",
        "type": "object",
        "properties": {
            "name": { "description": "The name for people; the id when left out.", "type": ["string", "null"], "minLength": 1, "maxLength": LONGEST_TEXT, "pattern": PRINTABLE },
            "rank": { "description": "Of two warehouses that can both ship, the one with the lower rank does; 100 when left out.", "type": ["integer", "null"], "minimum": 0, "maximum": MOST_RANK },
            "link": { "description": "How it is asked to ship: not at all (`simulated`), or by signed requests to its own server (`http`).", "type": "string", "enum": ["simulated", "http"] },
            "endpoint": { "description": "Where these requests go, and only for `http`.", "type": ["string", "null"], "maxLength": LONGEST_ENDPOINT },
            "active": { "description": "Whether new orders may be shipped from it; true when left out.", "type": ["boolean", "null"] },
        },
        "required": ["link"],
    })
}

fn shipment_event() -> Value {
    let said = |description: &str| json!({ "description": description, "type": ["string", "null"], "minLength": 1, "maxLength": LONGEST_SAID, "pattern": PRINTABLE });
    json!({
        "description": "What a warehouse says about a shipment. Said twice, late or out of order, it changes nothing.",
        "type": "object",
        "properties": {
            "event": schemas::of::<WarehouseEvent>(),
            "tracking": said("The carrier's number."),
            "carrier": said("The carrier."),
            "tracking_url": { "description": "The page at which the carrier shows where the parcel is.", "type": ["string", "null"], "maxLength": LONGEST_URL, "pattern": r"^https://[A-Za-z0-9\[][!#-;=?-\[\]_a-z~]*$" },
            "reason": said("Why, in the warehouse's words."),
        },
        "required": ["event"],
    })
}

fn note() -> Value {
    json!({
        "description": "Why. Line breaks and tabs are kept; other control characters are refused.",
        "type": ["string", "null"], "maxLength": LONGEST_NOTE, "pattern": PRINTABLE_LINES,
    })
}

fn nullable(schema: Value, description: &str) -> Value {
    json!({ "description": description, "anyOf": [schema, { "type": "null" }] })
}

fn text(description: &str, example: &str) -> Value {
    let mut text = nullable(schemas::reference("Text"), description);
    text["examples"] = json!([example]);
    text
}

fn new_order() -> Value {
    let item = json!({
        "anyOf": [
            { "$ref": "#/components/schemas/Text", "description": "The id or name of a product, of which one is wanted.", "examples": ["iPhone 15"] },
            schemas::reference("NewItem"),
        ],
    });
    let payment = json!({
        "type": "object",
        "properties": { "method": schemas::reference("PaymentMethod") },
        "required": ["method"],
    });
    json!({
        "description": "What is ordered.",
        "type": "object",
        "properties": {
            "items": { "type": "array", "minItems": 1, "maxItems": MOST_ITEMS, "items": item },
            "amount": nullable(
                schemas::reference(MONEY),
                "What all of it costs. When each item has a price, it must be their sum; left out, it is their sum, or, when none has one, what the catalogue asks.",
            ),
            "currency": nullable(
                schemas::reference(SHOP_CURRENCY),
                "What the amount and the prices are in: the shop's currency, whether it is said or not. Another one is refused.",
            ),
            "customer_id": text("Whose it is. A customer's token says it instead.", "customer-001"),
            "email": nullable(
                json!({ "type": "string", "format": "email", "maxLength": LONGEST_TEXT }),
                "Where messages go; left out, to the customer id when that is an address.",
            ),
            "address": nullable(new_address(), "Where the goods go; warehouses with a server of their own are told."),
            "payment": nullable(
                payment,
                "Pays with the order, so that nothing waits for it. The doors of OrderFlow and of the order page take `pm_card` when it is left out.",
            ),
        },
        "required": ["items"],
        "examples": examples::ORDERS.map(examples::parsed),
    })
}

/// Where the goods go.
fn new_address() -> Value {
    let text = |description: &str| json!({ "description": description, "type": "string", "minLength": 1, "maxLength": address::LONGEST_TEXT, "pattern": PRINTABLE_TEXT });
    let line = text("Street, house, floor and the like.");
    let mut postcode = text("The postcode, where the country has some.");
    postcode["type"] = json!(["string", "null"]);
    json!({
        "description": "Where the goods go.",
        "type": "object",
        "properties": {
            "name": text("Who gets them."),
            "lines": { "type": "array", "minItems": 1, "maxItems": MOST_LINES, "items": line },
            "postcode": postcode,
            "city": text("The place."),
            "country": { "description": "The country, by its code of two letters (ISO 3166-1 alpha-2).", "type": "string", "enum": address::Country::all().collect::<Vec<_>>() },
        },
        "required": ["name", "lines", "city", "country"],
    })
}

fn new_item() -> Value {
    let named = |by: &str| json!({ "required": [by], "properties": { by: { "type": "string" } } });
    json!({
        "description": "Some of one product, by its id, or by its name where there is no id.",
        "type": "object",
        "properties": {
            "product_id": text("The product's id or name.", "prod-001"),
            "name": text("What to call it; without a `product_id` also which it is.", "iPhone 15 Pro"),
            "quantity": {
                "description": "How many; 1 when left out.",
                "type": ["integer", "null"], "minimum": 1, "maximum": MOST_OF_ONE,
            },
            "price": nullable(schemas::reference(MONEY), "For one."),
        },
        "anyOf": [named("product_id"), named("name")],
    })
}

/// A body of this schema.
pub(super) fn body(schema: &str, required: bool, examples: &[&str]) -> Value {
    let examples = examples.iter().enumerate();
    let examples: Map<_, _> = examples
        .map(|(at, text)| (format!("example {}", at + 1), json!({ "value": examples::parsed(text) })))
        .collect();
    json!({
        "description": "JSON, whatever the `Content-Type` says: `curl -d` calls it form data.",
        "required": required,
        "content": { "application/json": { "schema": schemas::reference(schema), "examples": examples } },
    })
}
