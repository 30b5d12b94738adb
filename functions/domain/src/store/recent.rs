//! Orders as this process last read or wrote them.
//!
//! Every write of an order is conditional on its version, so a decision may begin with an order that is out of date: if
//! it is, the write fails, and the decision is made again on what is now. Where one process runs many steps of an order
//! (the local runtime, the API function that is asked twice) that saves most reads.

use std::num::NonZeroUsize;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use crate::order::{Order, OrderId};

/// How many orders are remembered; at about 2 KB each they fit into the smallest function.
const REMEMBERED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1023);

type Recent = LruCache<(String, OrderId), Order>;

static RECENT: LazyLock<Mutex<Recent>> = LazyLock::new(|| Mutex::new(LruCache::new(REMEMBERED)));

fn recent() -> MutexGuard<'static, Recent> {
    RECENT.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn recall(table: &str, id: &OrderId) -> Option<Order> {
    recent().get(&(table.to_owned(), id.clone())).cloned()
}

/// Forgets what is older than an order that could not be written: somebody else wrote, or the answer was lost.
pub(super) fn forget(table: &str, unwritten: &Order) {
    let mut recent = recent();
    let key = (table.to_owned(), unwritten.order_id.clone());
    if recent.peek(&key).is_some_and(|known| known.version < unwritten.version) {
        recent.pop(&key);
    }
}

/// Keeps the order, unless a later version is known.
pub(super) fn remember(table: &str, order: &Order) {
    let mut recent = recent();
    let key = (table.to_owned(), order.order_id.clone());
    if recent.get(&key).is_none_or(|known| known.version < order.version) {
        recent.put(key, order.clone());
    }
}
