//! What Step Functions tells about the executions of orders.
//!
//! All who look at an order together cost at most one read of Step Functions a second, in each process: its
//! quotas are small (AWS Step Functions Developer Guide, "Quotas related to API action throttling").

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sfn::Client;
use aws_sdk_sfn::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sfn::operation::describe_execution::DescribeExecutionOutput;
use aws_sdk_sfn::types::{HistoryEvent, HistoryEventType as Kind};
use chrono::{DateTime, Utc};
use omniflow_domain::Order;
use serde_json::Value;

use super::definitions::{Begun, Definitions};
use super::event::{Event, instant};
use super::payload::shown;
use super::{Execution, Part, aws_console, no_such_page};
use crate::problem::{Kind as ProblemKind, Problem};
use crate::shared::Shared;

/// The largest number of events in one answer, which can have 6 MB at most (AWS Lambda Developer Guide,
/// "Lambda quotas"). An order that nothing goes wrong with has about forty events.
const EVENTS: i32 = 500;
/// The time for which what is known of an order's own execution is fresh while it runs: eight reads in ten
/// seconds.
const FRESH: Duration = Duration::from_millis(1250);
/// The same for whatever changes rarely: an execution that has ended, and those of a payment window and of a return, which
/// wait for most of their lives. It is two reads in ten seconds for each.
const FRESH_FOR_LONGER: Duration = Duration::from_secs(5);

/// What is asked for: an execution by its name, and the page of its history.
type Question = (Part, String, Option<String>);

/// An execution; `None` when there is none.
type Answer = Result<Option<Arc<Execution>>, Problem>;

/// The executions of orders in three state machines, each of which is named after its order. An order may have
/// several of its own one after the other, and so may a return; the newest is told of.
pub(crate) struct Executions {
    client: Client,
    order: Machine,
    payment_window: Machine,
    returns: Machine,
    shared: Shared<Question, Answer>,
}

/// The ARNs of the state machines.
pub(crate) struct Machines<'a> {
    pub(crate) order: &'a str,
    pub(crate) payment_window: &'a str,
    pub(crate) returns: &'a str,
}

/// A state machine.
struct Machine {
    arn: String,
    definitions: Definitions,
}

impl Machine {
    fn new(arn: &str) -> Self {
        Self { arn: arn.to_owned(), definitions: Definitions::default() }
    }
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
                Self::Problem(Problem::new(ProblemKind::Unavailable, detail))
            }
        }
    }
}

impl Executions {
    pub(crate) fn new(client: Client, machines: &Machines<'_>) -> Self {
        Self {
            client,
            order: Machine::new(machines.order),
            payment_window: Machine::new(machines.payment_window),
            returns: Machine::new(machines.returns),
            shared: Shared::default(),
        }
    }

    fn machine(&self, part: Part) -> &Machine {
        match part {
            Part::Order => &self.order,
            Part::PaymentWindow => &self.payment_window,
            Part::Return(_) => &self.returns,
        }
    }

    /// The ARN of the order's own execution, whether there is one or not.
    pub(super) fn arn_of_order(&self, order: &Order) -> String {
        self.arn_of(Part::Order, &order.execution_name())
    }

    fn arn_of(&self, part: Part, name: &str) -> String {
        format!("{}:{name}", self.machine(part).arn.replacen(":stateMachine:", ":execution:", 1))
    }

    /// The execution, if there is one, with this page of its history. It may be a few seconds old.
    pub(super) async fn read(&self, part: Part, order: &Order, next: Option<&str>) -> Answer {
        let Some(name) = name(part, order) else { return Ok(None) };
        let ask = async {
            let answer = match self.ask(part, &name, next).await {
                Ok((execution, reads)) => (Ok(Some(Arc::new(execution))), reads),
                Err(Silence::Nothing) => (Ok(None), 1),
                Err(Silence::Problem(problem)) => (Err(problem), 1),
            };
            let (answer, reads) = answer;
            let runs = match &answer {
                Ok(Some(execution)) => execution.status == RUNNING,
                Ok(None) | Err(_) => true,
            };
            let fresh = if runs && part == Part::Order { FRESH } else { FRESH_FOR_LONGER };
            (answer, fresh * reads)
        };
        self.shared.get((part, name.clone(), next.map(str::to_owned)), ask).await
    }

