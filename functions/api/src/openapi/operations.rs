//! What each call does, takes and answers.

use omniflow_domain::Status;
use omniflow_domain::problem::Kind;
use serde_json::{Map, Value, json};

use super::{bodies, examples, parameters, problems, schemas};
use crate::caller::Access;
use crate::routes::{Call, Route};
use crate::view::{OrderView, OtherDoorsView};

/// The scope of operators, unless the stack has another.
const OPERATOR_SCOPE: &str = "omniflow/operate";

/// Whose contract a path is part of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    V1,
    OrderFlow,
    OrderPage,
    System,
}

impl Door {
    fn of(path: &str) -> Self {
        match path {
            _ if path.starts_with("/api/v1/") => Self::V1,
            _ if !path.starts_with("/api/") => Self::System,
            _ if path.contains('{') || path.ends_with("/create") => Self::OrderPage,
            _ => Self::OrderFlow,
        }
    }

    /// What tells its operations from those of the other doors.
    fn suffix(self) -> &'static str {
        match self {
            Self::V1 | Self::System => "",
            Self::OrderFlow => "AtOrderFlow",
            Self::OrderPage => "AtOrderPage",
        }
    }
}

/// A call as the document has it, while it is put together.
struct Operation {
    summary: &'static str,
    description: &'static str,
    tag: &'static str,
    parameters: Vec<Value>,
    body: Option<Value>,
    responses: Map<String, Value>,
    problems: Vec<Kind>,
}

/// Path, method and operation of a route.
pub(super) fn operation(&(method, path, access, call): &Route) -> (String, String, Value) {
    let door = Door::of(path);
    let mut operation = described(call, door);
    operation.parameters.splice(0..0, parameters::of_path(path));
    if takes_order_by_query(path) {
        operation.parameters.insert(0, parameters::shared_one("workflow_id"));
        operation.problems.push(Kind::BadRequest);
    }
    if access != Access::Public {
        operation.problems.extend([Kind::Unauthorized, Kind::Unavailable]);
    }
    if access == Access::Operator {
        operation.problems.push(Kind::Forbidden);
    }
    if method == "POST" {
        operation.problems.push(Kind::BodyTooLarge);
    }
    let id = format!("{}{}", operation_name(call, path), door.suffix());
    (path.replace("+}", "}"), method.to_lowercase(), operation.write(&id, access))
}

/// OrderFlow names the order in the query.
fn takes_order_by_query(path: &str) -> bool {
    Door::of(path) == Door::OrderFlow && path != "/api/orders"
}

/// The call's name, `readOrder`.
fn operation_name(call: Call, path: &str) -> String {
    let name = match call {
        Call::ReadOrder if path.ends_with("/status") => "ReadOrderStatus".to_owned(),
        call => format!("{call:?}"),
    };
    name[..1].to_lowercase() + &name[1..]
}

impl Operation {
    fn new(tag: &'static str, summary: &'static str, description: &'static str) -> Self {
        let (parameters, responses, problems) = (Vec::new(), Map::new(), Vec::new());
        Self { summary, description, tag, parameters, body: None, responses, problems }
    }

    /// Which parameters it has beside those of its path.
    fn takes(mut self, parameters: impl IntoIterator<Item = Value>) -> Self {
        self.parameters.extend(parameters);
        self
    }

    fn with_body(mut self, schema: &str, required: bool, examples: &[&str]) -> Self {
        self.body = Some(bodies::body(schema, required, examples));
        self
    }

    /// A response that is no problem.
    fn answers(mut self, status: u16, response: Value) -> Self {
        self.responses.insert(status.to_string(), response);
        self
    }

    fn refuses(mut self, problems: &[Kind]) -> Self {
        self.problems.extend(problems);
        self
    }

