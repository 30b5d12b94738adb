//! The decisions about an order's shipments.
//!
//! ```text
//!   PENDING ── dispatch ──► DISPATCHED ── hear, ship ──► SHIPPED ── hear ──► DELIVERED
//!      │                        └── hear, reject ──► REJECTED ── reallocate ──► a shipment from elsewhere
//!      └── all of these also from here          cancel_shipments, unless another ships instead ──► CANCELLED
//! ```
//!
//! Warehouses answer in the call, or later by a message of their own, which may come twice, late or out of
//! order. So what they say is taken for what it is worth in the state that the shipment has: it changes the
//! shipment, or nothing, or is refused because the goods must not leave.

use chrono::{DateTime, Utc};

use crate::order::{
    Order, Parcel, Refusal, Report, Shipment, ShipmentSignal, ShipmentState, Signal, Token, WarehouseEvent,
};
use crate::status::{IllegalTransition, Status};

impl Order {
    /// The shipment from this warehouse.
    pub fn shipment(&self, warehouse: &str) -> Option<&Shipment> {
        self.record.shipments.iter().find(|shipment| shipment.warehouse == warehouse)
    }

    /// The shipment that the workflow's task for this warehouse is about: the one from there, or the latest
    /// that took its place.
    pub fn shipment_for(&self, warehouse: &str) -> Option<&Shipment> {
        let mut found = self.shipment(warehouse)?;
        // Each stands behind the one whose place it takes.
        for later in &self.record.shipments {
            if later.instead_of.as_deref() == Some(&found.warehouse) {
                found = later;
            }
        }
        Some(found)
    }

    /// The shipments whose goods are the order's: all but those in whose place another warehouse ships.
    pub fn held_shipments(&self) -> impl Iterator<Item = &Shipment> {
        self.record.shipments.iter().filter(|shipment| !self.is_replaced(&shipment.warehouse))
    }

    /// The warehouses that the stock was first set aside in, for each of which the workflow has a task.
    pub fn first_warehouses(&self) -> impl Iterator<Item = &str> {
        let first = self.record.shipments.iter().filter(|shipment| shipment.instead_of.is_none());
        first.map(|shipment| shipment.warehouse.as_str())
    }

    /// Whether all goods of the order are on their way, so that it has only to be completed.
    pub fn is_all_shipped(&self) -> bool {
        self.record.status == Status::Shipping
            && self.held_shipments().all(|shipment| shipment.state.is_out())
    }

    fn is_replaced(&self, warehouse: &str) -> bool {
        self.record.shipments.iter().any(|shipment| shipment.instead_of.as_deref() == Some(warehouse))
    }

    /// Whether a task of the workflow waits for a warehouse.
    pub fn awaits_warehouse(&self) -> bool {
        self.record.shipments.iter().any(|shipment| shipment.task.is_some())
    }

    /// Notes that the warehouse is asked, and which task waits for its answer. A shipment that the warehouse
    /// has said something final about stays as it is.
    ///
    /// # Errors
    /// When the order was undone meanwhile, or its shipments are not due.
    pub fn dispatch(
        &mut self,
        warehouse: &str,
        task: Option<Token>,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        if !self.has_shipments_to_come()? {
            return Ok(());
        }
        let shipment = self.shipment_mut(warehouse)?;
        if shipment.state == ShipmentState::Pending {
            shipment.state = ShipmentState::Dispatched;
            shipment.dispatched_at = Some(now);
        }
        if let (ShipmentState::Dispatched, Some(task)) = (shipment.state, task) {
            shipment.keep_task(task);
        }
        Ok(())
    }

    /// Notes that the shipment from this warehouse is on its way, as the warehouse answered when it was asked.
    /// A shipment that is not open stays as it is.
    ///
    /// # Errors
    /// When the order was undone meanwhile, or its shipments are not due.
    pub fn ship(
        &mut self,
        warehouse: &str,
        parcel: impl Into<Parcel>,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        if !self.has_shipments_to_come()? {
            return Ok(());
        }
        let shipment = self.shipment_mut(warehouse)?;
        if shipment.state.is_open() {
            shipment.state = ShipmentState::Shipped;
            shipment.note_parcel(&parcel.into());
            shipment.tell(ShipmentSignal::Shipped);
            self.keep_shipments_signal(now);
        }
        Ok(())
    }

