//! The workflow of an order as Step Functions tells it: its executions, their definitions and their
//! histories. Nothing is decided by it; the order's own item says what the order is.

mod event;
mod payload;

use aws_sdk_sfn::Client;
use aws_sdk_sfn::error::{ProvideErrorMetadata, SdkError};
use chrono::{DateTime, Utc};
use futures::future::{try_join_all, try_join3};
use omniflow_domain::{Order, OrderId, Status};
use omniflow_store as store;
use serde::Serialize;
use serde_json::{Value, json};

use crate::problem::{Kind, Problem};
use crate::request::Request;
use crate::response::Response;
use crate::{Api, refused, unavailable};
use event::{Event, instant};
use payload::shown;

/// The largest number of events in one answer, which can have 6 MB at most (AWS Lambda Developer Guide,
/// "Lambda quotas"). An order that nothing goes wrong with has about forty events.
const EVENTS: i32 = 500;
/// The length of the longest token of a next page, in characters (AWS Step Functions API Reference,
/// "GetExecutionHistory"). Step Functions would call a request with a longer one invalid.
const LONGEST_NEXT: usize = 1024;

/// The executions of orders in two state machines, each of which is named after its order. An order may have
/// several of its own one after the other; the newest is told of.
pub(crate) struct Executions {
    client: Client,
    order: String,
    payment_window: String,
}

/// One of the two executions that an order may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
pub(crate) struct WorkflowView {
    order_id: OrderId,
    executions: Vec<Execution>,
}

/// One execution.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Execution {
    part: Part,
    execution_arn: String,
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

/// The execution of an order's workflow, without what happened in it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct WorkflowStatus<'a> {
    workflow_id: &'a str,
    /// The workflow id again, under the order page's name for it.
    #[serde(rename = "workflowId")]
    workflow_id_of_the_page: &'a str,
    order_id: &'a OrderId,
    /// The order id again, under the order page's name for it.
    #[serde(rename = "orderId")]
    order_id_of_the_page: &'a OrderId,
    execution_arn: &'a str,
    /// `PENDING` until the execution begins, and then the status that Step Functions tells.
    #[cfg_attr(test, schemars(extend("enum" = crate::openapi::workflow_statuses())))]
    status: &'a str,
    started_at: Option<DateTime<Utc>>,
    stopped_at: Option<DateTime<Utc>>,
    /// The state of the order itself.
    state: Status,
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
    let workflow = WorkflowView { order_id: id, executions: executions.into_iter().flatten().collect() };
    Ok(Response::json(200, &json!(workflow)))
}

/// `GET /api/orders/state?workflow_id=` and `GET /api/workflows/{order_id}/status`: the workflow itself, not
/// the order.
pub(crate) async fn read_execution(api: &Api, request: &Request) -> Result<Response, Problem> {
    let id = request.order_id()?;
    let order = api.orders.get(&id).await.map_err(|error| refused(error, &request.caller))?;
    if !request.caller.sees(order.customer_id()) {
        return Err(unavailable(&store::Error::NoOrder(id)));
    }
    let workflow_id = id.processing_id(order.customer_id());
    let arn = api.executions.arn(Part::Order, &order);
    let described = api.executions.client.describe_execution().execution_arn(&arn).send().await;
    let description = match described.map_err(Silence::from) {
        Ok(description) => Some(description),
        // The order is accepted, and its workflow will begin in a moment.
        Err(Silence::Nothing) => None,
        Err(Silence::Problem(problem)) => return Err(problem),
    };
    let status = description.as_ref().map_or("PENDING", |description| description.status.as_str());
    let status = WorkflowStatus {
        workflow_id: &workflow_id,
        workflow_id_of_the_page: &workflow_id,
        order_id: &id,
        order_id_of_the_page: &id,
        execution_arn: &arn,
        status,
        started_at: description.as_ref().and_then(|description| instant(&description.start_date)),
        stopped_at: description
            .as_ref()
            .and_then(|description| description.stop_date.as_ref().and_then(instant)),
        state: order.status(),
    };
    Ok(Response::json(200, &json!(status)))
}

fn no_such_page() -> Problem {
    let detail = "'next' must be what the page before gave as 'next', and a day old at most.";
    Problem::new(Kind::PageNotFound, detail)
}

fn bad(detail: impl Into<String>) -> Problem {
    Problem::new(Kind::BadRequest, detail)
}

/// The reason why Step Functions tells nothing about an execution.
enum Silence {
    /// There is no such execution: it has not begun yet, there will be none, or it ended more than 90 days
    /// ago.
    Nothing,
    /// The request failed.
    Problem(Problem),
}

impl<E: ProvideErrorMetadata, R> From<SdkError<E, R>> for Silence {
    fn from(error: SdkError<E, R>) -> Self {
        let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
        match code {
            Some("ExecutionDoesNotExist") => Self::Nothing,
            Some("InvalidToken") => Self::Problem(no_such_page()),
            code => {
                tracing::error!(code, %error, "Step Functions failed");
                let detail = "The workflow service does not answer. Send the request again.";
                Self::Problem(Problem::new(Kind::Unavailable, detail))
            }
        }
    }
}

impl Executions {
    pub(crate) fn new(client: Client, order: &str, payment_window: &str) -> Self {
        Self { client, order: order.to_owned(), payment_window: payment_window.to_owned() }
    }

    fn arn(&self, part: Part, order: &Order) -> String {
        let (machine, name) = match part {
            Part::Order => (&self.order, order.execution_name()),
            Part::PaymentWindow => (&self.payment_window, order.id().to_string()),
        };
        format!("{}:{name}", machine.replacen(":stateMachine:", ":execution:", 1))
    }

    /// The execution, if there is one.
    async fn read(&self, part: Part, order: &Order, next: Option<&str>) -> Result<Option<Execution>, Problem> {
        match self.ask(part, order, next).await {
            Ok(execution) => Ok(Some(execution)),
            Err(Silence::Nothing) => Ok(None),
            Err(Silence::Problem(problem)) => Err(problem),
        }
    }

    async fn ask(&self, part: Part, order: &Order, next: Option<&str>) -> Result<Execution, Silence> {
        let arn = self.arn(part, order);
        let description =
            async { Ok::<_, Silence>(self.client.describe_execution().execution_arn(&arn).send().await?) };
        let machine = async {
            let asked = self.client.describe_state_machine_for_execution().execution_arn(&arn);
            Ok::<_, Silence>(asked.send().await?)
        };
        let history = async {
            let asked = self.client.get_execution_history().execution_arn(&arn).max_results(EVENTS);
            Ok::<_, Silence>(asked.set_next_token(next.map(str::to_owned)).send().await?)
        };
        let (description, machine, history) = try_join3(description, machine, history).await?;
        Ok(Execution {
            part,
            status: description.status.as_str().to_owned(),
            started_at: instant(&description.start_date),
            stopped_at: description.stop_date.as_ref().and_then(instant),
            input: shown(description.input.as_deref()),
            output: shown(description.output.as_deref()),
            error: description.error,
            cause: description.cause,
            definition: shown(Some(&machine.definition)),
            events: history.events.iter().map(Event::from).collect(),
            next: history.next_token,
            execution_arn: arn,
        })
    }
}
