//! The stock: it is set aside for an order and given back; and the samples that a new shop has.

mod crowding;
mod emptied;
mod release;
mod reserve;
mod seed;

use chrono::{DateTime, TimeDelta, Utc};

pub use release::ReleaseStock;
pub use reserve::ReserveStock;
pub use seed::SeedStock;

/// Whether this moment was less than so long ago. A clock that was set back makes nothing last longer.
fn is_lately(moment: DateTime<Utc>, within: TimeDelta, now: DateTime<Utc>) -> bool {
    moment <= now && now - moment < within
}
