//! What is going to happen around the payments at Stripe: words that it sends, customers who prove to their bank who they
//! are, holds that run out, money that people give back in the dashboard. It outlives every process of the shop.

use std::collections::BTreeMap;

/// Something that is about to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// Stripe sends word: the body of the event, and how often it was sent before.
    Word {
        /// The order, for the trace.
        order: String,
        /// The event.
        body: String,
        /// How often it was sent before.
        times: u32,
    },
    /// The customer proves to their bank who they are, or fails to.
    Authenticate {
        /// The payment.
        payment: String,
        /// Whether they can.
        succeeds: bool,
    },
    /// The bank lets go of the money that it holds.
    HoldExpires(String),
    /// The shop's people give money back in the dashboard: all that is left, or some of it.
    GiveBack {
        /// The payment.
        payment: String,
        /// Whether it is all.
        all: bool,
    },
}

/// The plans.
#[derive(Default)]
pub struct Till {
    /// What is due when, in milliseconds since the beginning; a number tells apart what is due at once.
    plans: BTreeMap<(u64, u64), Due>,
    planned: u64,
}

impl Till {
    /// Plans something for this moment.
    pub fn plan(&mut self, at: u64, due: Due) {
        self.planned += 1;
        self.plans.insert((at, self.planned), due);
    }

    /// What is due by this moment, which is then no longer planned.
    pub fn due(&mut self, now: u64) -> Vec<Due> {
        let later = self.plans.split_off(&(now + 1, 0));
        std::mem::replace(&mut self.plans, later).into_values().collect()
    }
}
