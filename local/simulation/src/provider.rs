//! Who holds and takes the customers' money in a run.

use crate::named::named;

named! {
    /// The payment provider of a run.
    Provider {
        /// The simulated gateway, which keeps a ledger in a table.
        Simulated "simulated",
        /// Stripe: the real adapter and functions, before a model of Stripe in memory.
        Stripe "stripe",
    }
}

/// The runs of every so many seeds are with Stripe, unless they are told otherwise.
const EVERY: u64 = 3;

impl Provider {
    /// The provider of the runs of this seed.
    pub const fn of(seed: u64) -> Self {
        if seed.is_multiple_of(EVERY) { Self::Stripe } else { Self::Simulated }
    }
}
