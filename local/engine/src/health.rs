//! Whether the engine makes progress.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ambient::Clock;
use asl::Timestamp;
use chrono::TimeDelta;
use tokio::sync::watch;

use crate::journal::JournalError;

/// How long a group may take until the engine counts as stalled. A group is bounded in work; what can take this
/// long is a disk that does not answer, or a machine that is far too small.
const STALLED: TimeDelta = TimeDelta::seconds(10);

/// Whether executions go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// Groups are committed, or there is nothing to do.
    Healthy,
    /// No execution goes on.
    Unhealthy(Trouble),
}

/// What keeps executions from going on. It displays as one line for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What it is.
    pub kind: TroubleKind,
    /// Since when.
    pub since: Timestamp,
    /// What is known of the cause; empty when nothing is.
    pub cause: String,
}

/// The kinds of [`Trouble`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TroubleKind {
    /// The last commit failed. The engine tries again, and goes on when the cause is gone.
    NotCommitting,
    /// A group has been at work for longer than 10 seconds.
    Stalled,
    /// What was written may be lost, or the journal is damaged. Only opening the files anew tells what is left.
    Lost,
    /// The engine's thread has ended without being asked to.
    Gone,
}

impl Trouble {
    /// Whether the engine can't get out of it by itself, so that the process should end and be started again.
    pub fn is_final(&self) -> bool {
        matches!(self.kind, TroubleKind::Lost | TroubleKind::Gone)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            TroubleKind::NotCommitting => "executions stand still because commits fail",
            TroubleKind::Stalled => "executions stand still because a commit does not end",
            TroubleKind::Lost => "what was written may be lost, or the journal is damaged",
            TroubleKind::Gone => "the engine's thread has ended",
        };
        write!(f, "{what} (since {})", self.since.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))?;
        if self.cause.is_empty() { Ok(()) } else { write!(f, ": {}", self.cause) }
    }
}

/// The error by which a [`BeforeCommit`](crate::BeforeCommit) hook says that earlier writes may be lost, for
/// example after a failed fsync: trying again proves nothing then (PostgreSQL wiki, "Fsync Errors"). The hook wraps
/// it with [`std::io::Error::other`].
#[derive(Debug, thiserror::Error)]
#[error("writes may be lost: {0}")]
pub struct WritesLost(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// What the engine's thread notes about itself for those who ask how it does.
pub(crate) struct Vitals {
    clock: Arc<dyn Clock>,
    noted: Mutex<Noted>,
    /// What can't be got out of, once there is such a thing.
    lasting: watch::Sender<Option<Trouble>>,
}

#[derive(Default)]
struct Noted {
    /// When the group that is at work was begun.
    at_work: Option<Timestamp>,
    /// Since when commits fail, and how the last one did.
    failing: Option<(Timestamp, String)>,
    /// Whether the thread was asked to end.
    stops: bool,
}

impl Vitals {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, noted: Mutex::default(), lasting: watch::Sender::new(None) }
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A group is taken up.
    pub(crate) fn begins(&self) {
        let now = self.clock.now();
        self.noted().at_work = Some(now);
    }

    /// The group is committed.
    pub(crate) fn committed(&self) {
        self.noted().failing = None;
    }

    /// The group is done with, whether it was committed or not.
    pub(crate) fn ends(&self) {
        self.noted().at_work = None;
    }

    /// The group could not be committed.
    pub(crate) fn failed(&self, error: &JournalError) {
        let now = self.clock.now();
        let mut noted = self.noted();
        let since = noted.failing.take().map_or(now, |(since, _)| since);
        noted.failing = Some((since, error.to_string()));
        drop(noted);
        if error.is_final() {
            self.last(TroubleKind::Lost, since, error.to_string());
        }
    }

    /// The thread was asked to end.
    pub(crate) fn stops(&self) {
        self.noted().stops = true;
    }

    fn last(&self, kind: TroubleKind, since: Timestamp, cause: String) {
        self.lasting.send_if_modified(|lasting| {
            let first = lasting.is_none();
            if first {
                *lasting = Some(Trouble { kind, since, cause });
            }
            first
        });
    }

    pub(crate) fn health(&self) -> Health {
        if let Some(trouble) = self.lasting.borrow().clone() {
            return Health::Unhealthy(trouble);
        }
        let noted = self.noted();
        if let Some((since, cause)) = &noted.failing {
            let (since, cause) = (*since, cause.clone());
            return Health::Unhealthy(Trouble { kind: TroubleKind::NotCommitting, since, cause });
        }
        match noted.at_work {
            Some(since) if self.clock.now() - since > STALLED => {
                Health::Unhealthy(Trouble { kind: TroubleKind::Stalled, since, cause: String::new() })
            }
            _ => Health::Healthy,
        }
    }

    /// Returns when the engine is in a trouble that is final; otherwise never.
    pub(crate) async fn broken(&self) -> Trouble {
        let mut lasting = self.lasting.subscribe();
        loop {
            if let Some(trouble) = lasting.borrow_and_update().clone() {
                return trouble;
            }
            if lasting.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

/// Lives as long as the engine's thread. When the thread ends without having been asked to, whoever asks for the
/// engine's health learns it.
pub(crate) struct Pulse(pub(crate) Arc<Vitals>);

impl Drop for Pulse {
    fn drop(&mut self) {
        if !self.0.noted().stops {
            let cause = if std::thread::panicking() { "it panicked" } else { "" };
            self.0.last(TroubleKind::Gone, self.0.clock.now(), cause.to_owned());
        }
    }
}
