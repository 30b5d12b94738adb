//! Time and randomness, together.

use std::sync::Arc;

use crate::{Clock, Randomness, SystemClock};

/// What a whole program is given: the clock that all of it reads and the randomness that all of it draws. Clones share
/// both.
#[derive(Clone)]
pub struct Surroundings {
    /// The clock that everything reads.
    pub clock: Arc<dyn Clock>,
    /// The stream that everything random is drawn from.
    pub randomness: Randomness,
}

impl Surroundings {
    /// The machine's own clock, and randomness that nobody can foresee.
    pub fn of_this_machine() -> Self {
        Self { clock: Arc::new(SystemClock), randomness: Randomness::unpredictable() }
    }
}
