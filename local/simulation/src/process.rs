//! The process of the local runtime: it is started, killed at any moment, and started again on its data.

use std::future::Future;
use std::io;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ambient::{Clock, Surroundings};
use engine::BeforeCommit;
use omniflow::StartError;
use omniflow::aws::Aws;
use omniflow::driven::{self, Parts, Seams};
use omniflow::lambda::{AT_ONCE, Hosted};
use serde_json::Value;
use template::{Place, System};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::clock::SkewedClock;
use crate::fault::Fault;
use crate::planted::Planted;
use crate::seams::calls::Calls;
use crate::seams::lambda::Lambda;
use crate::stores::Stores;
use crate::world::World;

/// How long an execution that has ended is kept: longer than an order lies at rest before it is checked, and short
/// enough that the journal of a long run stays small.
pub const RETENTION: Duration = Duration::from_secs(3600);
/// More invocations of one function than there ever are at once.
const UNLIMITED: usize = 1_000_000;
/// By how many milliseconds waits end late at most.
const LATE: u64 = 5_000;

/// The tasks of a process, which all end when it dies.
#[derive(Clone, Default)]
pub struct Tasks(Arc<Mutex<JoinSet<()>>>);

impl Tasks {
    fn set(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a task.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut set = self.set();
        while set.try_join_next().is_some() {}
        set.spawn(task);
    }

    /// Ends all tasks, and waits until they have ended.
    async fn end(&self) {
        let mut set = std::mem::take(&mut *self.set());
        set.abort_all();
        while set.join_next().await.is_some() {}
    }
}

/// A running process.
pub struct Process {
    /// Its services.
    pub aws: Aws,
    /// The clock of its engine.
    clock: Arc<SkewedClock>,
    tasks: Tasks,
    driver: tokio::task::JoinHandle<()>,
    functions: Vec<Lambda>,
    /// The template, whose routes lead to functions.
    routes: Rc<System>,
}

/// The region and the account that ARNs name.
pub fn place() -> Place {
    Place { region: "us-east-1".to_owned(), account: "000000000000".to_owned() }
}

impl Process {
    /// Starts the process on what lies in its stores. It must be called within a `LocalSet`.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(world: &Arc<World>, system: &System, stores: &Stores) -> Result<Self, StartError> {
        let (place, tasks) = (place(), Tasks::default());
        let lag = match world.happens(Fault::WaitsLate) {
            true => world.faults.draw(Fault::WaitsLate, |dice| dice.below(LATE)),
            false => 0,
        };
        let clock = Arc::new(SkewedClock::new(world.clock, -i64::try_from(lag).unwrap_or_default()));
        let parts = Parts {
            system,
            place: &place,
            tables: world.tables.clone(),
            journal: stores.journal.clone(),
            deliveries: stores.deliveries.clone(),
            retention: RETENTION,
            surroundings: Surroundings { clock: Arc::new(world.clock), randomness: world.randomness.clone() },
            engine_clock: Arc::clone(&clock) as Arc<dyn Clock>,
            // Within quotas, it is Lambda's that decide.
            at_once: if world.capacity.is_some() { UNLIMITED } else { AT_ONCE },
        };
        let mut functions = Vec::new();
        let seams = Seams {
            host: |inside: &omniflow::inside::Inside| {
                let hosted = system.functions.values().map(|function| {
                    let lambda = Lambda::new(world, function, inside, &place, &tasks);
                    functions.push(lambda.clone());
                    Hosted { function: function.clone(), handler: Box::new(lambda) }
                });
                Ok(hosted.collect())
            },
            calls: |behind| {
                Arc::new(Calls::new(Arc::clone(world), Arc::new(behind), tasks.clone()))
                    as Arc<dyn engine::Integrations>
            },
            commit: |commit| on_a_bad_disk(Arc::clone(world), commit),
        };
        let opened = driven::open(parts, seams)?;
        let driver = tokio::task::spawn_local(opened.driver.run());
        let process =
            Self { aws: opened.aws, clock, tasks, driver, functions, routes: Rc::new(system.clone()) };
        if let Err(error) = driven::deploy(system, &process.aws).await {
            // Its engine must not go on beside that of the next process, on the same journal.
            process.kill().await;
            return Err(error);
        }
        for worker in driven::workers(system, &process.aws, &place) {
            process.tasks.spawn(worker);
        }
        Ok(process)
    }

    /// Has the function answer an event that the route of the HTTP API leads to. The answer is `None` when the process dies first.
    pub fn ask(&self, event: Value) -> oneshot::Receiver<Option<Value>> {
        let (answer, answered) = oneshot::channel();
        let http = &event["requestContext"]["http"];
        let text = |name: &str| http[name].as_str().unwrap_or_default();
        let route = self.routes.route_of(text("method"), text("path"));
        let function = route.map(|route| route.function.clone()).unwrap_or_default();
        let functions = self.aws.functions.clone();
        self.tasks.spawn(async move {
            let invoked = functions.invoke(&function, event).await;
            // Nobody listens when the caller has given up.
            let _ = answer.send(invoked.ok().and_then(Result::ok));
        });
        answered
    }

    /// Makes waits end in time from now on.
    pub fn correct(&self) {
        self.clock.correct();
    }

    /// Kills the process: all its tasks end where they are.
    pub async fn kill(self) {
        self.driver.abort();
        // It was aborted, which is no news.
        let _ = self.driver.await;
        self.tasks.end().await;
        self.functions.iter().for_each(Lambda::end);
    }
}

/// Commits of a journal whose disk fails to sync at times.
fn on_a_bad_disk(world: Arc<World>, mut commit: BeforeCommit) -> BeforeCommit {
    Box::new(move || {
        let begun = commit();
        let fails = world.happens(Fault::DiskFails);
        if fails {
            world.note_all(format_args!("the disk fails to sync a commit"));
        }
        Box::new(move || {
            let reached = begun()?;
            if fails { Err(io::Error::other("the disk can't be synced")) } else { Ok(reached) }
        })
    })
}

/// Whether the journal forgets at kills.
pub fn forgets(world: &World) -> bool {
    world.has(Planted::JournalForgets)
}
