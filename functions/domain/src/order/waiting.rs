//! What an order's workflow waits for: the tokens of its tasks, and the signals that answer them.
//!
//! Sources: AWS Step Functions Developer Guide, "Wait for a Callback with Task Token".

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::order::{Order, Shipment};
use crate::status::Status;

/// What the workflow must still be told. It is stored by the write that decided it, and the workflow's next
/// activity clears it (the pattern is known as the transactional outbox).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Signal {
    /// The order was accepted: its workflow has to be started.
    Start,
    /// The customer paid.
    Paid,
    /// The reviewer approved.
    Approved,
    /// The reviewer rejected.
    Rejected,
    /// Nobody paid in time.
    TimedOut,
    /// The customer cancelled.
    Cancelled,
    /// The workflow failed and has to go on where it stands.
    Retry,
    /// Warehouses have answered: tasks that wait for them have to be told, see
    /// [`ShipmentSignal`](crate::order::ShipmentSignal).
    Shipments,
    /// Nothing that the workflow waits for: others have to be told of changes that no step of the workflow
    /// tells of.
    Announce,
    /// Workflows of returns have to be told something, or others of what became of a return, see
    /// [`ReturnSignal`](crate::order::returns::ReturnSignal).
    Returns,
    /// Nothing that anybody has to be told: returns of the order are open. By this those are found that have to be
    /// looked at.
    ReturnsOpen,
}

impl Signal {
    /// All signals.
    pub const ALL: [Self; 11] = [
        Self::Start,
        Self::Paid,
        Self::Approved,
        Self::Rejected,
        Self::TimedOut,
        Self::Cancelled,
        Self::Retry,
        Self::Shipments,
        Self::Announce,
        Self::Returns,
        Self::ReturnsOpen,
    ];

    /// The name that the signal is stored under.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "START",
            Self::Paid => "PAID",
            Self::Approved => "APPROVED",
            Self::Rejected => "REJECTED",
            Self::TimedOut => "TIMED_OUT",
            Self::Cancelled => "CANCELLED",
            Self::Retry => "RETRY",
            Self::Shipments => "SHIPMENTS",
            Self::Announce => "ANNOUNCE",
            Self::Returns => "RETURNS",
            Self::ReturnsOpen => "RETURNS_OPEN",
        }
    }

    /// Whether somebody has to be told something.
    pub const fn is_to_be_sent(self) -> bool {
        !matches!(self, Self::ReturnsOpen)
    }
}

/// The token of a task that waits, and the attempt of the task that it was given to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The token as Step Functions gave it out.
    pub token: String,
    /// How often the execution had been redriven before.
    pub redrive: u64,
    /// The number of attempts that the task made before, which is 0 for the first, and for the first after a
    /// redrive (AWS Step Functions Developer Guide, "Restarting state machine executions with redrive").
    pub attempt: u64,
}

/// What an order waits for that has come to its payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaits {
    /// The customer must pay.
    Payment,
    /// A person must approve the order before it can be paid.
    Review,
    /// The order brought its payment, so that it waits for nothing.
    Nothing,
}

impl Order {
    /// Whether the order stays as it is until a person acts or the time for that is over, or for ever.
    pub fn rests(&self) -> bool {
        let is_heard = matches!(self.pending_signal(), None | Some(Signal::Announce));
        let status = self.status();
        status.is_final() || status == Status::NeedsAttention || (status.awaits_person() && is_heard)
    }

    /// Stores what the workflow must be told, and since when.
    pub(super) fn keep_signal(&mut self, signal: Signal, now: DateTime<Utc>) {
        self.record.pending_signal = Some(signal);
        self.record.pending_since = Some(now.timestamp_millis());
    }

    /// The workflow has come to its next step: it has been told what there was to tell, and no task of it
    /// waits.
    pub(super) fn stop_waiting(&mut self) {
        self.clear_signal();
        self.record.task_token = None;
        self.record.shipments.iter_mut().for_each(Shipment::stop_waiting);
    }

