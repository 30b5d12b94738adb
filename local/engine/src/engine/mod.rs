//! The engine's public interface, and the thread behind it.
//!
//! Requests that change something go to the engine's thread and are answered when their group is committed.
//! Requests that only read are answered on the caller's own thread, from what is committed.

mod caller;
mod operations;
mod thread;

use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::arn::Arns;
use crate::core::{Core, Hooks};
use crate::integrations::Integrations;
use crate::journal::{Journal, JournalError, Readers};
use crate::options::Options;
use crate::request::Request;
use crate::stats::Stats;
use caller::Caller;

/// A running engine. Clones share it; it runs until [`Engine::shut_down`].
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

struct Shared {
    requests: Sender<Request>,
    readers: Readers,
    arns: Arns,
    stats: Arc<Stats>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Engine {
    /// Opens the journal, makes the calls again that were in flight when it was last closed, and runs.
    ///
    /// Calls of Task states are made on the current tokio runtime by the integrations that `integrations`
    /// gives. It gets the engine, because some integrations call the engine itself.
    ///
    /// # Errors
    /// When the journal can't be opened, is damaged, or was written by a later release
    /// ([`JournalError::LaterRelease`]).
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn open(
        options: Options,
        integrations: impl FnOnce(Engine) -> Arc<dyn Integrations>,
    ) -> Result<Self, JournalError> {
        let Options {
            journal: path,
            durable,
            region,
            account,
            clock,
            randomness,
            before_commit,
            status_changes,
        } = options;
        let (requests, inbox) = mpsc::channel();
        let arns = Arns { region, account };
        let stats = Arc::new(Stats::default());
        // The file is made here, so that readers find it and faults show before the thread begins.
        drop(Journal::open(&path, durable)?);
        let waker = Mutex::new(requests.clone());
        clock.on_move(Box::new(move || {
            // An engine that is gone has nothing to wake.
            let _ = waker.lock().unwrap_or_else(PoisonError::into_inner).send(Request::ClockMoved);
        }));
        let engine = Self(Arc::new(Shared {
            requests: requests.clone(),
            readers: Readers::new(path.clone()),
            arns: arns.clone(),
            stats: Arc::clone(&stats),
            thread: Mutex::new(None),
        }));
        let caller = Caller::new(integrations(engine.clone()), requests);
        let (opened, ready) = mpsc::channel();
        let thread = std::thread::Builder::new().name("engine".to_owned()).spawn(move || {
            let core = Journal::open(&path, durable)
                .and_then(|journal| {
                    let hooks = Hooks { before_commit, status_changes };
                    Core::new(journal, arns, Arc::clone(&clock), randomness, stats, hooks)
                })
                .and_then(|mut core| core.recover().map(|after| (core, after)));
            match core {
                Ok((core, after)) => {
                    caller.perform(after);
                    // The opener waits for this, so it can't be gone.
                    let _ = opened.send(Ok(()));
                    thread::run(core, &inbox, &caller, &*clock);
                }
                Err(error) => {
                    let _ = opened.send(Err(error));
                }
            }
        });
        let thread = thread.map_err(|source| JournalError::Thread { what: "the engine", source })?;
        ready.recv().map_err(|_| JournalError::DiedAtStart)??;
        *engine.0.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(engine)
    }

    /// Finishes the group at hand, closes the journal, and returns. Calls in flight are made again at the
    /// next start.
    pub fn shut_down(&self) {
        // A thread that is gone has nothing to finish.
        let _ = self.0.requests.send(Request::ShutDown);
        let thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the engine's thread panicked");
        }
    }

    /// Counters that say where the engine's time goes.
    pub fn stats(&self) -> &Stats {
        &self.0.stats
    }

    /// The ARN that a state machine of this name has, whether it exists or not.
    pub fn state_machine_arn(&self, name: &str) -> String {
        self.0.arns.state_machine(name)
    }
}