    /// Notes that the warehouse does not ship, as it answered when it was asked, or because it is overdue. A
    /// shipment that is not open stays as it is.
    ///
    /// # Errors
    /// When the order was undone meanwhile, or its shipments are not due.
    pub fn reject(
        &mut self,
        warehouse: &str,
        reason: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        if !self.has_shipments_to_come()? {
            return Ok(());
        }
        let shipment = self.shipment_mut(warehouse)?;
        if shipment.state.is_open() {
            shipment.state = ShipmentState::Rejected;
            shipment.note_said(WarehouseEvent::Rejected, reason, now);
            shipment.tell(ShipmentSignal::Rejected);
            self.keep_shipments_signal(now);
        }
        Ok(())
    }

    /// Has another warehouse ship the goods that this one rejected. It must have no shipment of the order yet:
    /// a warehouse knows a shipment by the order alone.
    ///
    /// # Errors
    /// When the order was undone meanwhile, or either warehouse is not one for this.
    pub fn reallocate(&mut self, from: &str, to: &str) -> Result<(), Refusal> {
        self.check_shipping()?;
        if self.shipment(to).is_some() || self.is_replaced(from) {
            return Err(Refusal::ReallocatedBefore(from.to_owned()));
        }
        let shipment = self.shipment_mut(from)?;
        if shipment.state != ShipmentState::Rejected {
            return Err(Refusal::NotRejected(from.to_owned()));
        }
        shipment.stop_waiting();
        let share = crate::allocation::Share { warehouse: to.to_owned(), items: shipment.items.clone() };
        let instead = Shipment { instead_of: Some(from.to_owned()), ..Shipment::from(share) };
        self.record.shipments.push(instead);
        Ok(())
    }

    /// Takes what the warehouse says by itself. Said twice or too late, it changes nothing.
    ///
    /// # Errors
    /// When the goods must not leave, or have left although the warehouse now says that they won't; and when
    /// the warehouse has nothing to ship for the order, or not yet.
    pub fn hear(&mut self, warehouse: &str, report: &Report, now: DateTime<Utc>) -> Result<(), Refusal> {
        use ShipmentState::{Cancelled, Delivered, Rejected};
        let standing = self.standing();
        let says = report.event;
        let state = self.shipment_mut(warehouse)?.state;
        if says == WarehouseEvent::Rejected && (standing.is_undone() || matches!(state, Rejected | Cancelled))
        {
            return Ok(());
        }
        if standing.is_undone() || state == Cancelled {
            return Err(Refusal::CalledBack(warehouse.to_owned()));
        }
        if !matches!(standing, Status::Shipping | Status::Completed) {
            return Err(IllegalTransition { from: self.record.status, to: Status::Shipping }.into());
        }
        if state == Rejected {
            return Err(Refusal::RejectedBefore(warehouse.to_owned()));
        }
        let shipment = self.shipment_mut(warehouse)?;
        match (says, state.is_open()) {
            (WarehouseEvent::Rejected, false) => return Err(Refusal::OnItsWay(warehouse.to_owned())),
            (WarehouseEvent::Rejected, true) => {
                shipment.state = Rejected;
                shipment.tell(ShipmentSignal::Rejected);
            }
            (WarehouseEvent::Accepted | WarehouseEvent::Delayed, true) => {}
            // It has shipped since.
            (WarehouseEvent::Accepted | WarehouseEvent::Delayed, false) => return Ok(()),
            (WarehouseEvent::Shipped | WarehouseEvent::Delivered, open) => {
                shipment.note_parcel(&report.parcel);
                if open {
                    shipment.state = ShipmentState::Shipped;
                    shipment.tell(ShipmentSignal::Shipped);
                }
                if says == WarehouseEvent::Delivered {
                    shipment.state = Delivered;
                }
            }
        }
        shipment.note_said(says, report.reason.as_deref(), now);
        self.keep_shipments_signal(now);
        Ok(())
    }

    /// Notes that a shipment which was to be called back had left before, as the warehouse says. It may have left
    /// without the order's knowing that the warehouse was asked at all: the answer was lost.
    pub fn note_gone(&mut self, warehouse: &str) {
        let open = |shipment: &&mut Shipment| shipment.warehouse == warehouse && shipment.state.is_open();
        if let Some(shipment) = self.record.shipments.iter_mut().find(open) {
            shipment.state = ShipmentState::Shipped;
        }
    }

    /// The shipments that may still leave: nobody has said that they have, or that they won't.
    pub fn open_shipments(&self) -> impl Iterator<Item = &Shipment> {
        self.held_shipments().filter(|shipment| shipment.state.is_open())
    }

