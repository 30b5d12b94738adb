//! Which changes of its status an order has still to tell others of.
//!
//! The timeline holds each change with its time, so that the event about it ([`crate::event`]) can be made at
//! any time, the same each time. What is missing is how much of the timeline is out, and the order says that
//! with the write that decides, so that nothing is lost between the decision and its event (the pattern is
//! known as the transactional outbox; here the outbox is a number).
//!
//! No write says that an event is out: that would cost a write for each. Instead a step of the workflow
//! publishes before it gives its answer. So the next step knows that all before it is out, and says with its
//! own write where its own part begins. A step that is run again publishes its part again, under the same ids;
//! what comes after a step that failed, or that may still be running, publishes that step's part once more.

use chrono::{DateTime, Utc};

use crate::order::{Order, Refusal, Signal};

/// How much of an order's timeline others have been told of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Announcements {
    /// The index of the first change in the timeline that may not be out. The changes before it are.
    pub from: usize,
    /// Whether the step whose part begins there has given up publishing it, and gave its answer nevertheless.
    pub late: bool,
}

impl Order {
    /// The index in the timeline from which on the changes must be published by whoever goes on with the
    /// order.
    pub fn unannounced_from(&self) -> usize {
        self.record.announcements.from.min(self.record.timeline.len())
    }

    /// Notes that all is out which was to be announced in `read`, the order as it was published.
    fn note_announced(&mut self, read: &Self) {
        let (told, length) = (read.record.timeline.len(), self.record.timeline.len());
        let Announcements { from, late } = self.record.announcements;
        // What was added since may be late, too, and is not out.
        self.record.announcements = Announcements { from: from.max(told), late: late && told < length };
    }

    /// Makes the change, and notes with it that all is out which was to be announced in `published`. Where
    /// nothing is changed, nothing is noted either, since a write for that alone would be one too many.
    ///
    /// # Errors
    /// What the change refuses.
    pub fn change_after_announcing<T>(
        &mut self,
        published: Option<&Self>,
        change: impl FnOnce(&mut Self) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let before = self.clone();
        let done = change(self)?;
        if let Some(published) = published
            && *self != before
        {
            self.note_announced(published);
        }
        Ok(done)
    }

    /// Notes that what is to be announced in `read`, the order as it was published, is out: nobody has to do
    /// it any more, unless something has been decided since that nobody announces but by this signal.
    pub fn settle_announcements(&mut self, read: &Self) {
        self.note_announced(read);
        if self.record.pending_signal == Some(Signal::Announce)
            && self.record.timeline.len() == read.record.timeline.len()
        {
            match self.record.returns.iter().filter_map(|it| it.history.last()).map(|change| change.at).max()
            {
                Some(changed) => self.keep_next_signal(changed),
                None => self.clear_signal(),
            }
        }
    }

    /// Asks for what is not announced to be announced by somebody else than the step or person that decided
    /// it, later. It must not be taken for announced when that step's answer arrives. A signal that the
    /// workflow waits for stays: whoever hears it announces this, too.
    pub fn leave_announcements(&mut self, now: DateTime<Utc>) {
        self.record.announcements.late = true;
        if matches!(self.record.pending_signal, None | Some(Signal::ReturnsOpen)) {
            self.keep_signal(Signal::Announce, now);
        }
    }

    /// Notes that the execution of the order's payment window was found. It is started when the step that
    /// waits for the payment has published its part, or has left it to others. That holds for whoever decides about an
    /// order that still waits: a step that takes over what is late may be run again while it publishes that.
    pub fn note_window_started(&mut self) {
        let waited = self.record.timeline.iter().rposition(|change| change.status.awaits_person());
        if let Some(waited) = waited
            && !self.record.announcements.late
        {
            let from = &mut self.record.announcements.from;
            *from = (*from).max(waited + 1);
        }
    }

    /// The workflow has come to a step after one that gave its answer, so that the part of that one is out.
    /// This step's part begins behind the first `before` changes, unless what is late has to go with it.
    pub(super) fn announce_after(&mut self, before: usize) {
        if !self.record.announcements.late {
            self.record.announcements.from = before;
        }
        self.take_over_announcements();
    }

