//! What others were told: events, and messages to customers.

use omniflow_domain::Status;

use super::{Books, Entry};
use crate::invariant::Invariant;

/// The messages to a customer about one event.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mails {
    /// How many SES took.
    sent: u32,
    /// Whether something happened after which nobody can know that a message is out.
    may_come_twice: bool,
}

/// What an event is about.
enum About {
    Status(Status),
    Return,
}

/// The order and what the event is about, by its id.
fn about(event_id: &str) -> Option<(&str, About)> {
    let (order, what) = event_id.split_once(':')?;
    let about = match what.split(':').next()? {
        OF_RETURN => About::Return,
        status => About::Status(Status::parse(status)?),
    };
    Some((order, about))
}

/// What stands behind the order in the ids of events about returns.
const OF_RETURN: &str = "RETURN";

impl Entry {
    fn is_told(&mut self, event_id: &str, about: About) {
        match about {
            About::Status(status) => drop(self.told.insert(status)),
            About::Return => drop(self.returns.told.insert(event_id.to_owned())),
        }
    }
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
        if let Some((order, about)) = about(event_id)
            && let Some(entry) = self.orders.get_mut(order)
            && entry.order.email().is_none()
        {
            entry.is_told(event_id, about);
        }
    }

    /// Notes that SES took a message about an event.
    pub fn mailed(&mut self, event_id: &str) {
        let Some((order, about)) = about(event_id) else { return };
        let Some(entry) = self.orders.get_mut(order) else { return };
        entry.is_told(event_id, about);
        let mails = entry.mails.entry(event_id.to_owned()).or_default();
        mails.sent += 1;
        if mails.sent > 1 && !mails.may_come_twice {
            let found = format!("its customer was told of {event_id} {} times", mails.sent);
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