    /// Notes that no goods are sent, or any more, of the shipments in these states. One in whose place another
    /// warehouse ships says why it does.
    pub(super) fn note_cancelled(&mut self, which: impl Fn(ShipmentState) -> bool) {
        let held: Vec<_> = self.held_shipments().map(|shipment| shipment.warehouse.clone()).collect();
        for shipment in &mut self.record.shipments {
            if held.contains(&shipment.warehouse) && which(shipment.state) {
                shipment.state = ShipmentState::Cancelled;
            }
        }
    }

    /// The tokens of all tasks that wait, of the order and of its shipments.
    pub fn waiting_tokens(&self) -> impl Iterator<Item = &str> {
        let tasks = self.record.shipments.iter().filter_map(|shipment| shipment.task.as_ref());
        self.record.task_token.as_deref().into_iter().chain(tasks.map(|task| task.token.as_str()))
    }

    /// What has still to be told to tasks that wait for warehouses.
    pub fn pending_shipments(&self) -> impl Iterator<Item = (&str, ShipmentSignal)> {
        let pending = |shipment: &'_ Shipment| shipment.pending;
        self.record
            .shipments
            .iter()
            .filter_map(move |shipment| Some((shipment.task.as_ref()?.token.as_str(), pending(shipment)?)))
    }

    /// Stores that shipments have something to be told, unless the order has a signal of its own. Whoever
    /// clears that one finds these; see [`Order::settle`].
    pub(super) fn keep_shipments_signal(&mut self, now: DateTime<Utc>) {
        let is_free =
            matches!(self.record.pending_signal, None | Some(Signal::Announce | Signal::ReturnsOpen));
        if is_free && self.pending_shipments().next().is_some() {
            self.keep_signal(Signal::Shipments, now);
        }
    }

    /// Clears what the shipments of `read`, which is this order as it was read before, had to be told.
    pub(super) fn settle_shipments(&mut self, read: &Self) {
        for shipment in &mut self.record.shipments {
            let before = read.shipment(&shipment.warehouse);
            if shipment.pending.is_some()
                && before.is_some_and(|it| (&it.task, it.pending) == (&shipment.task, shipment.pending))
            {
                shipment.stop_waiting();
            }
        }
    }

    /// Whether a shipment may still be open. None of a completed order is: a warehouse that answers twice, in
    /// the call and by a message, may find that another one has completed the order between the two.
    fn has_shipments_to_come(&self) -> Result<bool, Refusal> {
        if self.record.status == Status::Completed {
            return Ok(false);
        }
        self.check_shipping().map(|()| true)
    }

    fn check_shipping(&self) -> Result<(), Refusal> {
        self.check_not_undone()?;
        match self.record.status {
            Status::Shipping => Ok(()),
            other => Err(IllegalTransition { from: other, to: Status::Shipping }.into()),
        }
    }

