//! Orders as this process last read or wrote them.
//!
//! Every write of an order is conditional on its version, so a decision may begin with an order that is out of date: if
//! it is, the write fails, and the decision is made again on what is now. Where one process runs many steps of an order
//! (the local runtime, the API function that is asked twice) that saves most reads. And whoever waits for an order hears
//! of its writes at once.

use std::num::NonZeroUsize;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use tokio::sync::watch;

use omniflow_domain::order::{Order, OrderId};

/// How many orders are remembered; at about 2 KB each they fit into the smallest function.
const REMEMBERED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1023);

/// An order, or nothing once it is known to be out of date.
type Known = watch::Sender<Option<Order>>;

type Recent = LruCache<(String, OrderId), Known>;

static RECENT: LazyLock<Mutex<Recent>> = LazyLock::new(|| Mutex::new(LruCache::new(REMEMBERED)));

fn recent() -> MutexGuard<'static, Recent> {
    RECENT.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn recall(table: &str, id: &OrderId) -> Option<Order> {
    recent().get(&(table.to_owned(), id.clone())).and_then(|known| known.borrow().clone())
}

/// The order as it is known and as it changes here, until others have taken its place.
pub(super) fn follow(table: &str, id: &OrderId) -> watch::Receiver<Option<Order>> {
    recent().get_or_insert((table.to_owned(), id.clone()), watch::Sender::default).subscribe()
}

/// Forgets what is older than an order that could not be written: somebody else wrote, or the answer was lost.
pub(super) fn forget(table: &str, unwritten: &Order) {
    if let Some(known) = recent().peek(&(table.to_owned(), unwritten.order_id.clone())) {
        known.send_if_modified(|known| {
            known.take_if(|known| known.version < unwritten.version);
            // Nobody waits for that.
            false
        });
    }
}

/// Keeps the order, unless a later version is known.
pub(super) fn remember(table: &str, order: &Order) {
    let mut recent = recent();
    let known = recent.get_or_insert((table.to_owned(), order.order_id.clone()), watch::Sender::default);
    known.send_if_modified(|known| {
        let newer = known.as_ref().is_none_or(|known| known.version < order.version);
        if newer {
            *known = Some(order.clone());
        }
        // Whoever waits, waits for that.
        newer && order.rests()
    });
}
