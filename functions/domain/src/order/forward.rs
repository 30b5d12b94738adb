//! The decisions that bring an order forward: stock, review, payment.

use chrono::{DateTime, Utc};

use crate::allocation::Share;
use crate::order::{Audit, Awaits, Order, PaymentState, Refusal, Reservation, Shipment, Signal, Token};
use crate::status::{IllegalTransition, Reason, Status};

impl Order {
    /// Notes that stock is set aside in these warehouses.
    ///
    /// # Errors
    /// When the order is past that.
    pub fn reserve(&mut self, shares: Vec<Share>, now: DateTime<Utc>) -> Result<(), Refusal> {
        self.change_status(Status::Reserved, now)?;
        self.stop_waiting();
        self.record.reservation = Reservation::Held;
        self.record.shipments = shares.into_iter().map(Shipment::from).collect();
        Ok(())
    }

    /// Puts the order before a reviewer, whose verdict answers this token.
    ///
    /// # Errors
    /// When the order is past that.
    pub fn request_audit(&mut self, token: Token, now: DateTime<Utc>) -> Result<(), Refusal> {
        if self.record.status != Status::AwaitingAudit {
            let before = self.record.timeline.len();
            self.change_status(Status::AwaitingAudit, now)?;
            self.announce_after(before);
            self.stop_waiting();
        }
        // The reviewer approved between the first attempt and this one: the new token must be told.
        if self.is_approved() {
            self.keep_signal(Signal::Approved, now);
        }
        self.keep_token(token);
        Ok(())
    }

    fn is_approved(&self) -> bool {
        self.record.audit.as_ref().is_some_and(|audit| audit.approved)
    }

    /// Takes the reviewer's verdict.
    ///
    /// # Errors
    /// When nobody waits for a verdict, or there is one.
    pub fn review(
        &mut self,
        approved: bool,
        note: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        if self.record.audit.is_some() {
            return Err(Refusal::ReviewedAlready);
        }
        if self.record.status != Status::AwaitingAudit {
            let to = if approved { Status::AwaitingPayment } else { Status::Compensating };
            return Err(IllegalTransition { from: self.record.status, to }.into());
        }
        if approved {
            self.keep_signal(Signal::Approved, now);
        } else {
            self.turn_back(Reason::AuditRejected, now)?;
            self.keep_signal(Signal::Rejected, now);
        }
        self.record.audit =
            Some(Audit { approved, note, at: now, by: None, unknown: super::Unknown::default() });
        Ok(())
    }

