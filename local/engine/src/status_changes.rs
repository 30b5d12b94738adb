//! What the engine tells of executions whose status changes.

use crate::executions::ExecutionDescription;
use crate::status::ExecutionStatus;

/// Hears of executions of Standard state machines whose status changes: they begin, end or are redriven.
///
/// The engine calls it on its own thread, before it commits the change, and tells afterwards whether the commit
/// succeeded. So a listener that stores what it heard before [`StatusChanges::changed`] returns misses no
/// change, also when the process is killed between the two. It may hear of one that was not committed then, and
/// of the same change again after the next start.
pub trait StatusChanges: Send {
    /// Whether executions of this state machine are of interest that come to this status.
    fn wants(&self, state_machine_arn: &str, status: ExecutionStatus) -> bool;

    /// Takes the executions as they will be once they are committed. The answer is called with whether they
    /// were.
    ///
    /// # Errors
    /// When the changes can't be stored; then the group is not committed.
    fn changed(&mut self, executions: Vec<ExecutionDescription>) -> std::io::Result<Committed>;
}

/// Hears whether the changes that were taken were committed.
pub type Committed = Box<dyn FnOnce(bool) + Send>;

/// Nobody listens.
pub(crate) struct Nobody;

impl StatusChanges for Nobody {
    fn wants(&self, _: &str, _: ExecutionStatus) -> bool {
        false
    }

    fn changed(&mut self, _: Vec<ExecutionDescription>) -> std::io::Result<Committed> {
        Ok(Box::new(|_| ()))
    }
}
