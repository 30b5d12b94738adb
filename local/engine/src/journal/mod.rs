//! The journal: state machines, executions, their progress and their histories, in one SQLite file.
//!
//! ```text
//!   definition ◀── state_machine          what can be started
//!       ▲
//!       └───────── execution              what an execution is known by, and how it ended
//!                      ├── map_run        the child executions of a Distributed Map, as a whole
//!                      ├── progress       what goes on: the interpreter's state, the next wake-up
//!                      ├── history        the events, as they came
//!                      ├── archive        histories and states of those that have ended, compressed
//!                      └── backlog        work that was too much for one group
//!   meta                                  single values, such as the key of the task tokens
//! ```
//!
//! - A row of `execution` is written at the start and once more at the end.
//! - A row of `progress` holds the interpreter's state, the time of the next wake-up, and whether calls are
//!   in flight. It goes when the execution succeeds. Of an execution that failed it is kept for a redrive, and
//!   moves to the archive with the history.
//! - A row of `history` holds the events that one execution had in one group. Rows lie in the order in which
//!   they came, so that what a group writes lies together on few pages, whatever executions it belongs to.
//!
//! One connection writes, from the engine's thread, in one transaction for each group. Others read what is
//! committed, and because of the write-ahead log they never block the writer (SQLite's documentation,
//! "Write-Ahead Logging"). Times are stored in milliseconds since 1970.

mod archives;
mod backlog;
mod checkpoints;
mod connection;
mod error;
mod executions;
mod histories;
mod map_runs;
mod migrations;
mod progress;
mod readers;
mod state_machines;
mod times;

pub(crate) use archives::Found;
pub(crate) use backlog::{Postponed, PostponedId};
pub(crate) use connection::Journal;
pub use error::JournalError;
pub(crate) use executions::{Ending, ExecutionRow, MapMember, Parent, ParentTask, Seq};
pub(crate) use map_runs::{MapRunId, MapRunOutputs, MapRunRow};
pub(crate) use readers::Readers;
pub(crate) use state_machines::DefinitionId;
