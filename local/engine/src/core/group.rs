//! A group: the requests that are committed together, and what becomes of them.

use std::collections::{HashMap, VecDeque};

use asl::{Event, HistoryEvent, Invocation, Timestamp};
use chrono::TimeDelta;

use super::dear_step::DearStep;
use crate::integrations::TaskCall;
use crate::journal::{JournalError, Seq};
use crate::request::Request;
use crate::status_changes::Committed;

/// How many history events a share of a group may lead to: some milliseconds of work.
const EVENTS: u64 = 10_000;
/// How many bytes of history a share of a group may lead to.
const BYTES: usize = 8 << 20;
/// How long a share of a group may take by the engine's clock. Only expressions that take long get here before the
/// bounds above.
const TIME: TimeDelta = TimeDelta::milliseconds(50);

/// What is to be done once the group is committed.
pub(crate) enum After {
    Answer(Box<dyn FnOnce() + Send>),
    Invoke(Seq, TaskCall),
    /// A step is to be taken beside the groups.
    TakeAside(Box<DearStep>),
}

/// Work that handling a request leaves, for example a change of another execution.
pub(super) enum Work {
    Apply(Seq, Event),
    Perform(Seq, Invocation),
}

/// The history events that one execution had in a group, as they are stored.
#[derive(Default)]
pub(super) struct Chunk {
    /// The id of the first event; 0 when there is none.
    pub first: u64,
    /// The events as JSON, each with a comma or the opening bracket before it.
    text: String,
}

impl Chunk {
    /// The text of a JSON array; `None` when there are no events.
    pub(super) fn into_array(mut self) -> Option<String> {
        if self.text.is_empty() {
            return None;
        }
        self.text.push(']');
        Some(self.text)
    }

    fn push(&mut self, event: &HistoryEvent) -> Result<usize, JournalError> {
        let json = serde_json::to_string(event).map_err(JournalError::Unwritable)?;
        if self.text.is_empty() {
            self.first = event.id;
            self.text.push('[');
        } else {
            self.text.push(',');
        }
        self.text.push_str(&json);
        Ok(json.len())
    }
}

/// What a group has changed so far, and what is still to be done in it.
///
/// A group is bounded, so that nobody waits long for its commit and its memory is bounded, too. It has four shares,
/// one for requests, one for wake-ups, one for the backlog and one for Map Runs, so that none of them keeps the others
/// from their turn.
#[derive(Default)]
pub(super) struct Group {
    /// The new history events of each execution that the group changed.
    pub touched: HashMap<Seq, Chunk>,
    /// The keys of `touched`, in the order in which the executions were first changed.
    pub order: Vec<Seq>,
    /// The executions that the group has written.
    pub written: Vec<Seq>,
    /// The executions whose status the group changes, each once.
    pub status_changes: Vec<Seq>,
    pub work: VecDeque<Work>,
    pub after: Vec<After>,
    /// The requests that were handled.
    pub handled: Vec<Request>,
    /// Who hears whether the changes of status were committed.
    pub told: Option<Committed>,
    /// Whether there is something to commit besides the executions in `order`.
    pub changed: bool,
    /// The execution that is being worked on.
    pub at: Option<Seq>,
    /// Whether the execution that is being worked on has ended in this group and can't be written.
    pub unwritten: bool,
    /// How many history events the whole group has led to.
    pub events: u64,
    /// How often the whole group tries a task again.
    pub retries: u64,
    share: Share,
}

/// How many of the events are about a task that is tried again. The first attempt follows the entering of its state,
/// a redriven one the redrive, at once; what is tried again has failed in an earlier step.
fn retries(events: &[HistoryEvent]) -> u64 {
    let scheduled = |event: &&HistoryEvent| event.event_type.ends_with("Scheduled");
    let is_first = |event: &HistoryEvent| events.iter().any(|other| other.id == event.previous_id);
    events.iter().filter(scheduled).filter(|event| !is_first(event)).count() as u64
}

/// What was spent of one share of a group.
#[derive(Default)]
struct Share {
    events: u64,
    bytes: usize,
    ends: Option<Timestamp>,
}

impl Group {
    /// Notes that the group changes an execution, and returns the history events that the execution has had
    /// in this group so far.
    pub(super) fn touch(&mut self, seq: Seq) -> &mut Chunk {
        self.touched.entry(seq).or_insert_with(|| {
            self.order.push(seq);
            Chunk::default()
        })
    }

    /// Notes events that the group adds to the history of an execution.
    pub(super) fn record(&mut self, seq: Seq, events: &[HistoryEvent]) -> Result<(), JournalError> {
        let chunk = self.touch(seq);
        let mut bytes = 0;
        for event in events {
            bytes += chunk.push(event)?;
        }
        self.events += events.len() as u64;
        self.retries += retries(events);
        self.share.events += events.len() as u64;
        self.share.bytes += bytes;
        Ok(())
    }

    /// Begins the next share.
    pub(super) fn begin_share(&mut self, now: Timestamp) {
        self.share = Share { events: 0, bytes: 0, ends: now.checked_add_signed(TIME) };
    }

    /// Whether the share is spent, so that the rest has to wait for a later group.
    pub(super) fn is_full(&self, now: Timestamp) -> bool {
        let Share { events, bytes, ends } = self.share;
        events >= EVENTS || bytes >= BYTES || ends.is_some_and(|ends| now > ends)
    }
}