    fn shipment_mut(&mut self, warehouse: &str) -> Result<&mut Shipment, Refusal> {
        let mut shipments = self.record.shipments.iter_mut();
        let found = shipments.find(|shipment| shipment.warehouse == warehouse);
        found.ok_or_else(|| Refusal::NoShipment(warehouse.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allocation::{Line, Share};
    use crate::order::samples::{now, received, token};

    /// An order whose money was taken, with a shipment from each of these warehouses.
    fn shipping(warehouses: &[&str]) -> Order {
        let mut order = received(Some("pm_card"), false);
        let items = vec![Line { product_id: "p".to_owned(), quantity: 2 }];
        let share = |warehouse: &&str| Share { warehouse: (*warehouse).to_owned(), items: items.clone() };
        order.reserve(warehouses.iter().map(share).collect(), now()).unwrap();
        order.capture(now()).unwrap();
        order
    }

    fn says(event: WarehouseEvent) -> Report {
        Report { event, parcel: "t".into(), reason: None }
    }

    fn pending(order: &Order) -> Vec<(&str, ShipmentSignal)> {
        order.pending_shipments().collect()
    }

    #[test]
    fn each_task_is_told_what_its_own_warehouse_said_and_the_others_wait() {
        let mut order = shipping(&["east", "west"]);
        for (warehouse, name) in [("east", "t1"), ("west", "t2")] {
            order.dispatch(warehouse, Some(token(name, 0)), now()).unwrap();
        }
        order.hear("east", &says(WarehouseEvent::Shipped), now()).unwrap();
        assert_eq!(pending(&order), [("t1", ShipmentSignal::Shipped)]);
        let read = order.clone();
        order.hear("west", &says(WarehouseEvent::Rejected), now()).unwrap();
        order.settle(&read, now());
        assert_eq!(pending(&order), [("t2", ShipmentSignal::Rejected)], "what was said since stays");
        assert_eq!(order.pending_signal(), Some(Signal::Shipments));
        let read = order.clone();
        order.settle(&read, now());
        assert_eq!((pending(&order), order.pending_signal()), (Vec::new(), None));
    }

    #[test]
    fn an_attempt_that_was_given_up_does_not_take_the_place_of_a_later_one() {
        let mut order = shipping(&["east"]);
        order.dispatch("east", Some(token("t2", 1)), now()).unwrap();
        order.dispatch("east", Some(token("t1", 0)), now()).unwrap();
        order.ship("east", "t", now()).unwrap();
        assert_eq!(pending(&order), [("t2", ShipmentSignal::Shipped)]);
    }

    #[test]
    fn what_has_left_is_noted_whether_the_order_knew_that_the_warehouse_was_asked_or_not() {
        let mut order = shipping(&["east", "west", "north"]);
        order.dispatch("west", None, now()).unwrap();
        order.reject("north", None, now()).unwrap();
        for warehouse in ["east", "west", "north", "south"] {
            order.note_gone(warehouse);
        }
        assert_eq!(order.open().shipments_out, ["east", "west"], "one that rejected has sent nothing");
        assert_eq!(order.open_shipments().count(), 0);
    }

    #[test]
    fn what_is_given_to_another_warehouse_is_given_once_and_to_one_that_has_nothing_of_the_order() {
        let mut order = shipping(&["east", "west"]);
        assert_eq!(order.reallocate("east", "north"), Err(Refusal::NotRejected("east".to_owned())));
        order.reject("east", Some("empty"), now()).unwrap();
        let again = Err(Refusal::ReallocatedBefore("east".to_owned()));
        assert_eq!(order.reallocate("east", "west"), again.clone());
        order.reallocate("east", "north").unwrap();
        assert_eq!(order.reallocate("east", "south"), again);
        order.reject("north", None, now()).unwrap();
        order.reallocate("north", "south").unwrap();
        assert_eq!(order.shipment_for("east").unwrap().warehouse, "south");
        let held: Vec<_> = order.held_shipments().map(|it| it.warehouse.as_str()).collect();
        assert_eq!(held, ["west", "south"]);
        assert_eq!(order.first_warehouses().collect::<Vec<_>>(), ["east", "west"]);
        for warehouse in ["west", "south"] {
            order.ship(warehouse, "t", now()).unwrap();
        }
        order.complete(now()).unwrap();
    }

    #[test]
    fn what_is_said_while_nobody_waits_is_found_by_the_step_that_comes() {
        let mut order = shipping(&["east"]);
        order.hear("east", &says(WarehouseEvent::Delivered), now()).unwrap();
        assert_eq!((order.shipments()[0].state, order.pending_signal()), (ShipmentState::Delivered, None));
        order.dispatch("east", Some(token("t", 0)), now()).unwrap();
        assert_eq!(order.shipments()[0].task, None, "it has nothing to wait for");
        order.complete(now()).unwrap();
    }

    #[test]
    fn a_history_keeps_the_latest_and_forgetting_a_customer_forgets_where_the_goods_went() {
        let mut order = shipping(&["east"]);
        for hour in 0..30 {
            let reason = Some(format!("hour {hour}"));
            let report = Report { reason, ..says(WarehouseEvent::Delayed) };
            order.hear("east", &report, now()).unwrap();
            order.hear("east", &report, now()).unwrap();
        }
        let history = &order.shipments()[0].history;
        assert_eq!((history.len(), history[19].reason.as_deref()), (20, Some("hour 29")));
        assert_eq!(order.erase_customer(), Err(Refusal::StillOpen(Status::Shipping)));
        order.ship("east", "t", now()).unwrap();
        order.complete(now()).unwrap();
        let mut closed = order.clone();
        closed.erase_customer().unwrap();
        assert_eq!(closed.address(), None);
        let (before, after) = (&order.shipments()[0], &closed.shipments()[0]);
        assert_eq!((&after.tracking, &after.tracking_url), (&None, &None));
        assert!(after.history.iter().all(|said| said.reason.is_none()), "a reason may name a person");
        assert_eq!((&before.items, before.state), (&after.items, after.state));
    }
}
