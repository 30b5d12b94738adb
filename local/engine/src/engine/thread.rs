//! The engine's thread: it gathers requests to groups, has the core commit them, and sleeps when there is
//! nothing to do.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::caller::Caller;
use crate::core::Core;
use crate::request::Request;
use ambient::Clock;

/// The largest number of requests in one group; the rest follow in the next ones.
pub(super) const REQUESTS_A_GROUP: usize = 512;
/// How long the engine waits, when the journal can't be written, before it tries again.
pub(super) const RETRY: Duration = Duration::from_millis(200);
/// A group waits until it has one request for this many calls in flight: a commit costs the same for one
/// request as for many.
const CALLS_A_REQUEST: usize = 2;
/// The longest time that a group waits for more requests.
pub(super) const GATHER: Duration = Duration::from_millis(2);
/// How long the thread sleeps between two looks at what has come.
const GATHER_LOOK: Duration = Duration::from_micros(400);

/// Commits groups until a request asks to shut down, or nobody can send requests any more.
pub(super) fn run(mut core: Core, inbox: &Receiver<Request>, caller: &Caller, clock: &dyn Clock) {
    let mut group = Vec::with_capacity(REQUESTS_A_GROUP);
    loop {
        if group.is_empty() {
            match wait(&core, inbox, clock) {
                Ok(Some(request)) => group.push(request),
                Ok(None) => {}
                Err(Stopped) => return,
            }
        }
        gather(&mut group, inbox, caller.in_flight());
        let stop = group.iter().any(|request| matches!(request, Request::ShutDown));
        match core.commit_group(&mut group) {
            Ok(after) => {
                caller.perform(after);
                core.tend_journal();
                group.clear();
            }
            Err(error) => {
                tracing::error!(%error, "the journal could not be written; trying again");
                // Callers are told by their dropped replies; what nobody else would repeat stays.
                group.retain(Request::is_internal);
                std::thread::sleep(RETRY);
            }
        }
        if stop {
            return;
        }
    }
}

/// Takes what has come, and while many calls are in flight waits a little for more, so that one commit serves
/// them all. A request that comes alone never waits.
fn gather(group: &mut Vec<Request>, inbox: &Receiver<Request>, in_flight: usize) {
    let wanted = wanted(in_flight);
    let mut waited = Duration::ZERO;
    loop {
        group.extend(inbox.try_iter().take(REQUESTS_A_GROUP.saturating_sub(group.len())));
        if group.len() >= wanted || waited >= GATHER {
            return;
        }
        std::thread::sleep(GATHER_LOOK);
        waited += GATHER_LOOK;
    }
}

/// How many requests a group waits for while this many calls are in flight.
pub(super) fn wanted(in_flight: usize) -> usize {
    (in_flight / CALLS_A_REQUEST).min(REQUESTS_A_GROUP)
}

/// Nobody can send requests any more.
struct Stopped;

/// Sleeps until a request comes or a wake-up is due, and returns the request if one came.
fn wait(core: &Core, inbox: &Receiver<Request>, clock: &dyn Clock) -> Result<Option<Request>, Stopped> {
    let wake = core.next_wake().unwrap_or_else(|error| {
        tracing::error!(%error, "the next wake-up can't be read");
        Some(clock.now() + RETRY)
    });
    match wake.and_then(|at| clock.sleep_until(at)) {
        None => inbox.recv().map(Some).map_err(|_| Stopped),
        Some(pause) => match inbox.recv_timeout(pause) {
            Ok(request) => Ok(Some(request)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(Stopped),
        },
    }
}