    /// Lets the customer pay from now on until `deadline`; payment or timeout answer this token. A repeated
    /// call keeps the deadline and changes the token only. An order that waits for a review, or for nothing,
    /// stays as it is, and so does one that was paid before, whose workflow begins anew. A window that ended
    /// before the task came to wait is closed.
    ///
    /// # Errors
    /// When the order is past that.
    pub fn open_window(
        &mut self,
        token: Token,
        deadline: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Awaits, Refusal> {
        self.check_not_undone()?;
        if self.record.needs_audit && !self.is_approved() {
            return Ok(Awaits::Review);
        }
        if matches!(self.record.status, Status::Paid | Status::Shipping) {
            return Ok(Awaits::Nothing);
        }
        if self.record.payment.prepaid {
            self.record.status.check(Status::PaymentReceived)?;
            return Ok(Awaits::Nothing);
        }
        match self.record.status {
            // The customer paid between the first attempt and this one: the new token must be told.
            Status::PaymentReceived => self.keep_signal(Signal::Paid, now),
            // The provider said so while the order needed attention.
            Status::AwaitingPayment if self.record.payment.state == PaymentState::Authorised => {
                self.pay_at_provider(None, now)?;
            }
            // Where the customer pays at a provider, that one is asked first, when the window closes.
            Status::AwaitingPayment
                if self.deadline().is_some_and(|deadline| deadline <= now)
                    && self.record.payment.provider_id.is_none() =>
            {
                self.expire(now)?;
            }
            Status::AwaitingPayment => {}
            before => {
                let told = self.record.timeline.len();
                self.change_status(Status::AwaitingPayment, now)?;
                match before {
                    // The step that waited for the review may still be running.
                    Status::AwaitingAudit => self.take_over_announcements(),
                    _ => self.announce_after(told),
                }
                self.stop_waiting();
                self.record.payment.deadline = Some(deadline);
            }
        }
        self.keep_token(token);
        Ok(Awaits::Payment)
    }

    /// Notes that the customer pays by this method.
    ///
    /// # Errors
    /// When nobody waits for the payment, or no longer.
    pub fn pay(&mut self, method: &str, now: DateTime<Utc>) -> Result<(), Refusal> {
        if self.record.status != Status::AwaitingPayment {
            return Err(IllegalTransition { from: self.record.status, to: Status::PaymentReceived }.into());
        }
        if let Some(deadline) = self.deadline()
            && now >= deadline
        {
            return Err(Refusal::TooLate(deadline));
        }
        self.change_status(Status::PaymentReceived, now)?;
        self.record.payment.method = Some(method.to_owned());
        self.record.payment.state = PaymentState::Authorised;
        self.keep_signal(Signal::Paid, now);
        Ok(())
    }

    /// Notes that the money was taken, and lets the warehouses begin: one write for both, since nothing comes
    /// between.
    ///
    /// # Errors
    /// When the order was undone meanwhile.
    pub fn capture(&mut self, now: DateTime<Utc>) -> Result<(), Refusal> {
        let (before, told) = (self.record.status, self.record.timeline.len());
        if before != Status::PaymentReceived {
            self.change_status(Status::PaymentReceived, now)?;
        }
        self.change_status(Status::Paid, now)?;
        self.change_status(Status::Shipping, now)?;
        match before {
            Status::Reserved => self.announce_after(told),
            // The step that waited may still be running.
            _ => self.take_over_announcements(),
        }
        self.stop_waiting();
        self.record.payment.state = PaymentState::Captured;
        Ok(())
    }

    /// Notes that all shipments are on their way, so that the stock is sold.
    ///
    /// # Errors
    /// When a shipment is not on its way, or the order was undone meanwhile.
    pub fn complete(&mut self, now: DateTime<Utc>) -> Result<(), Refusal> {
        self.check_not_undone()?;
        if let Some(shipment) = self.held_shipments().find(|shipment| !shipment.state.is_out()) {
            return Err(Refusal::NotShipped(shipment.warehouse.clone()));
        }
        let told = self.record.timeline.len();
        self.change_status(Status::Completed, now)?;
        self.announce_after(told);
        self.stop_waiting();
        self.record.reservation = Reservation::Sold;
        Ok(())
    }

    /// Completes the order with the write by which the last of its shipments is on its way, and tells whether
    /// it was the last. Tasks of other shipments that have still to be told stay so; `answered` is the token
    /// that the caller answers by itself.
    ///
    /// # Errors
    /// As [`Order::complete`].
    pub fn complete_with_last_shipment(
        &mut self,
        answered: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<bool, Refusal> {
        if !self.is_all_shipped() {
            return Ok(false);
        }
        let before = self.record.shipments.clone();
        self.complete(now)?;
        for (shipment, before) in self.record.shipments.iter_mut().zip(before) {
            let is_other = before.task.as_ref().is_some_and(|task| Some(task.token.as_str()) != answered);
            if is_other && before.pending.is_some() {
                (shipment.task, shipment.pending) = (before.task, before.pending);
            }
        }
        if self.pending_shipments().next().is_some() {
            // The task that hears of it by somebody else may end the workflow before the caller has announced
            // this, and no step comes after that one.
            self.leave_announcements(now);
            self.keep_shipments_signal(now);
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::*;
    use crate::order::samples::{awaiting_payment, now, received, reserved, token};

    #[test]
    fn a_late_payment_is_refused() {
        let mut order = awaiting_payment();
        let late = now() + Duration::seconds(30);
        assert!(matches!(order.pay("pm_card", late), Err(Refusal::TooLate(_))));
        assert!(matches!(order.expire(now()), Err(Refusal::TooEarly(_))));
        order.expire(late).unwrap();
        assert_eq!((order.status(), order.pending_signal()), (Status::Compensating, Some(Signal::TimedOut)));
        assert!(order.pay("pm_card", now()).is_err());
    }

    #[test]
    fn a_window_that_is_opened_again_keeps_its_deadline_and_a_payment_made_meanwhile() {
        let mut order = awaiting_payment();
        order.open_window(token("t2", 1), now() + Duration::seconds(99), now()).unwrap();
        assert_eq!(order.deadline(), Some(now() + Duration::seconds(30)));
        order.pay("pm_card", now()).unwrap();
        order.open_window(token("t3", 2), now(), now()).unwrap();
        assert_eq!((order.status(), order.pending_signal()), (Status::PaymentReceived, Some(Signal::Paid)));
        assert_eq!(order.task_token(), Some("t3"));
    }

    #[test]
    fn a_window_that_has_ended_is_closed_when_it_is_opened_again_unless_the_provider_must_be_asked() {
        let late = now() + Duration::seconds(30);
        let mut order = awaiting_payment();
        order.note_payment("pi_1").unwrap();
        order.open_window(token("t2", 1), late, late).unwrap();
        assert_eq!((order.status(), order.task_token()), (Status::AwaitingPayment, Some("t2")));
        let mut order = awaiting_payment();
        order.open_window(token("t2", 1), late, late).unwrap();
        assert_eq!(order.status(), Status::Compensating);
    }

    #[test]
    fn an_order_that_must_be_reviewed_is_not_payable_before() {
        for method in [None, Some("pm_card")] {
            let mut order = reserved(method, true);
            assert_eq!(order.open_window(token("t1", 0), now(), now()), Ok(Awaits::Review));
            assert_eq!(order.status(), Status::Reserved);
            order.request_audit(token("t2", 0), now()).unwrap();
            assert_eq!(order.open_window(token("t1", 0), now(), now()), Ok(Awaits::Review));
            assert_eq!(order.task_token(), Some("t2"));
            order.review(true, None, now()).unwrap();
            let awaits = if method.is_some() { Awaits::Nothing } else { Awaits::Payment };
            assert_eq!(order.open_window(token("t3", 0), now(), now()), Ok(awaits));
        }
        let mut cancelled = reserved(None, true);
        cancelled.cancel(now()).unwrap();
        assert!(matches!(cancelled.open_window(token("t1", 0), now(), now()), Err(Refusal::Undone(_))));
    }

    #[test]
    fn an_order_that_brought_its_payment_has_no_window() {
        let before = reserved(Some("pm_card"), false);
        let mut order = before.clone();
        assert_eq!(order.open_window(token("t1", 0), now(), now()), Ok(Awaits::Nothing));
        assert_eq!(order, before);
        order.capture(now()).unwrap();
        assert_eq!(order.open_window(token("t1", 0), now(), now()), Ok(Awaits::Nothing), "it is paid");
        order.complete(now()).unwrap();
        assert!(order.open_window(token("t1", 0), now(), now()).is_err(), "it is past that");
    }

    #[test]
    fn a_verdict_is_given_once() {
        let mut order = received(None, true);
        order.reserve(Vec::new(), now()).unwrap();
        assert!(order.review(true, None, now()).is_err());
        order.request_audit(token("t", 0), now()).unwrap();
        order.review(true, None, now()).unwrap();
        assert_eq!(order.review(false, None, now()), Err(Refusal::ReviewedAlready));
    }
}
