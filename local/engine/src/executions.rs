//! Executions as the API describes them, read from what is committed.

use asl::Timestamp;
use serde_json::Value;

use crate::arn;
use crate::error::Error;
use crate::journal::{ExecutionRow, Journal, JournalError, Parent, Seq};
use crate::status::ExecutionStatus;

/// The number of entries of a page when the caller asks for none (Step Functions API Reference,
/// `maxResults`).
const PAGE: usize = 100;
/// The largest number of entries of a page that a caller may ask for (Step Functions API Reference,
/// `maxResults`).
const LARGEST_PAGE: usize = 1000;

/// What StartExecution answers.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Started {
    pub arn: String,
    pub started: Timestamp,
}

/// What DescribeExecution answers.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ExecutionDescription {
    pub arn: String,
    pub state_machine_arn: String,
    /// The name, which no other execution of a Standard state machine has.
    pub name: String,
    pub status: ExecutionStatus,
    pub started: Timestamp,
    /// When it ended, if it has.
    pub stopped: Option<Timestamp>,
    /// The input as JSON text.
    pub input: String,
    /// The output as JSON text, if it succeeded.
    pub output: Option<String>,
    /// The error name, if it ended otherwise and has one.
    pub error: Option<String>,
    /// The cause, if it ended otherwise and has one.
    pub cause: Option<String>,
    pub redrive_count: i64,
    /// When it was last redriven, if it was.
    pub redriven: Option<Timestamp>,
    pub role_arn: String,
    /// The Map Run that it is a child of, if it is one.
    pub map_run_arn: Option<String>,
    /// How many items it works on, if it is a child of a Map Run.
    pub item_count: Option<u64>,
}

impl ExecutionDescription {
    /// Whether the execution can be redriven, and by what (Step Functions API Reference, DescribeExecution,
    /// `redriveStatus`).
    pub fn redrive_status(&self) -> &'static str {
        match (self.status.is_redrivable(), &self.map_run_arn) {
            (false, _) => "NOT_REDRIVABLE",
            (true, Some(_)) => "REDRIVABLE_BY_MAP_RUN",
            (true, None) => "REDRIVABLE",
        }
    }
}

/// One entry of ListExecutions.
pub type ExecutionSummary = ExecutionDescription;

/// The part of a list that is wanted.
#[derive(Debug, Clone, Default)]
pub struct PageRequest {
    /// The largest number of entries, 1 to 1,000; 0 stands for the default of 100.
    pub limit: usize,
    /// The token that the page before gave; `None` for the first page.
    pub next: Option<String>,
}

/// A page of ListExecutions.
#[derive(Debug, Clone)]
pub struct ExecutionPage {
    /// The executions, newest first.
    pub executions: Vec<ExecutionSummary>,
    /// The token that asks for the next page; `None` on the last one.
    pub next: Option<String>,
}

/// A page of GetExecutionHistory.
#[derive(Debug, Clone)]
pub struct HistoryPage {
    /// The events, as the API writes them (Step Functions API Reference, HistoryEvent).
    pub events: Vec<Value>,
    /// The token that asks for the next page; `None` on the last one.
    pub next: Option<String>,
}

impl From<ExecutionRow> for ExecutionDescription {
    fn from(row: ExecutionRow) -> Self {
        let item_count = match row.parent {
            Some(Parent::MapRun(member)) => Some(member.items),
            _ => None,
        };
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
            role_arn: row.role_arn,
            map_run_arn: row.map_run_arn,
            item_count,
        }
    }
}

impl PageRequest {
    pub(crate) fn size(&self) -> Result<usize, Error> {
        match self.limit {
            0 => Ok(PAGE),
            1..=LARGEST_PAGE => Ok(self.limit),
            limit => Err(Error::Validation(format!(
                "1 validation error detected: Value '{limit}' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to {LARGEST_PAGE}"
            ))),
        }
    }
}

/// The execution that has this ARN.
pub(crate) fn describe(journal: &Journal, arn: &str) -> Result<ExecutionRow, Error> {
    arn::check_type(arn, "execution")?;
    journal.execution_by_arn(arn)?.ok_or_else(|| Error::ExecutionDoesNotExist(arn.to_owned()))
}

/// As [`describe`], but of a child of a Map Run also when it is of an Express type, whose ARN has another form: only
/// those are kept when they have ended.
pub(crate) fn describe_any(journal: &Journal, arn: &str) -> Result<ExecutionRow, Error> {
    if arn::resource_type(arn)? != "express" {
        return describe(journal, arn);
    }
    match journal.execution_by_arn(arn)? {
        Some(row) if matches!(row.parent, Some(Parent::MapRun(_))) => Ok(row),
        _ => Err(Error::InvalidArn(arn.to_owned())),
    }
}

/// A page of the executions of a state machine, newest first.
pub(crate) fn list(
    journal: &Journal,
    machine: &str,
    status: Option<ExecutionStatus>,
    page: &PageRequest,
) -> Result<ExecutionPage, Error> {
    if !journal.has_state_machine(machine)? {
        return Err(Error::StateMachineDoesNotExist(machine.to_owned()));
    }
    self::page(page, |after, limit| journal.executions(machine, status, after, limit))
}

/// A page of what `read` reads, given after which execution the page begins and how many it may hold.
pub(crate) fn page(
    page: &PageRequest,
    read: impl FnOnce(Option<(i64, Seq)>, usize) -> Result<Vec<ExecutionRow>, JournalError>,
) -> Result<ExecutionPage, Error> {
    let size = page.size()?;
    let after = page.next.as_deref().map(read_token).transpose()?;
    let mut rows = read(after, size + 1)?;
    let more = rows.len() > size;
    rows.truncate(size);
    let next = rows.last().filter(|_| more).map(token_after);
    Ok(ExecutionPage { executions: rows.into_iter().map(Into::into).collect(), next })
}

/// The page token for what comes after this execution: its start in milliseconds and its key.
fn token_after(row: &ExecutionRow) -> String {
    format!("{}-{}", row.started.timestamp_millis(), row.seq)
}

fn read_token(token: &str) -> Result<(i64, Seq), Error> {
    token
        .split_once('-')
        .and_then(|(started, seq)| Some((started.parse().ok()?, seq.parse().ok()?)))
        .ok_or_else(|| Error::InvalidPageToken(token.to_owned()))
}

/// A page of an execution's events, from the first on or, in `reverse`, from the last back. Its token is the
/// id of the event with which the next page begins.
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
        let wanted = |event: &Value| (low..=high).contains(&id(event));
        // A chunk ends before the next one begins, so what comes before the page is not read.
        if chunk.first <= high {
            events.extend(read_chunk(&chunk.events)?.into_iter().filter(wanted));
        }
    }
    let next = if reverse {
        events.reverse();
        (low > 1).then(|| (low - 1).to_string())
    } else {
        (high < last).then(|| (high + 1).to_string())
    };
    Ok(HistoryPage { events, next })
}

/// The id of the last event; 0 when there is none.
fn last_event(journal: &Journal, seq: Seq) -> Result<u64, JournalError> {
    let Some(chunk) = journal.last_chunk(seq)? else { return Ok(0) };
    Ok(read_chunk(&chunk.events)?.last().map_or(0, id))
}

fn read_chunk(text: &str) -> Result<Vec<Value>, JournalError> {
    serde_json::from_str(text).map_err(|error| JournalError::damaged("a history", error))
}

fn id(event: &Value) -> u64 {
    event["id"].as_u64().unwrap_or(0)
}
