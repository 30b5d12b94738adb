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
mod part;
mod payload;
mod status;

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use futures::future::try_join_all;
use omniflow_domain::order::returns::Return;
use omniflow_domain::{Order, OrderId};
use serde::Serialize;
use serde_json::{Value, json};

use crate::problem::{Kind, Problem};
use crate::request::Request;
use crate::response::Response;
use crate::{Api, unavailable};
use event::Event;

pub(crate) use executions::{Executions, Machines};
pub(crate) use part::Part;
#[cfg(test)]
pub(crate) use status::WorkflowStatus;
pub(crate) use status::read_status;

/// The length of the longest token of a next page, in characters (AWS Step Functions API Reference,
/// "GetExecutionHistory"). Step Functions would call a request with a longer one invalid.
const LONGEST_NEXT: usize = 1024;

/// The largest number of returns whose executions one answer has. Each costs reads of Step Functions, which answers few a
/// second, and an order may have 20 returns.
pub(crate) const MOST_RETURNS: usize = 4;

/// An order's executions.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Workflow"))]
pub(crate) struct WorkflowView<'a> {
    order_id: &'a OrderId,
    /// The execution of the order, that of its payment window, and those of its returns, oldest first.
    executions: Vec<&'a Execution>,
    /// The returns whose executions are there and not in this answer, since it has those of a few only: open ones first,
    /// then the newest. Each can be asked for by `execution`. Left out when there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    further: Vec<Part>,
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
    let asked = request.query("execution").map(|name| Part::parse(name).ok_or_else(|| unknown(name)));
    let (asked, next) = (asked.transpose()?, request.query("next"));
    if next.is_some_and(|next| !(1..=LONGEST_NEXT).contains(&next.len())) {
        return Err(no_such_page());
    }
    // The order knows which execution is its present one, and which returns it has.
    let order = api.orders.get(&id).await.map_err(|error| unavailable(&error))?;
    let (parts, further) = match (asked, next) {
        (Some(part), _) => (vec![part], Vec::new()),
        (None, Some(_)) => (vec![Part::Order], Vec::new()),
        (None, None) => parts_of(&order),
    };
    let executions = parts.into_iter().map(|part| api.executions.read(part, &order, next));
    let executions = try_join_all(executions).await?;
    let executions = executions.iter().flatten().map(|execution| &**execution).collect();
    let workflow = WorkflowView { order_id: &id, executions, further };
    Ok(Response::json_unless_known(request, &json!(workflow)))
}

/// The executions that are told of when none is named, and those that are left out. An order without returns costs no
/// more than its own two.
fn parts_of(order: &Order) -> (Vec<Part>, Vec<Part>) {
    let mut returns: Vec<&Return> = order.returns().iter().collect();
    returns.sort_by_key(|it| (it.state.is_final(), Reverse(it.number)));
    let mut shown: Vec<_> = returns.iter().map(|it| it.number).collect();
    let mut left_out = shown.split_off(shown.len().min(MOST_RETURNS));
    shown.sort_unstable();
    left_out.sort_unstable();
    let parts = [Part::Order, Part::PaymentWindow].into_iter().chain(shown.into_iter().map(Part::Return));
    (parts.collect(), left_out.into_iter().map(Part::Return).collect())
}

fn unknown(name: &str) -> Problem {
    bad(format!(
        "'{name}' is not an execution; there are: order, payment-window, and return-1, return-2, … for the order's returns."
    ))
}

fn no_such_page() -> Problem {
    let detail = "'next' must be what the page before gave as 'next', and a day old at most.";
    Problem::new(Kind::PageNotFound, detail)
}

fn bad(detail: impl Into<String>) -> Problem {
    Problem::new(Kind::BadRequest, detail)
}