    /// Asks for the execution, and counts the reads that are made for it each time.
    async fn ask(&self, part: Part, name: &str, next: Option<&str>) -> Result<(Execution, u32), Silence> {
        let arn = self.arn_of(part, name);
        let asked = self.client.get_execution_history().execution_arn(&arn).max_results(EVENTS);
        let history = asked.set_next_token(next.map(str::to_owned)).send().await?;
        // A history in one page tells all that there is to know.
        let told = Facts::told_by(&history.events).filter(|_| next.is_none() && history.next_token.is_none());
        let (facts, reads) = match told {
            Some(facts) => (facts, 1),
            None => (self.client.describe_execution().execution_arn(&arn).send().await?.into(), 2),
        };
        let definition = self.machine(part).definitions.of(&facts.begun, &arn, &self.client).await?;
        let execution = Execution {
            part,
            status: facts.status,
            started_at: facts.begun.at,
            stopped_at: facts.stopped_at,
            input: facts.input,
            output: facts.output,
            error: facts.error,
            cause: facts.cause,
            definition,
            events: history.events.iter().map(Event::from).collect(),
            next: history.next_token,
            aws_console: aws_console::address_of(&arn),
            execution_arn: arn,
        };
        Ok((execution, reads))
    }
}

/// The name of an execution of the order; `None` for that of a return that the order doesn't have.
fn name(part: Part, order: &Order) -> Option<String> {
    match part {
        Part::Order => Some(order.execution_name()),
        Part::PaymentWindow => Some(order.id().to_string()),
        Part::Return(number) => Some(order.return_of(number).ok()?.execution_name(order.id())),
    }
}

/// What is known of an execution besides its history.
#[derive(Debug, Default)]
struct Facts {
    begun: Begun,
    status: String,
    stopped_at: Option<DateTime<Utc>>,
    input: Value,
    output: Value,
    error: Option<String>,
    cause: Option<String>,
}

impl Facts {
    /// What a whole history tells: how the execution began, and how it ended, if that is the last that
    /// happened. One that was redriven after its end runs again.
    fn told_by(events: &[HistoryEvent]) -> Option<Self> {
        let (first, last) = (events.first()?, events.last()?);
        let started = first.execution_started_event_details.as_ref()?;
        let mut facts = Self {
            begun: Begun {
                at: instant(&first.timestamp),
                version: started.state_machine_version_arn.clone(),
            },
            status: status(&last.r#type).to_owned(),
            input: shown(started.input.as_deref()),
            ..Self::default()
        };
        if facts.status == RUNNING {
            return Some(facts);
        }
        facts.stopped_at = instant(&last.timestamp);
        let output = last.execution_succeeded_event_details.as_ref().and_then(|end| end.output.as_deref());
        facts.output = shown(output);
        let failed = last.execution_failed_event_details.as_ref().map(|end| (&end.error, &end.cause));
        let stopped = last.execution_aborted_event_details.as_ref().map(|end| (&end.error, &end.cause));
        let late = last.execution_timed_out_event_details.as_ref().map(|end| (&end.error, &end.cause));
        if let Some((error, cause)) = failed.or(stopped).or(late) {
            (facts.error, facts.cause) = (error.clone(), cause.clone());
        }
        Some(facts)
    }
}

/// The status of an execution that runs.
const RUNNING: &str = "RUNNING";

/// The status of an execution in which this happened last.
fn status(last: &Kind) -> &'static str {
    match last {
        Kind::ExecutionSucceeded => "SUCCEEDED",
        Kind::ExecutionFailed => "FAILED",
        Kind::ExecutionTimedOut => "TIMED_OUT",
        Kind::ExecutionAborted => "ABORTED",
        _ => RUNNING,
    }
}

impl From<DescribeExecutionOutput> for Facts {
    fn from(told: DescribeExecutionOutput) -> Self {
        Self {
            status: told.status.as_str().to_owned(),
            stopped_at: told.stop_date.as_ref().and_then(instant),
            input: shown(told.input.as_deref()),
            output: shown(told.output.as_deref()),
            begun: Begun { at: instant(&told.start_date), version: told.state_machine_version_arn },
            error: told.error,
            cause: told.cause,
        }
    }
}
