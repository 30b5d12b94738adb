//! An engine without a thread of its own: a task of the caller commits its groups.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::caller::Caller;
use super::thread::{GATHER, REQUESTS_A_GROUP, RETRY, wanted};
use crate::core::Core;
use crate::request::Request;
use ambient::Clock;

/// What drives an engine that [`Engine::open_driven`](crate::Engine::open_driven) has opened.
///
/// It sleeps by tokio's clock. So a program with one thread and a virtual clock runs an engine in which
/// nothing depends on the speed of the machine, and the same requests at the same times are grouped in the
/// same way.
pub struct Driver {
    pub(super) core: Core,
    pub(super) inbox: Receiver<Request>,
    pub(super) woken: Arc<Notify>,
    pub(super) caller: Caller,
    pub(super) clock: Arc<dyn Clock>,
}

impl Driver {
    /// Commits groups until [`Engine::shut_down`](crate::Engine::shut_down) is called. When the future is
    /// dropped before that, the engine stops as it does when its process dies: what is committed stays, and
    /// callers who wait for an answer get [`Error::Journal`](crate::Error::Journal).
    pub async fn run(mut self) {
        let mut group = Vec::with_capacity(REQUESTS_A_GROUP);
        loop {
            self.gather(&mut group).await;
            let stop = group.iter().any(|request| matches!(request, Request::ShutDown));
            match self.core.commit_group(&mut group) {
                Ok(after) => {
                    self.caller.perform(after);
                    self.core.tend_journal();
                    group.clear();
                }
                Err(error) => {
                    tracing::error!(%error, "the journal could not be written; trying again");
                    group.retain(Request::is_internal);
                    sleep(RETRY).await;
                }
            }
            if stop {
                return;
            }
        }
    }

    /// Waits until a request has come or a wake-up is due, and takes what has come. As on the engine's
    /// thread, it waits a little for more while many calls are in flight.
    async fn gather(&self, group: &mut Vec<Request>) {
        self.take(group);
        while group.is_empty() {
            let is_due = match self.until_the_next_wake() {
                None => {
                    self.woken.notified().await;
                    false
                }
                Some(pause) => timeout(pause, self.woken.notified()).await.is_err(),
            };
            self.take(group);
            if is_due {
                return;
            }
        }
        if group.len() < wanted(self.caller.in_flight()) {
            sleep(GATHER).await;
            self.take(group);
        }
    }

    fn take(&self, group: &mut Vec<Request>) {
        group.extend(self.inbox.try_iter().take(REQUESTS_A_GROUP.saturating_sub(group.len())));
    }

    fn until_the_next_wake(&self) -> Option<Duration> {
        let wake = self.core.next_wake().unwrap_or_else(|error| {
            tracing::error!(%error, "the next wake-up can't be read");
            Some(self.clock.now() + RETRY)
        });
        wake.and_then(|at| self.clock.sleep_until(at))
    }
}
