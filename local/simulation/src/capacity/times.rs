//! How long orders took.

use chrono::{DateTime, Utc};
use omniflow_domain::{Order, Status};

/// The times of all orders, in milliseconds.
#[derive(Debug, Clone, Default)]
pub struct Times {
    /// From the order to the reservation of its stock.
    pub to_reserved: Vec<u64>,
    /// From the customer's payment, which may be the order itself, to the capture of the money.
    pub to_paid: Vec<u64>,
    /// From the same moment to the end.
    pub to_completed: Vec<u64>,
}

impl Times {
    /// Notes the times of an order that has ended.
    pub fn add(&mut self, order: &Order) {
        let at =
            |status| order.timeline().iter().find(|change| change.status == status).map(|change| change.at);
        let between = |from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>| {
            u64::try_from((to? - from?).num_milliseconds()).ok()
        };
        let made = at(Status::Received);
        let pays = at(Status::PaymentReceived).or(made);
        self.to_reserved.extend(between(made, at(Status::Reserved)));
        self.to_paid.extend(between(pays, at(Status::Paid)));
        self.to_completed.extend(between(pays, at(Status::Completed)));
    }
}

/// The value, in seconds, below which this share of the times lies; `None` when there are none.
pub fn percentile(times: &mut [u64], share: f64) -> Option<f64> {
    times.sort_unstable();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let rank = (times.len() as f64 * share).ceil() as usize;
    let time = times.get(rank.saturating_sub(1))?;
    #[allow(clippy::cast_precision_loss)]
    Some(*time as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_nearest_rank() {
        let mut times: Vec<u64> = (1..=200).rev().map(|tenth| tenth * 100).collect();
        let found = [0.5, 0.99, 1.0].map(|share| percentile(&mut times, share));
        assert_eq!(found, [Some(10.0), Some(19.8), Some(20.0)]);
        assert_eq!(percentile(&mut [], 0.5), None);
    }
}
