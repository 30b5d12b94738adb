//! The workflow of an order: its executions, their definitions and their histories, as Step Functions tells
//! them to operators, and whether it runs, as the order itself tells everybody. Nothing is decided by it.
//!
//! ```text
//!   read_workflow ──► executions ──► shared (one asks for all) ──► Step Functions
//!                          └───────► definitions (one for each revision)
//!   read_status ────► the order's item
//! ```

mod aws_console;
mod definitions;
mod event;
mod executions;
mod payload;
mod shared;
mod status;

use chrono::{DateTime, Utc};
use futures::future::try_join_all;
use omniflow_domain::OrderId;
use serde::Serialize;
use serde_json::{Value, json};

use crate::problem::{Kind, Problem};
use crate::request::Request;
use crate::response::Response;
use crate::{Api, unavailable};
use event::Event;

pub(crate) use executions::Executions;
#[cfg(test)]
pub(crate) use status::WorkflowStatus;
pub(crate) use status::read_status;

/// The length of the longest token of a next page, in characters (AWS Step Functions API Reference,
/// "GetExecutionHistory"). Step Functions would call a request with a longer one invalid.
const LONGEST_NEXT: usize = 1024;

/// One of the two executions that an order may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum Part {
    /// The execution of the order itself.
    Order,
    /// The execution of its payment window, which a prepaid order has none of.
    PaymentWindow,
}

/// An order's executions.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Workflow"))]
pub(crate) struct WorkflowView<'a> {
    order_id: &'a OrderId,
    executions: Vec<&'a Execution>,
}

/// One execution.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Execution {
    part: Part,
    execution_arn: String,
    /// Where AWS's own console shows the execution; absent where there is no such console, as on the local runtime.
    #[serde(skip_serializing_if = "Option::is_none")]
    aws_console: Option<String>,
    /// The status that Step Functions tells.
    #[cfg_attr(test, schemars(extend("enum" = crate::openapi::EXECUTION_STATUSES)))]
    status: String,
    started_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped_at: Option<DateTime<Utc>>,
    input: Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    output: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    /// The state machine in Amazon States Language, as it was when the execution began.
    definition: Value,
    /// The history, oldest events first.
    events: Vec<Event>,
    /// The token for the next page of the history; null on the last page.
    next: Option<String>,
}

/// `GET /api/v1/orders/{order_id}/workflow`: with `next`, the next page of the history of `execution`, or of
/// the order's own.
pub(crate) async fn read_workflow(api: &Api, request: &Request) -> Result<Response, Problem> {
    let id = request.order_id()?;
    let (parts, next) = match (request.query("execution"), request.query("next")) {
        (None, None) => (vec![Part::Order, Part::PaymentWindow], None),
        (_, Some(next)) if !(1..=LONGEST_NEXT).contains(&next.len()) => return Err(no_such_page()),
        (Some("order") | None, next) => (vec![Part::Order], next),
        (Some("payment-window"), next) => (vec![Part::PaymentWindow], next),
        (Some(other), _) => {
            return Err(bad(format!("'{other}' is not an execution; there are: order, payment-window.")));
        }
    };
    // The order knows which execution is its present one.
    let order = api.orders.get(&id).await.map_err(|error| unavailable(&error))?;
    let executions = parts.into_iter().map(|part| api.executions.read(part, &order, next));
    let executions = try_join_all(executions).await?;
    let executions = executions.iter().flatten().map(|execution| &**execution).collect();
    let workflow = WorkflowView { order_id: &id, executions };
    Ok(Response::json_unless_known(request, &json!(workflow)))
}

fn no_such_page() -> Problem {
    let detail = "'next' must be what the page before gave as 'next', and a day old at most.";
    Problem::new(Kind::PageNotFound, detail)
}

fn bad(detail: impl Into<String>) -> Problem {
    Problem::new(Kind::BadRequest, detail)
}
