//! What others were told: events, and messages to customers.

use omniflow_domain::Status;

use super::Books;

impl Books {
    /// Notes that an event about this status of an order was taken by the bus.
    pub fn published(&mut self, order: &str, status: Status) {
        if let Some(entry) = self.orders.get_mut(order)
            && !entry.published.contains(&status)
        {
            entry.published.push(status);
        }
    }

    /// Notes that a customer was told that their order has come to this status.
    pub fn told(&mut self, order: &str, status: Status) {
        if let Some(entry) = self.orders.get_mut(order) {
            *entry.told.entry(status).or_default() += 1;
        }
    }
}
