//! The description of the calls that the function `admin` makes.

use serde_json::{Value, json};

use super::calls::{named, unless_known};
use super::operations::Operation;
use super::responses::{json_answer, replayed};
use super::{examples, parameters, schemas};
use crate::admin::{buckets, doctor, export, import, movements, people, products, stock};
use crate::finding;
use crate::problem::Kind;
use crate::read;
use crate::routes::ApiCall;

/// The description of a call.
pub(super) fn described(call: ApiCall) -> Operation {
    match call {
        ApiCall::Examine => examine(),
        ApiCall::Repair => repair(),
        ApiCall::ListStock => list_stock(),
        ApiCall::ReadStock => product_stock(),
        ApiCall::MoveStock => move_stock(),
        ApiCall::ListMovements => list_movements(),
        ApiCall::SplitStock => split_stock(),
        ApiCall::ListProducts => list_products(),
        ApiCall::ReadProduct => read_product(),
        ApiCall::PutProduct => put_product(),
        ApiCall::DeleteProduct => delete_product(),
        ApiCall::ImportProducts => import(
            "Import products",
            "The columns `product_id`, `name` and `price`, and if you like `currency`, `names` (with `|` between them), `active` and `low_stock`; what there is no column for stays as it is.",
        ),
        ApiCall::ImportStock => import(
            "Import counted stock",
            "The columns `product_id`, `warehouse` and `on_hand`, and if you like `reason` and `reference`. `on_hand` are the pieces on the shelf, with those that are set aside for orders; each difference becomes a movement of the kind `count`.",
        ),
        ApiCall::ExportProducts => {
            export("Export products", "As the import takes them.", export::MOST, any_text())
        }
        ApiCall::ExportStock => export("Export the stock", "As the import takes it.", export::MOST, place()),
        ApiCall::ExportOrders => {
            export("Export orders", "Newest first, a row for each.", export::MOST_ORDERS, order_id())
        }
        ApiCall::ListCustomerOrders => list_customer_orders(),
        ApiCall::ForgetCustomer => forget(),
        other => unreachable!("{other:?} is described with the calls of the function api"),
    }
}

fn language() -> [Value; 1] {
    [parameters::shared_one("Accept-Language")]
}

fn examine() -> Operation {
    Operation::new(
        "Operations",
        "Find what stands still",
        "Orders that stand still or wait for a person, signals that are unsent, and stock that no order holds. All open orders are read.",
    )
    .answers(200, examination("What was found."))
}

fn repair() -> Operation {
    Operation::new(
        "Operations",
        "Find what stands still and help it on",
        "What can be taken care of safely is, as the reconciler does every five minutes.",
    )
    .answers(200, examination("What was found before, and what was done about it."))
}

fn examination(description: &str) -> Value {
    json_answer(description, &schemas::of::<doctor::Examination>(), None)
}

/// The query of a list whose pages are told apart by texts of such a schema.
pub(super) fn page_of(most: usize, next: Value) -> Vec<Value> {
    vec![
        json!({
            "name": "limit", "in": "query",
            "schema": { "type": "integer", "minimum": 1, "maximum": most, "default": most },
            "description": "How many at most.",
        }),
        json!({
            "name": "next", "in": "query", "schema": next,
            "description": "What the page before gave as `next`.",
        }),
    ]
}

/// A text that nothing is known of beforehand.
fn any_text() -> Value {
    json!({ "type": "string" })
}

/// A product and a warehouse.
fn place() -> Value {
    json!({ "type": "string", "pattern": "^[^/]+/.+$" })
}

fn order_id() -> Value {
    schemas::of::<omniflow_domain::OrderId>()
}

fn list_stock() -> Operation {
    let operation = Operation::new(
        "Stock",
        "List the stock",
        "All products that there is or was stock of, page by page.",
    );
    unless_known(operation)
        .takes(page_of(stock::MOST, place()))
        .takes([json!({
            "name": "low", "in": "query", "schema": { "type": "boolean", "default": false },
            "description": "Only products whose stock is low.",
        })])
        .answers(
            200,
            named(json_answer(
                "A page of the stock.",
                &schemas::of::<stock::StockList<'_>>(),
                Some(json!({ "products": [examples::product()], "review_above": 10000, "next": null })),
            )),
        )
        .refuses(&[Kind::BadRequest])
}

fn product_stock() -> Operation {
    unless_known(Operation::new("Stock", "Read the stock of a product", "By the product's id or name."))
        .answers(
            200,
            named(json_answer(
                "The stock of the product.",
                &schemas::of::<stock::ProductStock<'_>>(),
                Some(examples::product()),
            )),
        )
        .refuses(&[Kind::ProductNotFound])
}

