//! Who decided about an order, and what is left of a customer who is forgotten.

use crate::order::returns::Return;
use crate::order::{Actor, Order, Refusal, Role, Shipment};

impl Order {
    /// Notes who gave the verdict of the review.
    pub fn sign_review(&mut self, by: Actor) {
        if let Some(audit) = &mut self.record.audit {
            audit.by = Some(by);
        }
    }

    /// Checks that an order is not approved by the person whose it is: the customer, whoever writes to them
    /// under the same address, and whoever made the order with a token of their own. Identities of IAM stand for
    /// programs as often as for people, so that one of them may both make and approve orders.
    ///
    /// # Errors
    /// [`Refusal::OwnOrder`].
    pub fn check_reviewer(&self, by: &Actor) -> Result<(), Refusal> {
        let is_them = |id: Option<&str>| id.is_some() && id == by.id.as_deref();
        let is_program = by.id.as_deref().is_some_and(|id| id.starts_with("arn:"));
        let maker = self.record.timeline.first().and_then(|change| change.by.as_ref());
        let has_made = maker.is_some_and(|maker| !is_program && is_them(maker.id.as_deref()));
        let same_address = match (&self.record.email, &by.email) {
            (Some(order), Some(theirs)) => order.as_str().eq_ignore_ascii_case(theirs),
            _ => false,
        };
        if is_them(self.customer_id()) || has_made || same_address { Err(Refusal::OwnOrder) } else { Ok(()) }
    }

    /// Whether the order still has to be paid: it holds stock, or will, for somebody who owes the money.
    pub fn is_unpaid(&self) -> bool {
        use crate::status::Status;
        matches!(
            self.standing(),
            Status::Received | Status::Reserved | Status::AwaitingAudit | Status::AwaitingPayment
        )
    }

    /// The number of all pieces that are ordered.
    pub fn pieces(&self) -> u64 {
        self.record.items.iter().map(|item| u64::from(item.quantity)).sum()
    }

    /// Forgets the customer: their id, their addresses, who they are where they decided, what leads to their parcels, and
    /// all that people wrote about the order. What was sold, for how much, and when, stays for the books. An order that has forgotten
    /// its customer stays as it is.
    ///
    /// # Errors
    /// When the order is open: its customer still has to be written to.
    pub fn erase_customer(&mut self) -> Result<(), Refusal> {
        if !self.record.status.is_final() {
            return Err(Refusal::StillOpen(self.record.status));
        }
        if self.has_open_returns() {
            return Err(Refusal::ReturnOpen);
        }
        self.record.returns.iter_mut().for_each(Return::forget_customer);
        self.record.customer_id = None;
        self.record.email = None;
        self.record.address = None;
        self.record.shipments.iter_mut().for_each(Shipment::forget_customer);
        for change in &mut self.record.timeline {
            change.note = None;
            if let Some(by) = change.by.as_mut().filter(|by| by.role == Role::Customer) {
                *by = Actor::nameless(Role::Customer);
            }
        }
        if let Some(audit) = &mut self.record.audit {
            audit.note = None;
        }
        if let Some(attention) = &mut self.record.attention {
            if let Some(by) = attention.retried.as_mut().filter(|by| by.role == Role::Customer) {
                *by = Actor::nameless(Role::Customer);
            }
            if let Some(resolution) = &mut attention.resolution {
                resolution.note.clear();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::samples::{now, reserved, token};
    use crate::status::Reason;

    fn bought_by(maker: Actor) -> Order {
        let mut order = reserved(None, true);
        let mut record = order.record().clone();
        record.customer_id = Some("ann".to_owned());
        record.email = "ann@example.com".parse().ok();
        record.timeline[0].by = Some(maker);
        order = Order::restore(record);
        order.request_audit(token("t", 0), now()).unwrap();
        order
    }

    #[test]
    fn nobody_approves_an_order_of_their_own() {
        let order = bought_by(Actor::named(Role::Customer, "ann"));
        let operator = |id: &str, email: Option<&str>| Actor {
            email: email.map(str::to_owned),
            ..Actor::named(Role::Operator, id)
        };
        assert_eq!(order.check_reviewer(&operator("ann", None)), Err(Refusal::OwnOrder));
        assert_eq!(order.check_reviewer(&operator("x", Some("Ann@Example.com"))), Err(Refusal::OwnOrder));
        assert_eq!(order.check_reviewer(&operator("bob", Some("bob@example.com"))), Ok(()));
        assert_eq!(order.check_reviewer(&Actor::nameless(Role::Operator)), Ok(()));
        let made = bought_by(Actor::named(Role::Operator, "bob"));
        assert_eq!(made.check_reviewer(&operator("bob", None)), Err(Refusal::OwnOrder));
        let program = "arn:aws:iam::000000000000:role/shop";
        let made = bought_by(Actor::named(Role::Operator, program));
        assert_eq!(made.check_reviewer(&operator(program, None)), Ok(()));
    }

    #[test]
    fn a_closed_order_forgets_its_customer_and_keeps_the_books() {
        let mut order = bought_by(Actor::named(Role::Customer, "ann"));
        assert!(matches!(order.erase_customer(), Err(Refusal::StillOpen(_))));
        order.review(false, Some("ann is known to us".to_owned()), now()).unwrap();
        order.sign(Actor::named(Role::Operator, "bob"), Some("rang ann".to_owned()));
        order.begin_compensation(Reason::AuditRejected, None, now()).unwrap();
        order.close(now()).unwrap();
        let before = order.clone();
        order.erase_customer().unwrap();
        let left = format!("{:?}", order.record());
        assert!(!left.contains("\"ann"), "{left}");
        assert_eq!(
            (order.amount(), order.items(), order.status()),
            (before.amount(), before.items(), before.status())
        );
        assert!(left.contains("bob"), "who reviewed it stays");
        let again = order.clone();
        order.erase_customer().unwrap();
        assert_eq!(order, again);
    }
}
