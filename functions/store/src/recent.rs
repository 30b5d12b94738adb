//! The orders as this process last read or wrote them.
//!
//! Every write of an order is conditional on its version, so a decision may begin with an order that is out
//! of date: if it is, the write fails, and the decision is made again on what is now. Where one process runs
//! many steps of an order (the local runtime, the API function that is asked twice) that saves most reads.
//! And whoever waits for an order hears of its writes at once.

use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use lru::LruCache;
use tokio::sync::watch;

use omniflow_domain::order::{Order, OrderId};

/// The number of orders that are remembered; at about 2 KB each they fit into the smallest function.
const REMEMBERED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1023);

/// An order is forgotten so long after it was read or written. A table that is put back to an earlier moment takes longer
/// (docs/restore.md), and an order of before has the same versions with other contents.
const REMEMBERED_FOR: TimeDelta = TimeDelta::minutes(5);

/// What is known of an order.
struct Known {
    /// The order, or `None` once it is known to be out of date.
    order: watch::Sender<Option<Order>>,
    /// When it was read or written.
    at: DateTime<Utc>,
}

impl Known {
    fn nothing() -> Self {
        Self { order: watch::Sender::default(), at: DateTime::UNIX_EPOCH }
    }

    /// Whether it was read or written long ago, or, by a clock that was set back since, will be.
    fn is_old(&self, now: DateTime<Utc>) -> bool {
        (now - self.at).abs() > REMEMBERED_FOR
    }
}

type ByKey = LruCache<(String, OrderId), Known>;

/// The orders that the functions of one process know, by their table and id.
pub(crate) struct Recent(Mutex<ByKey>);

impl Default for Recent {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(REMEMBERED)))
    }
}

impl Recent {
    fn known(&self) -> MutexGuard<'_, ByKey> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn recall(&self, table: &str, id: &OrderId, now: DateTime<Utc>) -> Option<Order> {
        let mut known = self.known();
        let known = known.get(&(table.to_owned(), id.clone())).filter(|known| !known.is_old(now))?;
        known.order.borrow().clone()
    }

    /// The order as it is known and as this process writes it from now on, for as long as it is remembered.
    pub(crate) fn follow(&self, table: &str, id: &OrderId) -> watch::Receiver<Option<Order>> {
        self.known().get_or_insert((table.to_owned(), id.clone()), Known::nothing).order.subscribe()
    }

    /// Forgets an order that is older than the one that could not be written: another process wrote, or the
    /// answer was lost.
    pub(crate) fn forget(&self, table: &str, unwritten: &Order) {
        if let Some(known) = self.known().peek(&(table.to_owned(), unwritten.id().clone())) {
            known.order.send_if_modified(|known| {
                known.take_if(|known| known.version() < unwritten.version());
                // Those who follow an order wait for it to rest, and not for this.
                false
            });
        }
    }

    /// Remembers the order, unless the same or a later version is known.
    pub(crate) fn remember(&self, table: &str, order: &Order, now: DateTime<Utc>) {
        let mut known = self.known();
        let known = known.get_or_insert_mut((table.to_owned(), order.id().clone()), Known::nothing);
        let is_old = known.is_old(now);
        known.at = now;
        known.order.send_if_modified(|known| {
            let is_newer = is_old || known.as_ref().is_none_or(|known| known.version() < order.version());
            if is_newer {
                *known = Some(order.clone());
            }
            // Those who follow an order wait for it to rest.
            is_newer && order.rests()
        });
    }
}
