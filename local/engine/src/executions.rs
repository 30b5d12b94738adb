//! Executions as the API describes them, read from what is committed.

use asl::Timestamp;
use serde_json::Value;

use crate::error::Error;
use crate::journal::{ExecutionRow, Journal, Seq};

/// What StartExecution answers.
#[derive(Debug, Clone)]
pub struct Started {
    /// The execution's ARN.
    pub arn: String,
    /// When it started.
    pub started: Timestamp,
}

/// What DescribeExecution tells.
#[derive(Debug, Clone)]
pub struct ExecutionDescription {
    /// The execution's ARN.
    pub arn: String,
    /// Its state machine's ARN.
    pub state_machine_arn: String,
    /// Its name, unique in its state machine.
    pub name: String,
    /// RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED.
    pub status: String,
    /// When it started.
    pub started: Timestamp,
    /// When it ended, if it has.
    pub stopped: Option<Timestamp>,
    /// JSON text.
    pub input: String,
    /// JSON text, when it succeeded.
    pub output: Option<String>,
    /// The error name, when it failed.
    pub error: Option<String>,
    /// The cause, when it failed.
    pub cause: Option<String>,
    /// How often it was redriven.
    pub redrive_count: i64,
    /// When it was last redriven.
    pub redriven: Option<Timestamp>,
    /// The definition that it runs; later updates of the state machine don't change it.
    pub definition: i64,
    /// The role that it runs with.
    pub role_arn: String,
}

/// One row of ListExecutions.
pub type ExecutionSummary = ExecutionDescription;

/// Which part of a list is wanted.
#[derive(Debug, Clone, Default)]
pub struct PageRequest {
    /// At most so many; 0 means the default of 100. At most 1,000.
    pub limit: usize,
    /// The token that the page before gave.
    pub next: Option<String>,
}

/// A page of ListExecutions.
#[derive(Debug, Clone)]
pub struct ExecutionPage {
    /// Newest first.
    pub executions: Vec<ExecutionSummary>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// A page of GetExecutionHistory.
#[derive(Debug, Clone)]
pub struct HistoryPage {
    /// Events in the API's shape.
    pub events: Vec<Value>,
    /// Where the next page begins.
    pub next: Option<String>,
}

impl From<ExecutionRow> for ExecutionDescription {
    fn from(row: ExecutionRow) -> Self {
        Self {
            arn: row.arn,
            state_machine_arn: row.machine,
            name: row.name,
            status: row.status,
            started: row.started,
            stopped: row.stopped,
            input: row.input,
            output: row.output,
            error: row.error,
            cause: row.cause,
            redrive_count: row.redrives,
            redriven: row.redriven,
            definition: row.definition,
            role_arn: row.role_arn,
        }
    }
}

impl PageRequest {
    fn size(&self) -> Result<usize, Error> {
        match self.limit {
            0 => Ok(100),
            1..=1000 => Ok(self.limit),
            limit => Err(Error::Validation(format!(
                "1 validation error detected: Value '{limit}' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 1000"
            ))),
        }
    }
}

pub(crate) fn describe(journal: &Journal, arn: &str) -> Result<ExecutionRow, Error> {
    if crate::state_machines::resource_type(arn)? != "execution" {
        return Err(Error::InvalidArn(arn.to_owned()));
    }
    journal.execution_by_arn(arn)?.ok_or_else(|| Error::ExecutionDoesNotExist(arn.to_owned()))
}

pub(crate) fn list(
    journal: &Journal,
    machine: &str,
    status: Option<&str>,
    page: &PageRequest,
) -> Result<ExecutionPage, Error> {
    if journal.state_machine(machine)?.is_none() {
        return Err(Error::StateMachineDoesNotExist(machine.to_owned()));
    }
    let size = page.size()?;
    let after = page.next.as_deref().map(position).transpose()?;
    let mut rows = journal.executions(machine, status, after, size + 1)?;
    let more = rows.len() > size;
    rows.truncate(size);
    let next =
        rows.last().filter(|_| more).map(|row| format!("{}-{}", row.started.timestamp_millis(), row.seq));
    Ok(ExecutionPage { executions: rows.into_iter().map(Into::into).collect(), next })
}

fn position(token: &str) -> Result<(i64, Seq), Error> {
    token
        .split_once('-')
        .and_then(|(started, seq)| Some((started.parse().ok()?, seq.parse().ok()?)))
        .ok_or_else(|| Error::InvalidPageToken(token.to_owned()))
}

pub(crate) fn history(
    journal: &Journal,
    arn: &str,
    reverse: bool,
    page: &PageRequest,
) -> Result<HistoryPage, Error> {
    let row = describe(journal, arn)?;
    let size = u64::try_from(page.size()?).unwrap_or(1000);
    let last = last_event(journal, row.seq)?;
    let from = match &page.next {
        Some(token) => token.parse().map_err(|_| Error::InvalidPageToken(token.clone()))?,
        None if reverse => last,
        None => 1,
    };
    let (low, high) =
        if reverse { (from.saturating_sub(size - 1).max(1), from) } else { (from, from + size - 1) };
    let mut events = Vec::new();
    for chunk in journal.history(row.seq, low, high)? {
        let chunk: Vec<Value> =
            serde_json::from_str(&chunk).map_err(|error| Error::Journal(error.to_string()))?;
        events.extend(chunk.into_iter().filter(|event| {
            let id = event["id"].as_u64().unwrap_or(0);
            (low..=high).contains(&id)
        }));
    }
    let next = if reverse {
        events.reverse();
        (low > 1).then(|| (low - 1).to_string())
    } else {
        (high < last).then(|| (high + 1).to_string())
    };
    Ok(HistoryPage { events, next })
}

fn last_event(journal: &Journal, seq: Seq) -> Result<u64, Error> {
    let Some(first) = journal.last_chunk(seq)? else { return Ok(0) };
    let Some(chunk) = journal.history(seq, first, first)?.pop() else { return Ok(0) };
    let events: Vec<Value> =
        serde_json::from_str(&chunk).map_err(|error| Error::Journal(error.to_string()))?;
    Ok(events.last().and_then(|event| event["id"].as_u64()).unwrap_or(0))
}
