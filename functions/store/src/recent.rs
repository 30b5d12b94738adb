//! The orders as this process last read or wrote them.
//!
//! Every write of an order is conditional on its version, so a decision may begin with an order that is out
//! of date: if it is, the write fails, and the decision is made again on what is now. Where one process runs
//! many steps of an order (the local runtime, the API function that is asked twice) that saves most reads.
//! And whoever waits for an order hears of its writes at once.

use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use tokio::sync::watch;

use omniflow_domain::order::{Order, OrderId};

/// The number of orders that are remembered; at about 2 KB each they fit into the smallest function.
const REMEMBERED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1023);

/// An order, or `None` once it is known to be out of date.
type Known = watch::Sender<Option<Order>>;

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

    pub(crate) fn recall(&self, table: &str, id: &OrderId) -> Option<Order> {
        self.known().get(&(table.to_owned(), id.clone())).and_then(|known| known.borrow().clone())
    }

    /// The order as it is known and as this process writes it from now on, for as long as it is remembered.
    pub(crate) fn follow(&self, table: &str, id: &OrderId) -> watch::Receiver<Option<Order>> {
        self.known().get_or_insert((table.to_owned(), id.clone()), watch::Sender::default).subscribe()
    }

    /// Forgets an order that is older than the one that could not be written: another process wrote, or the
    /// answer was lost.
    pub(crate) fn forget(&self, table: &str, unwritten: &Order) {
        if let Some(known) = self.known().peek(&(table.to_owned(), unwritten.id().clone())) {
            known.send_if_modified(|known| {
                known.take_if(|known| known.version() < unwritten.version());
                // Those who follow an order wait for it to rest, and not for this.
                false
            });
        }
    }

    /// Remembers the order, unless the same or a later version is known.
    pub(crate) fn remember(&self, table: &str, order: &Order) {
        let mut known = self.known();
        let known = known.get_or_insert((table.to_owned(), order.id().clone()), watch::Sender::default);
        known.send_if_modified(|known| {
            let is_newer = known.as_ref().is_none_or(|known| known.version() < order.version());
            if is_newer {
                *known = Some(order.clone());
            }
            // Those who follow an order wait for it to rest.
            is_newer && order.rests()
        });
    }
}
