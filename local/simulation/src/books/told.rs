//! What others were told: events, and messages to customers.

use omniflow_domain::Status;

use super::Books;
use crate::invariant::Invariant;

/// The messages to a customer about one event.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mails {
    /// How many SES took.
    sent: u32,
    /// Whether something happened after which nobody can know that a message is out.
    may_come_twice: bool,
}

/// The order and the status that an event is about, by its id.
fn about(event_id: &str) -> Option<(&str, Status)> {
    let (order, status) = event_id.split_once(':')?;
    Some((order, Status::parse(status.split(':').next()?)?))
}

impl Books {
    /// Notes that an event about an order was taken by the bus. One that is repeated is known by its id.
    pub fn published(&mut self, order: &str, event_id: &str) {
        if let Some(entry) = self.orders.get_mut(order)
            && !entry.published.iter().any(|known| known == event_id)
        {
            entry.published.push(event_id.to_owned());
        }
    }

    /// Notes that the function that tells customers has done its part about an event. Customers with an address are
    /// told by what SES takes.
    pub fn handled(&mut self, event_id: &str) {
        if let Some((order, status)) = about(event_id)
            && let Some(entry) = self.orders.get_mut(order)
            && entry.order.email().is_none()
        {
            entry.told.insert(status);
        }
    }

    /// Notes that SES took a message about an event.
    pub fn mailed(&mut self, event_id: &str) {
        let Some((order, status)) = about(event_id) else { return };
        let Some(entry) = self.orders.get_mut(order) else { return };
        entry.told.insert(status);
        let mails = entry.mails.entry(event_id.to_owned()).or_default();
        mails.sent += 1;
        if mails.sent > 1 && !mails.may_come_twice {
            let found = format!("its customer was told of {status} {} times", mails.sent);
            let order = order.to_owned();
            self.violated(Invariant::MessageOnce, Some(&order), found);
        }
    }

    /// Notes that nobody can know whether a message about an event is out.
    pub fn may_come_twice(&mut self, event_id: &str) {
        if let Some((order, _)) = about(event_id)
            && let Some(entry) = self.orders.get_mut(order)
        {
            entry.mails.entry(event_id.to_owned()).or_default().may_come_twice = true;
        }
    }
}
