//! One after the other, without a thread that waits.
//!
//! The database does one thing at a time. Whoever comes while it is busy leaves his work to the one who has it, and his
//! thread goes on with other tasks: with a lock it would sleep, and under load a thread that is woken up finds the lock
//! taken again.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use tokio::sync::oneshot;

type Work = Box<dyn FnOnce() + Send>;

/// Work that is done in the order in which it came.
#[derive(Default)]
pub(crate) struct Turns {
    queue: Mutex<VecDeque<Work>>,
    busy: Mutex<()>,
}

impl Turns {
    /// Does the work when its turn has come; nothing when it panicked.
    pub(crate) async fn take<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (done, result) = oneshot::channel();
        self.queue().push_back(Box::new(move || {
            // Who asked may have given up.
            let _ = done.send(work());
        }));
        self.work_off();
        result.await.ok()
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<Work>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does all that is there, unless somebody is at it.
    fn work_off(&self) {
        // What came after the last look and before the end was left to this one.
        while !self.queue().is_empty() {
            let _busy = match self.busy.try_lock() {
                Ok(busy) => busy,
                Err(TryLockError::Poisoned(busy)) => busy.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            };
            while let Some(work) = self.next() {
                // A panic is the end of that work only; who waits for it finds the channel closed.
                let _ = catch_unwind(AssertUnwindSafe(work));
            }
        }
    }

    /// Taken out before it is done, so that others can leave theirs meanwhile.
    fn next(&self) -> Option<Work> {
        self.queue().pop_front()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn everything_is_done_once_and_one_at_a_time() {
        let (turns, inside, done) =
            (Arc::new(Turns::default()), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let tasks: Vec<_> = (0..64)
            .map(|task| {
                let (turns, inside, done) = (Arc::clone(&turns), Arc::clone(&inside), Arc::clone(&done));
                tokio::spawn(async move {
                    for step in 0..200 {
                        let (inside, done) = (Arc::clone(&inside), Arc::clone(&done));
                        let answer = turns.take(move || {
                            assert_eq!(inside.fetch_add(1, SeqCst), 0, "two at once");
                            done.fetch_add(1, SeqCst);
                            std::thread::yield_now();
                            inside.fetch_sub(1, SeqCst);
                            (task, step)
                        });
                        assert_eq!(answer.await, Some((task, step)));
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(done.load(SeqCst), 64 * 200);
    }

    #[tokio::test]
    async fn work_that_panics_is_lost_and_the_next_is_done() {
        let turns = Turns::default();
        assert_eq!(turns.take(|| -> u32 { panic!("on purpose") }).await, None);
        assert_eq!(turns.take(|| 1).await, Some(1));
    }
}
