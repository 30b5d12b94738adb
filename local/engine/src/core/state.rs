//! What the core holds in memory. All of it but the waiting callers can be read again from the journal.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use asl::{Machine, Timestamp};
use chrono::TimeDelta;
use tokio::sync::oneshot;

use super::aside::Aside;
use super::group::Group;
use super::live::Live;
use super::map_runs::OpenRun;
use super::tidy::Tidy;
use crate::arn::Arns;
use crate::error::Error;
use crate::executions::ExecutionDescription;
use crate::health::Vitals;
use crate::journal::{DefinitionId, Journal, JournalError, MapRunId, Seq};
use crate::options::{BeforeCommit, Folder};
use crate::request::Request;
use crate::stats::Stats;
use crate::status_changes::StatusChanges;
use crate::token::TokenKey;
use ambient::Clock;
use ambient::Randomness;

/// A caller of StartSyncExecution, who waits for the execution's end.
pub(super) type Waiter = oneshot::Sender<Result<ExecutionDescription, Error>>;

/// What the options bound.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// How many executions of Standard state machines may run at the same time.
    pub open_executions: u64,
    /// How long an execution that has ended is kept.
    pub retention: TimeDelta,
    /// Whether expressions that take long by the machine's clock are evaluated beside the groups, besides those that
    /// take much work.
    pub timed: bool,
}

/// What the engine's owner hears of commits.
pub(crate) struct Hooks {
    pub before_commit: BeforeCommit,
    pub status_changes: Box<dyn StatusChanges>,
    pub folder: Option<Folder>,
}

/// The engine's core, as the module describes it.
pub(crate) struct Core {
    pub(super) journal: Journal,
    pub(super) arns: Arns,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) randomness: Randomness,
    pub(super) token_key: TokenKey,
    pub(super) stats: Arc<Stats>,
    pub(super) vitals: Arc<Vitals>,
    pub(super) hooks: Hooks,
    /// The definitions that were run since the engine was opened, compiled.
    pub(super) machines: HashMap<DefinitionId, Rc<Machine>>,
    pub(super) live: HashMap<Seq, Live>,
    /// The executions of which a step is being taken beside the groups, and how many such steps there were.
    pub(super) aside: HashMap<Seq, Aside>,
    pub(super) steps_aside: u64,
    pub(super) waiters: HashMap<Seq, Waiter>,
    pub(super) next_seq: Seq,
    /// How many executions have not ended.
    pub(super) open: u64,
    pub(super) limits: Limits,
    /// Requests that have not been handled yet.
    pub(super) queue: VecDeque<Request>,
    /// Whether the journal holds postponed work.
    pub(super) has_backlog: bool,
    /// The Map Runs for which there is something left to do, and those that are to be looked at in the next group.
    pub(super) map_runs: BTreeMap<MapRunId, OpenRun>,
    pub(super) tended: BTreeSet<MapRunId>,
    /// The run that was looked at last.
    pub(super) tended_last: MapRunId,
    pub(super) tidy: Tidy,
    pub(super) group: Group,
}

impl Core {
    #[allow(clippy::too_many_arguments, reason = "it is made of as many things")]
    pub(crate) fn new(
        mut journal: Journal,
        arns: Arns,
        clock: Arc<dyn Clock>,
        randomness: Randomness,
        stats: Arc<Stats>,
        vitals: Arc<Vitals>,
        hooks: Hooks,
        limits: Limits,
    ) -> Result<Self, JournalError> {
        if let Some(folder) = &hooks.folder {
            journal.claim(&folder.identity)?;
        }
        let key = journal.meta("token_key", || randomness.key().to_vec())?;
        let key = key.try_into().map_err(|key: Vec<u8>| {
            JournalError::damaged("the token key", format!("it has {} bytes", key.len()))
        })?;
        let next_seq = journal.last_seq()? + 1;
        let (open, has_backlog) = (journal.open_executions()?, journal.has_backlog()?);
        stats.open.store(open, Relaxed);
        let mut core = Self {
            journal,
            arns,
            clock,
            randomness,
            token_key: TokenKey::new(key),
            stats,
            vitals,
            hooks,
            machines: HashMap::new(),
            live: HashMap::new(),
            aside: HashMap::new(),
            steps_aside: 0,
            waiters: HashMap::new(),
            next_seq,
            open,
            limits,
            queue: VecDeque::new(),
            has_backlog,
            map_runs: BTreeMap::new(),
            tended: BTreeSet::new(),
            tended_last: 0,
            tidy: Tidy::default(),
            group: Group::default(),
        };
        core.load_map_runs()?;
        Ok(core)
    }

    /// Keeps the journal small and its log short. It is called between groups.
    pub(crate) fn tend_journal(&mut self) {
        self.tidy();
        self.journal.tend_log();
    }

    /// When the next group is due, if nothing comes before: at once while there is work that the last one had no room
    /// for, and otherwise when the first execution is to be woken.
    pub(crate) fn next_wake(&self) -> Result<Option<Timestamp>, JournalError> {
        if self.has_backlog || !self.queue.is_empty() || !self.tended.is_empty() {
            return Ok(Some(self.clock.now()));
        }
        let wake = self.journal.next_wake()?;
        Ok(wake.into_iter().chain(self.next_step()).min())
    }
}
