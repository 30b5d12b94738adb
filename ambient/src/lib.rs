//! What surrounds a program and can't be computed: the time, and randomness. Both are handed to whatever needs them, so
//! that a test moves the one and repeats the other. Nothing else reads the machine's clock or asks it for randomness.
//!
//! ```
//! use std::time::Duration;
//!
//! use ambient::{Clock, ManualClock, Randomness};
//!
//! let start = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();
//! let clock = ManualClock::starting_at(start);
//! clock.advance(Duration::from_secs(1800));
//! assert_eq!((clock.now() - start).num_minutes(), 30);
//!
//! assert_eq!(Randomness::seeded(7).uuid_v4(), Randomness::seeded(7).uuid_v4());
//! ```

mod clock;
mod randomness;
mod surroundings;

pub use clock::{Clock, ManualClock, SystemClock};
pub use randomness::Randomness;
pub use surroundings::Surroundings;
