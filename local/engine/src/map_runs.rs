//! Map Runs as the API describes them, read from what is committed (Step Functions API Reference, DescribeMapRun,
//! ListMapRuns).

use std::fmt;

use asl::{Timestamp, Tolerated};
use serde::{Serialize, Serializer};

use crate::arn;
use crate::error::Error;
use crate::executions::{self, ExecutionPage, PageRequest};
use crate::journal::{Journal, MapRunRow};
use crate::status::ExecutionStatus;

/// What has become of a Map Run (Step Functions API Reference, DescribeMapRun, `status`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum MapRunStatus {
    Running,
    Succeeded,
    Failed,
    Aborted,
}

impl MapRunStatus {
    /// The status as the API and the journal write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Aborted => "ABORTED",
        }
    }

    /// Reads what [`Self::as_str`] writes; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Running, Self::Succeeded, Self::Failed, Self::Aborted]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

impl fmt::Display for MapRunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for MapRunStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// How many child executions, or how many items, stand in each way. With an ItemBatcher that bounds the bytes of a
/// batch nobody knows how many children the rest of the items makes; then at least one is counted for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names say it")]
pub struct MapRunCounts {
    /// Not started yet.
    pub pending: u64,
    pub running: u64,
    pub succeeded: u64,
    pub failed: u64,
    pub timed_out: u64,
    pub aborted: u64,
    pub total: u64,
    /// Written by a ResultWriter, which there is none of here.
    pub results_written: u64,
    /// Ended without success and can't be redriven: none, since a redrive of the parent takes all of them up.
    pub failures_not_redrivable: u64,
    pub pending_redrive: u64,
}

/// What DescribeMapRun answers.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct MapRunDescription {
    pub arn: String,
    /// The execution that has the Distributed Map.
    pub execution_arn: String,
    pub state_machine_arn: String,
    pub status: MapRunStatus,
    pub started: Timestamp,
    /// When it ended, if it has.
    pub stopped: Option<Timestamp>,
    /// How many children may run at once; 0 means that nobody has set a limit.
    pub max_concurrency: u64,
    pub tolerated: Tolerated,
    pub items: MapRunCounts,
    pub executions: MapRunCounts,
    pub redrive_count: i64,
    /// When it was last redriven, if it was.
    pub redriven: Option<Timestamp>,
}

/// One entry of ListMapRuns.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct MapRunSummary {
    pub arn: String,
    pub execution_arn: String,
    pub state_machine_arn: String,
    pub started: Timestamp,
    pub stopped: Option<Timestamp>,
}

/// A page of ListMapRuns.
#[derive(Debug, Clone)]
pub struct MapRunPage {
    /// The runs, newest first.
    pub map_runs: Vec<MapRunSummary>,
    /// The token that asks for the next page; `None` on the last one.
    pub next: Option<String>,
}

/// What UpdateMapRun changes; what is absent stays as it is.
#[derive(Debug, Clone, Default)]
pub struct UpdateMapRun {
    /// `arn:aws:states:REGION:ACCOUNT:mapRun:MACHINE/LABEL:UUID`
    pub arn: String,
    /// How many children may run at once; 0 takes the limit away.
    pub max_concurrency: Option<u64>,
    /// How many items may fail before the run does.
    pub tolerated_count: Option<u64>,
    /// What share of the items may fail before the run does, from 0 to 100.
    pub tolerated_percentage: Option<f64>,
}

/// The run that has this ARN.
pub(crate) fn find(journal: &Journal, arn: &str) -> Result<MapRunRow, Error> {
    arn::check_type(arn, "mapRun")?;
    journal.map_run_by_arn(arn)?.ok_or_else(|| Error::ResourceNotFound(arn.to_owned()))
}

pub(crate) fn describe(journal: &Journal, arn: &str) -> Result<MapRunDescription, Error> {
    let row = find(journal, arn)?;
    let parent =
        journal.execution_by_seq(row.execution)?.ok_or_else(|| Error::ResourceNotFound(arn.to_owned()))?;
    let (items, executions) = counts(journal, &row)?;
    Ok(MapRunDescription {
        arn: row.arn,
        execution_arn: parent.arn,
        state_machine_arn: parent.machine,
        status: row.status,
        started: row.started,
        stopped: row.stopped,
        max_concurrency: row.max_concurrency,
        tolerated: row.tolerated,
        items,
        executions,
        redrive_count: row.redrives,
        redriven: row.redriven,
    })
}

/// The counts of a run's items and of its children.
fn counts(journal: &Journal, row: &MapRunRow) -> Result<(MapRunCounts, MapRunCounts), Error> {
    let left = row.items.saturating_sub(row.next);
    let mut items = MapRunCounts { pending: left, total: row.items, ..MapRunCounts::default() };
    let pending = left.div_ceil(row.items_a_child.max(1));
    let mut executions = MapRunCounts { pending, total: pending, ..MapRunCounts::default() };
    for count in journal.map_run_counts(row.id)? {
        executions.total += count.executions;
        for (counts, number) in [(&mut items, count.items), (&mut executions, count.executions)] {
            let counted = match count.status {
                ExecutionStatus::Running => &mut counts.running,
                ExecutionStatus::Succeeded => &mut counts.succeeded,
                ExecutionStatus::Failed => &mut counts.failed,
                ExecutionStatus::TimedOut => &mut counts.timed_out,
                ExecutionStatus::Aborted => &mut counts.aborted,
                ExecutionStatus::PendingRedrive => &mut counts.pending_redrive,
            };
            *counted += number;
        }
    }
    Ok((items, executions))
}

/// A page of the runs of an execution, newest first. Its token is the key of the last run.
pub(crate) fn list(journal: &Journal, execution_arn: &str, page: &PageRequest) -> Result<MapRunPage, Error> {
    let execution = executions::describe(journal, execution_arn)?;
    let size = page.size()?;
    let before = match &page.next {
        Some(token) => Some(token.parse().map_err(|_| Error::InvalidPageToken(token.clone()))?),
        None => None,
    };
    let mut rows = journal.map_runs(execution.seq, before, size + 1)?;
    let more = rows.len() > size;
    rows.truncate(size);
    let next = rows.last().filter(|_| more).map(|row| row.id.to_string());
    let summary = |row: MapRunRow| MapRunSummary {
        arn: row.arn,
        execution_arn: execution.arn.clone(),
        state_machine_arn: execution.machine.clone(),
        started: row.started,
        stopped: row.stopped,
    };
    Ok(MapRunPage { map_runs: rows.into_iter().map(summary).collect(), next })
}

/// A page of the children of a run, newest first.
pub(crate) fn list_children(
    journal: &Journal,
    arn: &str,
    status: Option<ExecutionStatus>,
    page: &PageRequest,
) -> Result<ExecutionPage, Error> {
    let run = find(journal, arn)?;
    executions::page(page, |after, limit| journal.executions_of_map_run(run.id, status, after, limit))
}
