//! An operation of the document, put together of its route and what its call does.

use serde_json::{Map, Value, json};

use super::{bodies, calls, parameters, problems};
use crate::caller::Access;
use crate::problem::Kind;
use crate::routes::{ApiCall, Route};

/// The scope of operators, unless the stack has another.
const OPERATOR_SCOPE: &str = "omniflow/operate";

/// The contract that a path is part of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
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

    /// The heading of the door's calls.
    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::V1 => "Orders",
            Self::OrderFlow => "Orders, OrderFlow's door",
            Self::OrderPage => "Orders, the order page's door",
            Self::System => "System",
        }
    }

    /// The end of the door's operation ids, which tells them from those of the other doors.
    fn suffix(self) -> &'static str {
        match self {
            Self::V1 | Self::System => "",
            Self::OrderFlow => "AtOrderFlow",
            Self::OrderPage => "AtOrderPage",
        }
    }
}

/// The operation that a call becomes in the document, while it is put together.
pub(super) struct Operation {
    summary: &'static str,
    description: &'static str,
    tag: &'static str,
    parameters: Vec<Value>,
    body: Option<Value>,
    responses: Map<String, Value>,
    problems: Vec<Kind>,
}

/// The path, method and operation of a route.
pub(super) fn operation(&(method, path, access, call): &Route) -> (String, String, Value) {
    let door = Door::of(path);
    let mut operation = calls::described(call, door);
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
    if matches!(method, "POST" | "PUT") {
        operation.problems.push(Kind::BodyTooLarge);
    }
    let id = format!("{}{}", operation_name(call, path), door.suffix());
    (path.replace("+}", "}"), method.to_lowercase(), operation.write(&id, access))
}

/// Whether the order is named in the query, as OrderFlow does.
fn takes_order_by_query(path: &str) -> bool {
    Door::of(path) == Door::OrderFlow && path != "/api/orders"
}

/// The name of the operation, such as `readOrder`.
fn operation_name(call: ApiCall, path: &str) -> String {
    let name = match call {
        ApiCall::ReadOrder if path.ends_with("/status") => "ReadOrderStatus".to_owned(),
        call => format!("{call:?}"),
    };
    name[..1].to_lowercase() + &name[1..]
}

impl Operation {
    pub(super) fn new(tag: &'static str, summary: &'static str, description: &'static str) -> Self {
        let (parameters, responses, problems) = (Vec::new(), Map::new(), Vec::new());
        Self { summary, description, tag, parameters, body: None, responses, problems }
    }

    /// Adds parameters to those of the path.
    pub(super) fn takes(mut self, parameters: impl IntoIterator<Item = Value>) -> Self {
        self.parameters.extend(parameters);
        self
    }

    pub(super) fn with_body(mut self, schema: &str, required: bool, examples: &[&str]) -> Self {
        self.body = Some(bodies::body(schema, required, examples));
        self
    }

    /// The call takes a file of comma-separated values with so many rows at most.
    pub(super) fn with_file(mut self, rows: usize) -> Self {
        self.body = Some(bodies::file(rows));
        self
    }

    /// Adds a response that is no problem.
    pub(super) fn answers(mut self, status: u16, response: Value) -> Self {
        self.responses.insert(status.to_string(), response);
        self
    }

    pub(super) fn refuses(mut self, problems: &[Kind]) -> Self {
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
