//! A group: the requests that are committed together, and what becomes of them.

use std::collections::{HashMap, VecDeque};

use asl::{Event, HistoryEvent, Invocation};

use crate::integrations::TaskCall;
use crate::journal::Seq;

/// What is to be done once the group is committed.
pub(crate) enum After {
    Answer(Box<dyn FnOnce() + Send>),
    Invoke(Seq, TaskCall),
}

/// Work that handling a request leaves, for example a change of another execution.
pub(super) enum Work {
    Apply(Seq, Event),
    Perform(Seq, Invocation),
}

/// What a group has changed so far, and what is still to be done in it.
#[derive(Default)]
pub(super) struct Group {
    /// The new history events of each execution that the group changed.
    pub touched: HashMap<Seq, Vec<HistoryEvent>>,
    /// The keys of `touched`, in the order in which the executions were first changed.
    pub order: Vec<Seq>,
    /// The executions whose status the group changes, each once.
    pub status_changes: Vec<Seq>,
    pub work: VecDeque<Work>,
    pub after: Vec<After>,
}

impl Group {
    /// Notes that the group changes an execution, and returns the history events that the execution has had
    /// in this group so far.
    pub(super) fn touch(&mut self, seq: Seq) -> &mut Vec<HistoryEvent> {
        self.touched.entry(seq).or_insert_with(|| {
            self.order.push(seq);
            Vec::new()
        })
    }
}