    fn write(mut self, id: &str, access: Access) -> Value {
        self.problems.sort_unstable_by_key(|kind| (kind.status(), kind.slug()));
        self.problems.dedup();
        self.responses.extend(problems::responses(&self.problems));
        let mut operation = json!({
            "operationId": id,
            "summary": self.summary,
            "description": self.description,
            "tags": [self.tag],
        });
        if !self.parameters.is_empty() {
            operation["parameters"] = json!(self.parameters);
        }
        if let Some(body) = self.body {
            operation["requestBody"] = body;
        }
        operation["responses"] = json!(self.responses);
        operation["security"] = security(access);
        operation
    }
}

fn security(access: Access) -> Value {
    match access {
        Access::Public => json!([]),
        Access::Customer => json!([{ "token": [] }, { "signature": [] }]),
        Access::Operator => json!([{ "token": [OPERATOR_SCOPE] }, { "signature": [] }]),
    }
}

/// A JSON answer of a call.
fn json_answer(description: &str, schema: &Value, example: Option<Value>) -> Value {
    let mut content = json!({ "schema": schema });
    if let Some(example) = example {
        content["example"] = example;
    }
    json!({ "description": description, "content": { "application/json": content } })
}

/// The order as the door shows it.
fn order_answer(description: &str, door: Door, status: Status) -> Value {
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

fn replayed() -> Value {
    json!({
        "description": "`true` when this is the answer of an earlier request with the same key.",
        "schema": { "type": "string", "const": "true" },
    })
}

/// What one can do with an order whose id an answer has.
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

fn created(door: Door) -> Value {
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

fn described(call: Call, door: Door) -> Operation {
    let tag = match door {
        Door::V1 => "Orders",
        Door::OrderFlow => "Orders, OrderFlow's door",
        Door::OrderPage => "Orders, the order page's door",
        Door::System => "System",
    };
    let key = || ["Accept-Language", "Idempotency-Key"].map(parameters::shared_one);
    let language = || [parameters::shared_one("Accept-Language")];
    match call {
        Call::CreateOrder | Call::ProcessOrder => {
            let summary =
                if call == Call::CreateOrder { "Create an order" } else { "Create an order and pay it" };
            Operation::new(
                tag,
                summary,
                "Its stock is reserved at once. Over 10,000 it waits for a verdict first, then, without a payment method, for its payment, until the deadline.",
            )
            .takes(key())
            .with_body("NewOrder", true, &examples::ORDERS)
            .answers(201, created(door))
            .refuses(&[Kind::BadRequest, Kind::UnknownProduct, Kind::AmountMismatch, Kind::IdempotencyKeyReused])
        }
        Call::ReadOrder => Operation::new(tag, "Read an order", "The order as it is at this moment.")
            .takes(language())
            .answers(200, order_answer("The order.", door, Status::AwaitingPayment))
            .refuses(&[Kind::OrderNotFound]),
        Call::ListOrders => Operation::new(
            tag,
            "List orders",
            "Newest first, page by page: customers see their own, operators all.",
        )
        .takes(parameters::of_a_list())
        .takes(language())
        .answers(
            200,
            json_answer(
                "A page of orders.",
                &schemas::of::<crate::read::Orders<'_>>(),
                Some(examples::orders()),
            ),
        )
        .refuses(&[Kind::BadRequest]),
        Call::PayOrder => {
            let mut paid = order_answer("It is paid, and goes on.", door, Status::PaymentReceived);
            paid["headers"] = json!({ "Idempotency-Replayed": replayed() });
            Operation::new(
                tag,
                "Pay an order",
                "Of payment, deadline and cancellation the first decides, and the others are refused.",
            )
            .takes(key())
            .with_body("PaymentOrder", false, &examples::PAYMENTS)
            .answers(200, paid)
            .refuses(&[
                Kind::BadRequest,
                Kind::OrderNotFound,
                Kind::WrongState,
                Kind::IdempotencyKeyReused,
            ])
        }
        Call::AuditOrder => Operation::new(
            tag,
            "Review an order",
            "Approved, it goes on to its payment; rejected, what was done for it is undone.",
        )
        .takes(language())
        .with_body("Verdict", true, &examples::VERDICTS)
        .answers(200, order_answer("The verdict is taken.", door, Status::AwaitingAudit))
        .refuses(&[Kind::BadRequest, Kind::OrderNotFound, Kind::WrongState]),
        Call::CancelOrder => Operation::new(
            tag,
            "Cancel an order",
            "Until all of it is shipped. What was done for it is undone: shipments, payment, stock.",
        )
        .takes(language())
        .answers(200, order_answer("It is being cancelled.", door, Status::Compensating))
        .refuses(&[Kind::OrderNotFound, Kind::WrongState]),
        Call::ReadExecution => Operation::new(
            tag,
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
        .refuses(&[Kind::OrderNotFound]),
        Call::ReadWorkflow => Operation::new(
            "Operations",
            "Read the executions behind an order",
            "With their definitions and histories. Task tokens are hidden.",
        )
        .takes(parameters::of_a_workflow())
        .answers(200, json_answer("The executions.", &schemas::of::<crate::workflow::Workflow>(), None))
        .refuses(&[Kind::BadRequest, Kind::OrderNotFound, Kind::PageNotFound]),
        Call::ReadSummary => {
            Operation::new("Operations", "Count the orders by state", "Up to a thousand of each.")
                .takes(language())
                .answers(200, json_answer("The counts.", &schemas::of::<crate::summary::Summary>(), None))
        }
        Call::ListStock => Operation::new("Stock", "List the stock", "All products that there is stock of.")
            .answers(
                200,
                json_answer(
                    "The stock.",
                    &schemas::of::<crate::stock::StockList<'_>>(),
                    Some(json!({ "products": [examples::product()] })),
                ),
            ),
        Call::ReadStock => {
            Operation::new("Stock", "Read the stock of a product", "By the product's id or name.")
                .answers(
                    200,
                    json_answer(
                        "The stock of the product.",
                        &schemas::of::<crate::stock::ProductStock<'_>>(),
                        Some(examples::product()),
                    ),
                )
                .refuses(&[Kind::ProductNotFound])
        }
        Call::Health | Call::Console | Call::ConsoleFile | Call::OpenApi | Call::Documentation => {
            public(call)
        }
    }
}

/// The calls that anyone may make.
fn public(call: Call) -> Operation {
    let to = |place: &str| {
        json!({
            "description": "It is there.",
            "headers": { "Location": { "required": true, "schema": { "type": "string" }, "example": place } },
        })
    };
    let not_again = json!({ "description": "The client has it already." });
    let unless_known = || [parameters::shared_one("If-None-Match")];
    let etag = json!({ "ETag": {
        "description": "Names the content.", "required": true, "schema": { "type": "string" },
    }});
    match call {
        Call::Console => {
            Operation::new("System", "The web console", "Its page is at `/web/`.").answers(308, to("web/"))
        }
        Call::Documentation => {
            Operation::new("System", "This documentation", "For people.").answers(308, to("web/docs.html"))
        }
        Call::ConsoleFile => {
            let text = json!({ "schema": { "type": "string" } });
            let file = json!({
                "description": "The file.",
                "headers": etag,
                "content": { "text/html": text, "text/css": text, "text/javascript": text, "image/svg+xml": text },
            });
            Operation::new(
                "System",
                "A file of the web console",
                "Without a sign-in: the files hold nothing of anybody's.",
            )
            .takes(unless_known())
            .answers(200, file)
            .answers(304, not_again)
            .refuses(&[Kind::RouteNotFound])
        }
        Call::OpenApi => {
            let mut document = json_answer("The document.", &json!({ "type": "object" }), None);
            document["headers"] = etag;
            Operation::new("System", "This description of the API", "In OpenAPI 3.1.")
                .takes(unless_known())
                .answers(200, document)
                .answers(304, not_again)
        }
        _ => {
            let health = json!({
                "type": "object", "required": ["status"],
                "properties": { "status": { "type": "string", "const": "ok" } },
            });
            Operation::new("System", "Health", "Answers when the function does.")
                .answers(200, json_answer("It is well.", &health, Some(json!({ "status": "ok" }))))
        }
    }
}
