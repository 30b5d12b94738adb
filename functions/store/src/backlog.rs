//! Whether orders wait too long to be started. Whoever takes orders faster than their workflows can be started turns
//! further ones away, rather than accept what can't be begun.

use std::sync::{Arc, Mutex, PoisonError};

use ambient::Clock;
use chrono::{DateTime, TimeDelta, Utc};
use omniflow_domain::order::Signal;

use crate::{Error, Orders};

/// The number of orders that may wait for long: a damaged one can't be started ever, and must not keep others out.
const FEW: usize = 10;
/// The time for which an answer is used again.
const FRESH_FOR: TimeDelta = TimeDelta::seconds(1);

/// The orders that wait to be started, as far as those must know who take orders.
pub struct Backlog {
    orders: Orders,
    clock: Arc<dyn Clock>,
    longest: TimeDelta,
    latest: Mutex<Latest>,
}

/// What was found out last.
#[derive(Debug, Clone, Copy)]
struct Latest {
    asked: DateTime<Utc>,
    is_too_old: bool,
}

impl Backlog {
    /// The backlog of these orders, which may be as old as this.
    pub fn new(orders: Orders, clock: Arc<dyn Clock>, longest: TimeDelta) -> Self {
        let latest = Mutex::new(Latest { asked: DateTime::UNIX_EPOCH, is_too_old: false });
        Self { orders, clock, longest, latest }
    }

    /// Whether more than a few orders have waited for longer than they may, as was so at most a second ago. When that
    /// can't be found out, what was so before still counts.
    pub async fn is_too_old(&self) -> bool {
        let now = self.clock.now();
        let known = {
            let mut latest = self.latest();
            let known = *latest;
            // A clock that was set back makes nothing fresh for longer.
            if known.asked <= now && now - known.asked < FRESH_FOR {
                return known.is_too_old;
            }
            // While this one asks, others go by what was known before.
            latest.asked = now;
            known.is_too_old
        };
        match self.ask(now).await {
            Ok(is_too_old) => {
                if is_too_old != known {
                    tracing::warn!(is_too_old, "the backlog of orders that wait to be started has changed");
                }
                self.latest().is_too_old = is_too_old;
                is_too_old
            }
            Err(error) => {
                tracing::warn!(%error, "the backlog can't be read");
                known
            }
        }
    }

    async fn ask(&self, now: DateTime<Utc>) -> Result<bool, Error> {
        let before = (now - self.longest).timestamp_millis();
        let limit = i32::try_from(FEW + 1).unwrap_or(i32::MAX);
        let waiting = self.orders.unheard(Signal::Start.name(), before, limit, None).await?;
        Ok(waiting.orders.len() > FEW)
    }

    fn latest(&self) -> std::sync::MutexGuard<'_, Latest> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
