//! What others were told: events, and messages to customers.

use omniflow_domain::Status;

use super::Books;

impl Books {
    /// Notes that an event about an order was taken by the bus. One that is repeated is known by its id.
    pub fn published(&mut self, order: &str, event_id: &str) {
        if let Some(entry) = self.orders.get_mut(order)
            && !entry.published.iter().any(|known| known == event_id)
        {
            entry.published.push(event_id.to_owned());
        }
    }

    /// Notes that a customer was told that their order has come to this status.
    pub fn told(&mut self, order: &str, status: Status) {
        if let Some(entry) = self.orders.get_mut(order) {
            *entry.told.entry(status).or_default() += 1;
        }
    }
}
