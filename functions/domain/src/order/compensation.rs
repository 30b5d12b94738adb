//! The decisions that turn an order back, and the compensations that undo what was done for it.

use chrono::{DateTime, Utc};

use crate::allocation::Missing;
use crate::order::{Actor, Order, PaymentState, Refusal, Reservation, Shipment, ShipmentState, Signal};
use crate::status::{IllegalTransition, Reason, Status};

impl Order {
    /// Turns the order back because nobody paid before the deadline.
    ///
    /// # Errors
    /// When somebody did, or the deadline is still to come.
    pub fn expire(&mut self, now: DateTime<Utc>) -> Result<(), Refusal> {
        if self.record.status != Status::AwaitingPayment {
            return Err(IllegalTransition { from: self.record.status, to: Status::Compensating }.into());
        }
        if let Some(deadline) = self.deadline()
            && now < deadline
        {
            return Err(Refusal::TooEarly(deadline));
        }
        self.turn_back(Reason::PaymentTimeout, now)?;
        self.sign(Actor::SYSTEM, None);
        self.keep_signal(Signal::TimedOut, now);
        Ok(())
    }

    /// As [`Order::expire`], by the execution of the order's payment window, which is started once the step that waits for
    /// the payment has published its part or has left it to others.
    ///
    /// # Errors
    /// As those of [`Order::expire`].
    pub fn close_window(&mut self, now: DateTime<Utc>) -> Result<(), Refusal> {
        self.expire(now)?;
        self.note_window_started();
        Ok(())
    }

    /// Turns the order back because the customer cancels it.
    ///
    /// # Errors
    /// When it is too late for that, or the order is being undone already.
    pub fn cancel(&mut self, now: DateTime<Utc>) -> Result<(), Refusal> {
        if self.record.status == Status::Compensating {
            return Err(Refusal::Undone(self.record.status));
        }
        let delivered = |shipment: &&Shipment| shipment.state == ShipmentState::Delivered;
        if let Some(shipment) = self.record.shipments.iter().find(delivered) {
            return Err(Refusal::Delivered(shipment.warehouse.clone()));
        }
        let waits = self.record.status.awaits_person() || self.awaits_warehouse();
        self.turn_back(Reason::Customer, now)?;
        if waits {
            self.keep_signal(Signal::Cancelled, now);
        }
        // A step that is running finds out by itself, since its own write fails. A workflow that was never
        // started still has to be, and will: the signal to start it stays.
        Ok(())
    }

    /// Turns the order back because there is too little of these products.
    ///
    /// # Errors
    /// When the stock was set aside, or the order is being undone already.
    pub fn run_out_of_stock(&mut self, missing: Vec<Missing>, now: DateTime<Utc>) -> Result<(), Refusal> {
        if self.record.status != Status::Received {
            return Err(IllegalTransition { from: self.record.status, to: Status::Compensating }.into());
        }
        self.begin_compensation(Reason::OutOfStock, None, now)?;
        self.record.missing = missing;
        Ok(())
    }

    /// Begins to undo what was done, for this reason and with this failure as people read it. An order that
    /// is being undone already keeps its reason: what was decided first counts.
    ///
    /// # Errors
    /// When the order is completed or closed.
    pub fn begin_compensation(
        &mut self,
        reason: Reason,
        failure: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        if self.record.status != Status::Compensating {
            self.turn_back(reason, now)?;
            self.record.failure = failure;
        }
        // The step that failed may have failed before it announced its part.
        self.take_over_announcements();
        self.stop_waiting();
        Ok(())
    }

    /// Notes that no shipment is on its way any more, and none will be.
    ///
    /// # Errors
    /// When the order is not being undone.
    pub fn cancel_shipments(&mut self) -> Result<(), Refusal> {
        self.check_compensating()?;
        self.note_cancelled(|_| true);
        Ok(())
    }

    /// Notes that the money was given back, or, unless `money_moved`, that it was never taken.
    ///
    /// # Errors
    /// When the order is not being undone.
    pub fn refund(&mut self, money_moved: bool) -> Result<(), Refusal> {
        self.check_compensating()?;
        self.record.payment.state = if money_moved { PaymentState::Refunded } else { PaymentState::Void };
        Ok(())
    }

    /// Notes that the stock is given back. The answer is `false` for an order that has none to give back.
    ///
    /// # Errors
    /// When the order holds stock and is not being undone.
    pub fn release_stock(&mut self) -> Result<bool, Refusal> {
        if self.record.reservation != Reservation::Held {
            return Ok(false);
        }
        self.check_compensating()?;
        self.record.reservation = Reservation::Released;
        self.note_cancelled(ShipmentState::is_open);
        Ok(true)
    }

