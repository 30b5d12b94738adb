//! Answers that many ask for at once: one asks for all of them, and what it was told is told to those who come
//! soon after, too.

use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lru::LruCache;
use tokio::time::Instant;

/// The number of answers that are remembered. An execution's is about 50 KB; an order that much went wrong
/// with has one of a few hundred.
const REMEMBERED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(31);

/// The answers of one process by what was asked for.
pub(crate) struct Shared<Key: Hash + Eq, Answer>(Mutex<LruCache<Key, Arc<Place<Answer>>>>);

/// Whoever has the lock asks; the others wait for what they are told.
type Place<Answer> = tokio::sync::Mutex<Option<(Answer, Instant)>>;

impl<Key: Hash + Eq, Answer> Default for Shared<Key, Answer> {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(REMEMBERED)))
    }
}

impl<Key: Hash + Eq, Answer: Clone> Shared<Key, Answer> {
    /// The answer that is known, if it is still fresh, and else the one that `ask` gives, with the time for
    /// which it is. A failure is an answer as well: those who wait don't all run into it one after the other.
    pub(crate) async fn get(&self, key: Key, ask: impl Future<Output = (Answer, Duration)>) -> Answer {
        let place = {
            let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(places.get_or_insert(key, Arc::default))
        };
        let mut known = place.lock().await;
        match &*known {
            Some((answer, fresh_until)) if Instant::now() < *fresh_until => answer.clone(),
            _ => {
                let (answer, fresh_for) = ask.await;
                *known = Some((answer.clone(), Instant::now() + fresh_for));
                answer
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

    use futures::future::join_all;
    use tokio::time::sleep;

    use super::*;

    const FRESH: Duration = Duration::from_secs(2);

    #[tokio::test(start_paused = true)]
    async fn one_asks_for_all_and_those_who_come_soon_after() {
        let (shared, asked) = (Shared::<&str, u32>::default(), AtomicU32::new(0));
        let ask = || async {
            sleep(Duration::from_millis(100)).await;
            (asked.fetch_add(1, SeqCst), FRESH)
        };
        let answers = join_all((0..9).map(|_| shared.get("a", ask()))).await;
        assert_eq!(answers, [0; 9]);
        assert_eq!(shared.get("b", ask()).await, 1, "another question");
        sleep(Duration::from_millis(1800)).await;
        assert_eq!(shared.get("a", ask()).await, 0);
        sleep(Duration::from_millis(200)).await;
        assert_eq!(shared.get("a", ask()).await, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn when_the_one_who_asks_gives_up_the_next_asks() {
        let shared = Shared::<&str, u32>::default();
        let gives_up = tokio::time::timeout(FRESH, shared.get("a", std::future::pending()));
        let (given_up, answer) = tokio::join!(gives_up, shared.get("a", async { (7, FRESH) }));
        assert!(given_up.is_err());
        assert_eq!(answer, 7);
    }

    #[tokio::test]
    async fn no_more_is_remembered_than_fits() {
        let shared = Shared::<usize, usize>::default();
        for key in 0..100 {
            shared.get(key, async { (key, FRESH) }).await;
        }
        assert_eq!(shared.0.lock().unwrap().len(), REMEMBERED.get());
    }
}
