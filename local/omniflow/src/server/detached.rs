//! Work that goes on to its end although the client that asked for it has hung up.
//!
//! hyper drops the future of a request when its connection ends. A function that is dropped between its write and
//! what follows from it leaves the rest to the next sweep, while on AWS an invocation that has begun always runs to
//! its end.

use std::sync::Arc;

use tokio::sync::watch;

/// The work that is under way. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Detached(Arc<watch::Sender<usize>>);

/// Counts one piece of work as long as it exists.
struct UnderWay(Arc<watch::Sender<usize>>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

impl Detached {
    /// Does the work in a task of its own, and returns its result. When the caller stops waiting, the work goes on.
    /// The result is `None` when the work panicked.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        self.0.send_modify(|count| *count += 1);
        let under_way = UnderWay(Arc::clone(&self.0));
        let task = tokio::spawn(async move {
            let done = work.await;
            drop(under_way);
            done
        });
        task.await.ok()
    }

    /// Waits until no work is under way.
    pub(crate) async fn finished(&self) {
        // The sender is held here, so the channel can't be closed.
        let _ = self.0.subscribe().wait_for(|count| *count == 0).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn work_goes_on_when_nobody_waits_for_it_and_is_waited_for_at_the_end() {
        let detached = Detached::default();
        let (go_on, told) = oneshot::channel::<()>();
        let (done, was_done) = oneshot::channel();
        let mut waiting = Box::pin(detached.run(async move {
            told.await.unwrap();
            done.send(()).unwrap();
        }));
        assert!(futures::poll!(&mut waiting).is_pending());
        drop(waiting);
        assert!(futures::poll!(Box::pin(detached.finished())).is_pending());
        go_on.send(()).unwrap();
        detached.finished().await;
        was_done.await.unwrap();
    }

    #[tokio::test]
    async fn a_panic_is_no_result_and_holds_up_no_end() {
        let detached = Detached::default();
        assert_eq!(detached.run(async { panic!("on purpose") }).await, None::<()>);
        detached.finished().await;
    }
}