    /// Closes the order: all is undone.
    ///
    /// # Errors
    /// When the order is not being undone.
    pub fn close(&mut self, now: DateTime<Utc>) -> Result<(), Refusal> {
        let status = match self.record.reason {
            Some(Reason::OutOfStock) => Status::Rejected,
            _ => Status::Cancelled,
        };
        self.change_status(status, now)?;
        self.stop_waiting();
        if matches!(self.record.payment.state, PaymentState::Pending | PaymentState::Authorised) {
            self.record.payment.state = PaymentState::Void;
        }
        Ok(())
    }

    /// Begins the compensation for this reason. What the workflow must be told stays as it is.
    pub(super) fn turn_back(&mut self, reason: Reason, now: DateTime<Utc>) -> Result<(), Refusal> {
        self.change_status(Status::Compensating, now)?;
        self.record.reason = Some(reason);
        Ok(())
    }

    fn check_compensating(&self) -> Result<(), Refusal> {
        match self.record.status {
            Status::Compensating => Ok(()),
            other => Err(Refusal::NotCompensating(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allocation::{Line, Share};
    use crate::order::samples::{awaiting_payment, now, received, token};
    use crate::order::{Failed, Report, WarehouseEvent};

    /// An order with one shipment, which holds its stock.
    fn holding_stock() -> Order {
        let mut order = received(Some("pm_card"), false);
        let items = vec![Line { product_id: "p".to_owned(), quantity: 1 }];
        order.reserve(vec![Share { warehouse: "wh-east".to_owned(), items }], now()).unwrap();
        order
    }

    #[test]
    fn a_cancelled_order_turns_every_step_away() {
        let mut order = awaiting_payment();
        order.cancel(now()).unwrap();
        assert!(matches!(order.capture(now()), Err(Refusal::Undone(_))));
        assert!(matches!(order.ship("wh-east", "t", now()), Err(Refusal::Undone(_))));
        assert!(matches!(order.complete(now()), Err(Refusal::Undone(_))));
        assert!(order.cancel(now()).is_err());
        order.begin_compensation(Reason::PaymentFailed, None, now()).unwrap();
        assert_eq!(order.reason(), Some(Reason::Customer));
        order.close(now()).unwrap();
        assert_eq!(order.status(), Status::Cancelled);
    }

    #[test]
    fn nothing_is_undone_of_an_order_that_goes_forward_or_was_left_to_a_person() {
        let forward = holding_stock();
        let mut left = holding_stock();
        left.begin_compensation(Reason::ShipmentFailed, None, now()).unwrap();
        left.need_attention(Failed::default(), now()).unwrap();
        for before in [forward, left] {
            let mut order = before.clone();
            let refused = Refusal::NotCompensating(before.status());
            assert_eq!(order.cancel_shipments(), Err(refused.clone()));
            assert_eq!(order.refund(true), Err(refused.clone()));
            assert_eq!(order.release_stock(), Err(refused));
            assert_eq!(order, before);
        }
    }

    #[test]
    fn what_was_delivered_can_not_be_cancelled_and_what_waits_for_a_warehouse_is_told() {
        let mut order = holding_stock();
        order.capture(now()).unwrap();
        order.dispatch("wh-east", Some(token("s1", 0)), now()).unwrap();
        let mut delivered = order.clone();
        order.cancel(now()).unwrap();
        assert_eq!(order.pending_signal(), Some(Signal::Cancelled));
        assert_eq!(order.waiting_tokens().collect::<Vec<_>>(), ["s1"]);
        let report = Report { event: WarehouseEvent::Delivered, parcel: "t".into(), reason: None };
        assert_eq!(order.hear("wh-east", &report, now()), Err(Refusal::CalledBack("wh-east".to_owned())));
        delivered.hear("wh-east", &report, now()).unwrap();
        assert_eq!(delivered.cancel(now()), Err(Refusal::Delivered("wh-east".to_owned())));
    }

    #[test]
    fn stock_is_given_back_once() {
        let mut order = holding_stock();
        order.begin_compensation(Reason::PaymentFailed, None, now()).unwrap();
        assert_eq!((order.release_stock(), order.reservation()), (Ok(true), Reservation::Released));
        assert_eq!(order.shipments()[0].state, ShipmentState::Cancelled);
        assert_eq!(order.release_stock(), Ok(false));
        order.close(now()).unwrap();
        assert_eq!(
            order.release_stock(),
            Ok(false),
            "a repeat of a step finds it done, also when all is closed"
        );
    }
}
