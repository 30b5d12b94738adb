//! An execution in memory.

use std::rc::Rc;
use std::sync::Arc;

use asl::Machine;

use crate::journal::{DefinitionId, Parent};
use crate::state_machine::StateMachineKind;

/// An execution in memory.
pub(super) struct Live {
    pub execution: asl::Execution,
    pub machine: Rc<Machine>,
    pub definition: DefinitionId,
    pub arn: Arc<str>,
    pub kind: StateMachineKind,
    pub parent: Option<Parent>,
    /// Whether it has no calls in flight, so that nothing will happen to it soon.
    pub waits_only: bool,
}