    /// The workflow has come to a step after one that may not have published its part, or had left it to
    /// others: this step publishes it with its own.
    pub(super) fn take_over_announcements(&mut self) {
        self.record.announcements.late = false;
        if self.record.pending_signal == Some(Signal::Announce) {
            self.clear_signal();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::samples::{awaiting_payment, now, reserved, token};
    use crate::status::{Reason, Status};

    fn unannounced(order: &Order) -> Vec<Status> {
        order.timeline()[order.unannounced_from()..].iter().map(|change| change.status).collect()
    }

    #[test]
    fn each_step_announces_its_own_part_and_what_was_decided_before_it() {
        let mut order = reserved(None, false);
        assert_eq!(unannounced(&order), [Status::Received, Status::Reserved]);
        order.open_window(token("t", 0), now(), now()).unwrap();
        assert_eq!(unannounced(&order), [Status::AwaitingPayment]);
        let mut order = awaiting_payment();
        order.pay("pm_card", now()).unwrap();
        order.note_window_started();
        order.capture(now()).unwrap();
        assert_eq!(unannounced(&order), [Status::PaymentReceived, Status::Paid, Status::Shipping]);
        order.complete(now()).unwrap();
        assert_eq!(unannounced(&order), [Status::Completed]);
    }

    #[test]
    fn the_part_of_a_step_that_may_still_run_is_announced_by_the_next_one_too() {
        let mut order = awaiting_payment();
        order.pay("pm_card", now()).unwrap();
        order.capture(now()).unwrap();
        assert_eq!(unannounced(&order)[0], Status::AwaitingPayment);
        let mut reviewed = reserved(None, true);
        reviewed.request_audit(token("t", 0), now()).unwrap();
        reviewed.review(true, None, now()).unwrap();
        reviewed.open_window(token("t", 0), now(), now()).unwrap();
        assert_eq!(unannounced(&reviewed), [Status::AwaitingAudit, Status::AwaitingPayment]);
    }

    #[test]
    fn what_is_late_goes_with_the_next_step_and_with_no_other() {
        let mut order = awaiting_payment();
        order.leave_announcements(now());
        assert_eq!(order.pending_signal(), Some(Signal::Announce));
        assert!(order.rests(), "the customer is waited for nevertheless");
        order.pay("pm_card", now()).unwrap();
        order.note_window_started();
        order.capture(now()).unwrap();
        assert_eq!(unannounced(&order)[0], Status::AwaitingPayment);
        order.complete(now()).unwrap();
        assert_eq!((unannounced(&order), order.pending_signal()), (vec![Status::Completed], None));
    }

    #[test]
    fn a_signal_is_not_displaced_by_what_is_late_and_takes_it_along() {
        let mut order = awaiting_payment();
        order.pay("pm_card", now()).unwrap();
        order.leave_announcements(now());
        assert_eq!(order.pending_signal(), Some(Signal::Paid));
        let read = order.clone();
        order.settle(&read, now());
        assert_eq!(order.pending_signal(), Some(Signal::Announce), "nobody waits, and somebody must tell");
        let read = order.clone();
        order.settle_announcements(&read);
        assert_eq!((order.pending_signal(), unannounced(&order)), (None, Vec::new()));
    }

    #[test]
    fn what_was_decided_while_the_rest_was_published_stays_to_be_announced() {
        let mut order = awaiting_payment();
        order.leave_announcements(now());
        let read = order.clone();
        order.begin_compensation(Reason::Customer, None, now()).unwrap();
        order.leave_announcements(now());
        order.settle_announcements(&read);
        assert_eq!(unannounced(&order), [Status::Compensating]);
        assert_eq!(order.pending_signal(), Some(Signal::Announce));
        order.close(now()).unwrap();
        assert_eq!(unannounced(&order), [Status::Compensating, Status::Cancelled]);
    }

    #[test]
    fn what_is_late_is_not_lost_by_a_step_that_undoes_and_is_run_again() {
        let mut order = awaiting_payment();
        order.leave_announcements(now());
        order.close_window(now() + chrono::TimeDelta::seconds(30)).unwrap();
        // The first run is still publishing, or has died.
        for run in 0..3 {
            order.begin_compensation(Reason::PaymentTimeout, None, now()).unwrap();
            assert_eq!(unannounced(&order), [Status::AwaitingPayment, Status::Compensating], "run {run}");
        }
    }

    #[test]
    fn that_nobody_paid_says_nothing_of_what_is_out_unless_the_window_itself_says_it() {
        let mut order = awaiting_payment();
        order.expire(now() + chrono::TimeDelta::seconds(30)).unwrap();
        order.begin_compensation(Reason::PaymentTimeout, None, now()).unwrap();
        assert_eq!(unannounced(&order), [Status::AwaitingPayment, Status::Compensating]);
    }

    #[test]
    fn an_order_that_nobody_paid_is_undone_with_its_own_changes_alone() {
        let mut order = awaiting_payment();
        order.close_window(now() + chrono::TimeDelta::seconds(30)).unwrap();
        order.begin_compensation(Reason::PaymentTimeout, None, now()).unwrap();
        assert_eq!(unannounced(&order), [Status::Compensating]);
        let mut cancelled = awaiting_payment();
        cancelled.cancel(now()).unwrap();
        cancelled.begin_compensation(Reason::Customer, None, now()).unwrap();
        assert_eq!(unannounced(&cancelled), [Status::AwaitingPayment, Status::Compensating]);
    }
}