fn move_stock() -> Operation {
    let mut moved = json_answer("It is moved.", &schemas::of::<movements::MovementView<'_>>(), None);
    moved["headers"] = json!({ "Idempotency-Replayed": replayed() });
    Operation::new(
        "Stock",
        "Move stock",
        "Goods come (`receive`), are corrected by so many pieces (`adjust`), counted (`count`), or go to another warehouse (`transfer`). The row of the stock and the record of who did it are written together, and no row falls below zero. A row that is missing is made.",
    )
    .takes(["Accept-Language", "Idempotency-Key"].map(parameters::shared_one))
    .with_body("NewMovement", true, &examples::MOVEMENTS)
    .answers(201, moved)
    .refuses(&[Kind::BadRequest, Kind::ProductNotFound, Kind::NotEnoughStock, Kind::IdempotencyKeyReused])
}

fn list_movements() -> Operation {
    let page = json_answer("A page of movements.", &schemas::of::<movements::MovementList<'_>>(), None);
    let summary = "List the movements of a product in a warehouse";
    unless_known(Operation::new("Stock", summary, "Newest first, page by page."))
        .takes(page_of(movements::MOST, any_text()))
        .answers(200, named(page))
        .refuses(&[Kind::BadRequest, Kind::ProductNotFound])
}

fn split_stock() -> Operation {
    Operation::new(
        "Stock",
        "Split the stock of a product in a warehouse",
        "Into so many buckets, of which each takes as many orders a second as one row does, before very many orders for one product come; 1 puts all together. Nothing else of the stock changes. What an operator has split the system doesn't put together.",
    )
    .with_body("NewBuckets", true, &examples::BUCKETS)
    .answers(
        200,
        json_answer(
            "It is split so.",
            &schemas::of::<buckets::Buckets<'_>>(),
            Some(json!({ "product_id": "prod-001", "warehouse": "wh-east", "buckets": 8 })),
        ),
    )
    .refuses(&[Kind::BadRequest, Kind::ProductNotFound])
}

fn list_products() -> Operation {
    let page = json_answer("A page of the catalogue.", &schemas::of::<products::ProductList<'_>>(), None);
    unless_known(Operation::new(
        "Products",
        "List the catalogue",
        "Page by page, in no order that people know. A search looks at the whole catalogue, up to 2,000 entries for a page.",
    ))
    .takes([
        json!({
            "name": "search", "in": "query", "schema": { "type": "string" }, "example": "phone",
            "description": "A part of the id or of a name. Case doesn't matter, in any script.",
        }),
        json!({
            "name": "active", "in": "query", "schema": { "type": "boolean" },
            "description": "Only products that are sold, or, for operators, that are not. Without it customers see what is sold, and operators all.",
        }),
    ])
    .takes(page_of(products::MOST, any_text()))
    .answers(200, named(page))
    .refuses(&[Kind::BadRequest])
}

fn one_product(description: &str) -> Value {
    let mut answer = json_answer(description, &schemas::of::<products::ProductView<'_>>(), None);
    answer["headers"] = json!({ "ETag": {
        "description": "Names this version of the product.", "required": true,
        "schema": { "type": "string" }, "example": "\"3\"",
    }});
    answer
}

fn read_product() -> Operation {
    Operation::new("Products", "Read a product", "By its id or name.")
        .answers(200, one_product("The product."))
        .refuses(&[Kind::ProductNotFound])
}

fn put_product() -> Operation {
    let mut made = one_product("It is new.");
    made["headers"]["Location"] = json!({
        "description": "The product's place.", "required": true,
        "schema": { "type": "string" }, "example": "/api/v1/products/teapot",
    });
    Operation::new(
        "Products",
        "Add or change a product",
        "The product is as the body says then: what it leaves out has its usual value. Orders keep the name and the price that they were made with. No two products are found by the same id or name.",
    )
    .takes(language())
    .takes([
        parameters::if_match("product"),
        json!({
            "name": "If-None-Match", "in": "header", "schema": { "type": "string" },
            "description": "`*`: only if there is no such product.",
        }),
    ])
    .with_body("NewProduct", true, &examples::PRODUCTS)
    .answers(200, one_product("It is as the body says."))
    .answers(201, made)
    .refuses(&[Kind::BadRequest, Kind::NameTaken, Kind::ChangedMeanwhile])
}

fn delete_product() -> Operation {
    Operation::new(
        "Products",
        "Withdraw or remove a product",
        "A product that there is or was stock of is withdrawn from sale, since orders may speak of it; any other is removed.",
    )
    .takes(language())
    .takes([parameters::if_match("product")])
    .answers(200, one_product("It is withdrawn."))
    .answers(204, json!({ "description": "It is removed." }))
    .refuses(&[Kind::ProductNotFound, Kind::ChangedMeanwhile])
}

fn import(summary: &'static str, columns: &'static str) -> Operation {
    let imported = schemas::of::<import::Imported>();
    Operation::new("Files", summary, columns)
        .takes(language())
        .with_file(import::MOST_ROWS)
        .answers(
            200,
            json_answer(
                "What became of the rows. The same file again changes nothing more.",
                &imported,
                None,
            ),
        )
        .refuses(&[Kind::BadRequest])
}

fn export(summary: &'static str, description: &'static str, most: usize, next: Value) -> Operation {
    let file = json!({
        "description": "A page of the file, with the names of the columns.",
        "headers": { "Link": {
            "description": "Leads to the next page (RFC 8288); left out on the last one.",
            "schema": { "type": "string" }, "example": "</api/v1/export/products?next=teapot>; rel=\"next\"",
        }},
        "content": { "text/csv": { "schema": { "type": "string" } } },
    });
    Operation::new("Files", summary, description)
        .takes(language())
        .takes(page_of(most, next))
        .answers(200, file)
        .refuses(&[Kind::BadRequest])
}

fn list_customer_orders() -> Operation {
    let page = json_answer("A page of orders.", &schemas::of::<read::ListView<'_>>(), None);
    unless_known(Operation::new("People", "List the orders of a customer", "Newest first, page by page."))
        .takes(page_of(finding::MOST, order_id()))
        .takes(language())
        .answers(200, named(page))
        .refuses(&[Kind::BadRequest])
}

fn forget() -> Operation {
    Operation::new(
        "People",
        "Forget a customer",
        "Their id and address, and what people wrote about their orders, are erased from the orders, and kept answers to requests about these are deleted. What was sold, for how much, and when, stays for the books.",
    )
    .takes(language())
    .answers(200, json_answer("What was forgotten.", &schemas::of::<people::Forgotten>(), None))
    .refuses(&[Kind::BadRequest, Kind::CustomerHasOpenOrders, Kind::OrderUnreadable])
}