    pub(super) fn clear_signal(&mut self) {
        self.record.pending_signal = None;
        self.record.pending_since = None;
    }

    /// Keeps what is to be done once nobody waits for a decision about the order itself: the workflows of its returns, or
    /// tasks that wait for warehouses, have to be told something, or others what is late; or nothing now, while returns
    /// are open. Several of them may be there at a time; each is kept when the one before it is done.
    pub(super) fn keep_next_signal(&mut self, now: DateTime<Utc>) {
        match self.next_signal() {
            Some(next) if self.record.pending_signal == Some(next) => {}
            Some(next) => self.keep_signal(next, now),
            None => self.clear_signal(),
        }
    }

    fn next_signal(&self) -> Option<Signal> {
        if self.has_returns_to_tell() {
            Some(Signal::Returns)
        } else if self.pending_shipments().next().is_some() {
            Some(Signal::Shipments)
        } else if self.record.announcements.late {
            Some(Signal::Announce)
        } else {
            self.has_open_returns().then_some(Signal::ReturnsOpen)
        }
    }

    /// Clears the signal of `read`, which is this order as it was read before: nobody waits for it. A signal
    /// that was given since then stays, and so does the one of a task that began to wait since then. What the
    /// workflow would have announced with it is left to others.
    pub fn settle(&mut self, read: &Self, at: DateTime<Utc>) {
        if matches!(self.record.pending_signal, Some(Signal::Returns | Signal::ReturnsOpen)) {
            return;
        }
        // What a workflow that goes on after a retry has to be told stays: its tasks may only begin to wait.
        if read.record.pending_signal == Some(Signal::Shipments) {
            self.settle_shipments(read);
        }
        let (now, before) = (&self.record, &read.record);
        if now.pending_signal == before.pending_signal && now.task_token == before.task_token {
            self.keep_next_signal(at);
        }
    }

    /// Keeps the token, unless a later attempt of the same task brought a newer one.
    pub(super) fn keep_token(&mut self, Token { token, redrive, attempt }: Token) {
        let known = (self.record.token_redrive, self.record.token_attempt);
        if self.record.task_token.is_none() || (redrive, attempt) >= known {
            self.record.task_token = Some(token);
            (self.record.token_redrive, self.record.token_attempt) = (redrive, attempt);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::samples::{awaiting_payment, now, token};

    #[test]
    fn signals_have_the_names_that_they_are_stored_under() {
        for signal in Signal::ALL {
            assert_eq!(serde_json::to_value(signal).unwrap(), signal.name());
        }
    }

    #[test]
    fn an_attempt_that_was_given_up_does_not_bring_its_dead_token_back() {
        let mut order = awaiting_payment();
        order.open_window(token("t2", 1), now(), now()).unwrap();
        order.open_window(token("t1", 0), now(), now()).unwrap();
        assert_eq!(order.task_token(), Some("t2"));
    }

    #[test]
    fn a_redriven_attempt_comes_after_all_before_the_redrive() {
        let mut order = awaiting_payment();
        order.open_window(token("t2", 5), now(), now()).unwrap();
        let redriven = |token: &str| Token { token: token.to_owned(), redrive: 1, attempt: 0 };
        order.open_window(redriven("t3"), now(), now()).unwrap();
        assert_eq!(order.task_token(), Some("t3"));
        order.open_window(token("t4", 6), now(), now()).unwrap();
        assert_eq!(order.task_token(), Some("t3"), "this attempt was given up before the redrive");
    }

    #[test]
    fn a_signal_that_nobody_waits_for_is_cleared_and_a_newer_one_is_not() {
        let mut order = awaiting_payment();
        order.pay("pm_card", now()).unwrap();
        let read = order.clone();
        order.open_window(token("t2", 1), now(), now()).unwrap();
        order.settle(&read, now());
        assert_eq!(order.pending_signal(), Some(Signal::Paid), "a task that waits again must be told");
        let read = order.clone();
        order.settle(&read, now());
        assert_eq!((order.pending_signal(), order.task_token()), (None, Some("t2")));
    }
}
