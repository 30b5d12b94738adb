//! The engine's public interface, and the thread behind it, or the task that takes its place.
//!
//! Requests that change something go there and are answered when their group is committed.
//! Requests that only read are answered on the caller's own thread, from what is committed.

mod caller;
mod driver;
mod operations;
mod requests;
mod thread;

use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use ambient::{Clock, Randomness};
use chrono::TimeDelta;
use tokio::sync::Notify;

use crate::arn::Arns;
use crate::core::{Core, Hooks, Limits};
use crate::health::{Health, Pulse, Trouble, Vitals};
use crate::integrations::Integrations;
use crate::journal::{Journal, JournalError, Readers};
use crate::options::Options;
use crate::request::Request;
use crate::stats::Stats;
use caller::{Caller, Steps};
pub use driver::Driver;
use requests::Requests;

/// A running engine. Clones share it; it runs until [`Engine::shut_down`].
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

struct Shared {
    requests: Requests,
    readers: Readers,
    arns: Arns,
    stats: Arc<Stats>,
    vitals: Arc<Vitals>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What an engine is made of, whoever commits its groups.
struct Parts {
    engine: Engine,
    caller: Caller,
    arns: Arns,
    stats: Arc<Stats>,
    vitals: Arc<Vitals>,
    clock: Arc<dyn Clock>,
    randomness: Randomness,
    hooks: Hooks,
    limits: Limits,
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
        let (requests, inbox) = Requests::to_thread();
        let (path, durable) = (options.journal.clone(), options.durable);
        let Parts { engine, caller, arns, stats, vitals, clock, randomness, hooks, limits } =
            Self::assemble(options, requests, Steps::on_threads(), integrations)?;
        let (opened, ready) = mpsc::channel();
        let thread = std::thread::Builder::new().name("engine".to_owned()).spawn(move || {
            let pulse = Pulse(Arc::clone(&vitals));
            let core = Journal::open(&path, durable)
                .and_then(|journal| {
                    Core::new(journal, arns, Arc::clone(&clock), randomness, stats, vitals, hooks, limits)
                })
                .and_then(|mut core| core.recover().map(|after| (core, after)));
            match core {
                Ok((core, after)) => {
                    caller.perform(after);
                    // The opener waits for this, so it can't be gone.
                    let _ = opened.send(Ok(()));
                    thread::run(core, &inbox, &caller, &*clock);
                    pulse.0.stops();
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

    /// As [`Engine::open`], but without a thread: the engine does nothing but while the future of
    /// [`Driver::run`] is polled. It is for programs that decide themselves what happens when, such as a
    /// simulation on a virtual clock.
    ///
    /// # Errors
    /// As [`Engine::open`].
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn open_driven(
        options: Options,
        integrations: impl FnOnce(Engine) -> Arc<dyn Integrations>,
    ) -> Result<(Self, Driver), JournalError> {
        let woken = Arc::new(Notify::new());
        let (requests, inbox) = Requests::to_driver(Arc::clone(&woken));
        let (path, durable) = (options.journal.clone(), options.durable);
        let Parts { engine, caller, arns, stats, vitals, clock, randomness, hooks, limits } =
            Self::assemble(options, requests, Steps::AsTasks, integrations)?;
        let journal = Journal::open_without_threads(&path, durable)?;
        let mut core =
            Core::new(journal, arns, Arc::clone(&clock), randomness, stats, vitals, hooks, limits)?;
        caller.perform(core.recover()?);
        Ok((engine, Driver { core, inbox, woken, caller, clock }))
    }

    fn assemble(
        options: Options,
        requests: Requests,
        steps: Steps,
        integrations: impl FnOnce(Engine) -> Arc<dyn Integrations>,
    ) -> Result<Parts, JournalError> {
        let Options {
            journal: path,
            durable,
            region,
            account,
            clock,
            randomness,
            before_commit,
            max_open_executions,
            retention,
            status_changes,
            folder,
        } = options;
        let hooks = Hooks { before_commit, status_changes, folder };
        let retention = TimeDelta::from_std(retention).unwrap_or(TimeDelta::MAX);
        let timed = matches!(steps, Steps::OnThreads(_));
        let limits = Limits { open_executions: max_open_executions, retention, timed };
        let arns = Arns { region, account };
        let stats = Arc::new(Stats::default());
        let vitals = Arc::new(Vitals::new(Arc::clone(&clock)));
        // The file is made here, so that readers find it and faults show before the thread begins.
        drop(Journal::open_without_threads(&path, durable)?);
        let waker = Mutex::new(requests.clone());
        clock.on_move(Box::new(move || {
            // An engine that is gone has nothing to wake.
            let _ = waker.lock().unwrap_or_else(PoisonError::into_inner).send(Request::ClockMoved);
        }));
        let engine = Self(Arc::new(Shared {
            requests: requests.clone(),
            readers: Readers::new(path),
            arns: arns.clone(),
            stats: Arc::clone(&stats),
            vitals: Arc::clone(&vitals),
            thread: Mutex::new(None),
        }));
        let caller = Caller::new(integrations(engine.clone()), requests, steps);
        Ok(Parts { engine, caller, arns, stats, vitals, clock, randomness, hooks, limits })
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

    /// Whether executions go on and, if not, since when and why.
    pub fn health(&self) -> Health {
        self.0.vitals.health()
    }

    /// Returns when the engine can't go on in this process ([`Trouble::is_final`]); otherwise never. The process
    /// should end then, so that its supervisor starts it again.
    pub async fn broken(&self) -> Trouble {
        self.0.vitals.broken().await
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
