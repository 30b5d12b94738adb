//! How an engine is opened.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ambient::{Clock, Randomness, SystemClock};

use crate::status_changes::{Nobody, StatusChanges};

/// A hook that makes durable what steps write outside of the journal, such as items of DynamoDB tables.
///
/// The engine calls it on its own thread when it takes up a group of requests; the hook begins its work and
/// returns. The group's commit waits for the returned [`Durable`], so that the journal never knows of a step
/// whose writes could still be lost.
pub type BeforeCommit = Box<dyn FnMut() -> Durable + Send>;

/// Waits until the work that a [`BeforeCommit`] hook began is done. When it fails, the group is not
/// committed. The result says how far the outside has come: a number that only grows, and which the journal
/// keeps with the commit ([`Standing::relies_on`](file_versions::Standing)).
pub type Durable = Box<dyn FnOnce() -> std::io::Result<u64>>;

/// The data folder that a journal belongs to.
pub struct Folder {
    /// The identity of the folder, which the journal keeps. A new journal takes it on.
    pub identity: String,
    /// Called on the engine's thread after each commit, with the number of the commit. It is durable by then
    /// when [`Options::durable`] says so, and it only grows.
    pub after_commit: Box<dyn FnMut(u64) + Send>,
}

/// How an engine is opened.
pub struct Options {
    /// The journal's file, which is made when it does not exist. Only one engine may have it open.
    pub journal: PathBuf,
    /// Whether a commit survives power loss. The death of the process alone loses nothing either way.
    pub durable: bool,
    /// The AWS region that ARNs name.
    pub region: String,
    /// The AWS account that ARNs name: 12 digits.
    pub account: String,
    /// Where the engine reads the time.
    pub clock: Arc<dyn Clock>,
    /// Where the engine draws names, UUIDs, jitter and the key of its task tokens. With a seeded stream the same
    /// requests on a new journal give the same histories, names and task tokens.
    pub randomness: Randomness,
    /// What each commit waits for.
    pub before_commit: BeforeCommit,
    /// How many executions of Standard state machines may run at the same time; a start beyond that is refused with
    /// ExecutionLimitExceeded.
    pub max_open_executions: u64,
    /// How long an execution that has ended is kept, with its history. Then it is forgotten, and its name is free.
    pub retention: Duration,
    /// The data folder that the journal belongs to; `None` when the journal stands alone.
    pub folder: Option<Folder>,
    /// Who is told of executions whose status changes.
    pub status_changes: Box<dyn StatusChanges>,
}

/// How long AWS keeps the history of an execution that has ended (AWS Step Functions Developer Guide, "Service quotas",
/// "Execution history retention time": 90 days).
const RETENTION: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// How many executions may run at the same time in one account and region (AWS Step Functions Developer Guide,
/// "Service quotas", "Maximum open executions").
const MAX_OPEN_EXECUTIONS: u64 = 1_000_000;

impl Options {
    /// A durable engine on the machine's own clock, for region us-east-1 and account 000000000000, whose
    /// steps write nothing outside of the journal.
    pub fn at(journal: impl Into<PathBuf>) -> Self {
        Self {
            journal: journal.into(),
            durable: true,
            region: "us-east-1".to_owned(),
            account: "000000000000".to_owned(),
            clock: Arc::new(SystemClock),
            randomness: Randomness::unpredictable(),
            before_commit: Box::new(|| Box::new(|| Ok(0))),
            max_open_executions: MAX_OPEN_EXECUTIONS,
            retention: RETENTION,
            status_changes: Box::new(Nobody),
            folder: None,
        }
    }
}
