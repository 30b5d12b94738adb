//! Orders as this process last read or wrote them.
//!
//! Every write of an order is conditional on its version, so a decision may begin with an order that is out of date: if
//! it is, the write fails, and the decision is made again on what is now. Where one process runs many steps of an order
//! (the local runtime, the API function that is asked twice) that saves most reads. And whoever waits for an order hears
//! of its writes at once.

use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use tokio::sync::watch;

use omniflow_domain::order::{Order, OrderId};

/// How many orders are remembered; at about 2 KB each they fit into the smallest function.
const REMEMBERED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1023);

/// An order, or nothing once it is known to be out of date.
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

    /// The order as it is known and as it changes here, until others have taken its place.
    pub(crate) fn follow(&self, table: &str, id: &OrderId) -> watch::Receiver<Option<Order>> {
        self.known().get_or_insert((table.to_owned(), id.clone()), watch::Sender::default).subscribe()
    }

    /// Forgets what is older than an order that could not be written: somebody else wrote, or the answer was lost.
    pub(crate) fn forget(&self, table: &str, unwritten: &Order) {
        if let Some(known) = self.known().peek(&(table.to_owned(), unwritten.id().clone())) {
            known.send_if_modified(|known| {
                known.take_if(|known| known.version() < unwritten.version());
                // Nobody waits for that.
                false
            });
        }
    }

    /// Keeps the order, unless a later version is known.
    pub(crate) fn remember(&self, table: &str, order: &Order) {
        let mut known = self.known();
        let known = known.get_or_insert((table.to_owned(), order.id().clone()), watch::Sender::default);
        known.send_if_modified(|known| {
            let is_newer = known.as_ref().is_none_or(|known| known.version() < order.version());
            if is_newer {
                *known = Some(order.clone());
            }
            // Whoever waits, waits for that.
            is_newer && order.rests()
        });
    }
}
