//! The engine's public door: the operations of the Step Functions API, and the thread behind them.

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use asl::{Event, Pattern, Resource, Timestamp};
use futures::FutureExt;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::core::{After, Core};
use crate::error::Error;
use crate::executions::{self, ExecutionDescription, ExecutionPage, HistoryPage, PageRequest, Started};
use crate::integrations::{Call, Integrations, TaskError};
use crate::journal::{Journal, Readers, Seq};
use crate::request::{Reply, Request, StartRequest, Verdict};
use crate::state_machines::{
    CreateStateMachine, Place, StateMachine, UpdateStateMachine, UpdatedStateMachine, resource_type,
};
use crate::stats::Stats;

/// Requests taken into one group; what comes later waits for the next.
const REQUESTS_A_GROUP: usize = 512;
/// How long the engine waits before it tries again to write what it must not lose.
const RETRY: Duration = Duration::from_millis(200);
/// The part of the calls in flight that a group waits for: a commit costs the same for one request as for many.
const GATHERED_PART: usize = 2;
/// How long a group waits for them, at most, and between two looks.
const GATHER: Duration = Duration::from_millis(2);
const GATHER_LOOK: Duration = Duration::from_micros(400);

/// Called on the engine's thread when it takes up a group: begins to make durable what the finished steps wrote
/// elsewhere, while the engine works. What it returns waits until that is done, and the commit waits for it.
pub type BeforeCommit = Box<dyn FnMut() -> Durable + Send>;
/// See [`BeforeCommit`].
pub type Durable = Box<dyn FnOnce() -> std::io::Result<()>>;

/// How an engine is opened.
pub struct Options {
    /// The journal's file; made when it doesn't exist.
    pub journal: PathBuf,
    /// Whether a commit survives power loss. Without it, the death of the process still loses nothing.
    pub durable: bool,
    /// For ARNs.
    pub region: String,
    /// For ARNs, 12 digits.
    pub account: String,
    /// Where the engine reads the time.
    pub clock: Arc<dyn Clock>,
    /// Fixes all randomness (names, jitter), so that one seed repeats one run. The system's own when `None`.
    pub seed: Option<u64>,
    /// See [`BeforeCommit`].
    pub before_commit: BeforeCommit,
}

/// A running engine. Clones share it; it stops with [`Engine::shut_down`].
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

struct Shared {
    requests: Sender<Request>,
    readers: Readers,
    place: Place,
    stats: Arc<Stats>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Engine {
    /// Opens the journal, takes up what was in flight, and runs. Calls are made on the current tokio runtime through
    /// what `integrations` gives (it gets the engine, because some integrations call the engine itself).
    ///
    /// # Errors
    /// When the journal can't be opened or is damaged.
    pub fn open(
        options: Options,
        integrations: impl FnOnce(Engine) -> Arc<dyn Integrations>,
    ) -> Result<Self, Error> {
        let (requests, inbox) = mpsc::channel();
        let place = Place { region: options.region, account: options.account };
        let stats = Arc::new(Stats::default());
        // The file is made here, so that readers find it and faults show before the thread begins.
        drop(Journal::open(&options.journal, options.durable)?);
        let waker = Mutex::new(requests.clone());
        options.clock.on_move(Box::new(move || {
            // An engine that is gone has nothing to wake.
            let _ = waker.lock().unwrap_or_else(PoisonError::into_inner).send(Request::Tick);
        }));
        let engine = Self(Arc::new(Shared {
            requests: requests.clone(),
            readers: Readers::new(options.journal.clone()),
            place: place.clone(),
            stats: Arc::clone(&stats),
            thread: Mutex::new(None),
        }));
        let caller = Caller {
            integrations: integrations(engine.clone()),
            runtime: Handle::current(),
            requests,
            in_flight: Arc::default(),
        };
        let clock = options.clock;
        let (opened, ready) = mpsc::channel();
        let (journal, durable) = (options.journal, options.durable);
        let (seed, before_commit) = (options.seed, options.before_commit);
        let thread = std::thread::Builder::new().name("engine".to_owned()).spawn(move || {
            let core = Journal::open(&journal, durable)
                .and_then(|journal| Core::new(journal, place, Arc::clone(&clock), seed, stats, before_commit))
                .and_then(|mut core| core.recover().map(|after| (core, after)));
            match core {
                Ok((core, after)) => {
                    caller.perform(after);
                    // The opener waits for this; it can't be gone.
                    let _ = opened.send(Ok(()));
                    run(core, &inbox, &caller, &*clock);
                }
                Err(error) => {
                    let _ = opened.send(Err(error));
                }
            }
        });
        let thread = thread.map_err(|error| Error::Journal(format!("no thread for the engine: {error}")))?;
        ready.recv().map_err(|_| Error::Journal("the engine's thread died at its start".to_owned()))??;
        *engine.0.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(engine)
    }

    /// Finishes the group at hand, closes the journal, and returns. Calls in flight are made again at the next start.
    pub fn shut_down(&self) {
        // A thread that is gone has nothing to finish.
        let _ = self.0.requests.send(Request::Shutdown);
        let thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the engine's thread panicked");
        }
    }

    /// Where the engine's time went.
    pub fn stats(&self) -> &Stats {
        &self.0.stats
    }

    /// The ARN that a state machine of this name has.
    pub fn state_machine_arn(&self, name: &str) -> String {
        self.0.place.state_machine_arn(name)
    }

    async fn ask<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        self.0.requests.send(request(Some(reply))).map_err(|_| Error::ShuttingDown)?;
        answer.await.map_err(|_| Error::Journal("the group of this request was not committed".to_owned()))?
    }

    /// CreateStateMachine; the same call twice is one.
    ///
    /// # Errors
    /// `InvalidName`, `InvalidDefinition`, `StateMachineAlreadyExists`.
    pub async fn create_state_machine(&self, create: CreateStateMachine) -> Result<StateMachine, Error> {
        self.ask(|reply| Request::Create(create, reply)).await
    }

    /// UpdateStateMachine.
    ///
    /// # Errors
    /// `StateMachineDoesNotExist`, `InvalidDefinition`.
    pub async fn update_state_machine(
        &self,
        update: UpdateStateMachine,
    ) -> Result<UpdatedStateMachine, Error> {
        self.ask(|reply| Request::Update(update, reply)).await
    }

    /// DeleteStateMachine; its running executions go on.
    ///
    /// # Errors
    /// `InvalidArn`.
    pub async fn delete_state_machine(&self, arn: String) -> Result<(), Error> {
        resource_type(&arn)?;
        self.ask(|reply| Request::Delete(arn, reply)).await
    }

    /// DescribeStateMachine.
    ///
    /// # Errors
    /// `InvalidArn`, `StateMachineDoesNotExist`.
    pub fn describe_state_machine(&self, arn: &str) -> Result<StateMachine, Error> {
        if resource_type(arn)? != "stateMachine" {
            return Err(Error::InvalidArn(arn.to_owned()));
        }
        let found = self.0.readers.read(|journal| journal.state_machine(arn))?;
        found.map(|(machine, _)| machine).ok_or_else(|| Error::StateMachineDoesNotExist(arn.to_owned()))
    }

    /// DescribeStateMachineForExecution: the state machine, with the definition that the execution runs.
    ///
    /// # Errors
    /// `ExecutionDoesNotExist`, `StateMachineDoesNotExist`.
    pub fn describe_state_machine_for_execution(&self, arn: &str) -> Result<StateMachine, Error> {
        let row = self.0.readers.read(|journal| executions::describe(journal, arn))?;
        let mut machine = self.describe_state_machine(&row.machine)?;
        machine.definition = self.0.readers.read(|journal| journal.definition(row.definition))?;
        Ok(machine)
    }

    /// ListStateMachines, oldest first, all of them.
    ///
    /// # Errors
    /// When the journal can't be read.
    pub fn list_state_machines(&self) -> Result<Vec<StateMachine>, Error> {
        self.0.readers.read(Journal::state_machines)
    }

    /// StartExecution. `input` is JSON text; without a name one is made.
    ///
    /// # Errors
    /// `StateMachineDoesNotExist`, `InvalidName`, `InvalidExecutionInput`, `ExecutionAlreadyExists`.
    pub async fn start_execution(
        &self,
        machine_arn: String,
        name: Option<String>,
        input: String,
    ) -> Result<Started, Error> {
        self.ask(|reply| Request::Start(StartRequest { machine_arn, name, input }, reply)).await
    }

    /// StartSyncExecution: runs an Express state machine to its end.
    ///
    /// # Errors
    /// As StartExecution, and `StateMachineTypeNotSupported`.
    pub async fn start_sync_execution(
        &self,
        machine_arn: String,
        name: Option<String>,
        input: String,
    ) -> Result<ExecutionDescription, Error> {
        self.ask(|reply| Request::StartSync(StartRequest { machine_arn, name, input }, reply)).await
    }

    /// StopExecution; the time at which it stopped.
    ///
    /// # Errors
    /// `ExecutionDoesNotExist`.
    pub async fn stop_execution(
        &self,
        arn: String,
        error: Option<String>,
        cause: Option<String>,
    ) -> Result<Timestamp, Error> {
        self.ask(|reply| Request::Stop { arn, error, cause, reply }).await
    }

    /// RedriveExecution: goes on from the state that failed.
    ///
    /// # Errors
    /// `ExecutionDoesNotExist`, `ExecutionNotRedrivable`.
    pub async fn redrive_execution(&self, arn: String) -> Result<Timestamp, Error> {
        self.ask(|reply| Request::Redrive(arn, reply)).await
    }

    /// SendTaskSuccess, SendTaskFailure, SendTaskHeartbeat.
    ///
    /// # Errors
    /// `InvalidToken`, `TaskTimedOut`, `TaskDoesNotExist`.
    pub async fn send_task(&self, token: String, verdict: Verdict) -> Result<(), Error> {
        self.ask(|reply| Request::Token(token, verdict, reply)).await
    }

    /// DescribeExecution, as of the last commit.
    ///
    /// # Errors
    /// `InvalidArn`, `ExecutionDoesNotExist`.
    pub fn describe_execution(&self, arn: &str) -> Result<ExecutionDescription, Error> {
        self.0.readers.read(|journal| executions::describe(journal, arn)).map(Into::into)
    }

    /// ListExecutions of a state machine, newest first.
    ///
    /// # Errors
    /// `StateMachineDoesNotExist`, `InvalidToken` for a page token that is none.
    pub fn list_executions(
        &self,
        machine_arn: &str,
        status: Option<&str>,
        page: &PageRequest,
    ) -> Result<ExecutionPage, Error> {
        self.0.readers.read(|journal| executions::list(journal, machine_arn, status, page))
    }

    /// GetExecutionHistory.
    ///
    /// # Errors
    /// `ExecutionDoesNotExist`, `InvalidToken` for a page token that is none.
    pub fn execution_history(
        &self,
        arn: &str,
        reverse: bool,
        page: &PageRequest,
    ) -> Result<HistoryPage, Error> {
        self.0.readers.read(|journal| executions::history(journal, arn, reverse, page))
    }
}

/// Makes calls on the runtime and brings their results back.
struct Caller {
    integrations: Arc<dyn Integrations>,
    runtime: Handle,
    requests: Sender<Request>,
    in_flight: Arc<AtomicUsize>,
}

impl Caller {
    fn perform(&self, after: Vec<After>) {
        for step in after {
            match step {
                After::Answer(answer) => answer(),
                After::Invoke(seq, call) => self.invoke(seq, call),
            }
        }
    }

    fn invoke(&self, seq: Seq, call: Call) {
        let (task, waits_for_token) = (call.task, waits_for_token(&call.resource));
        let call = self.integrations.call(call);
        let requests = self.requests.clone();
        let in_flight = Arc::clone(&self.in_flight);
        in_flight.fetch_add(1, Relaxed);
        self.runtime.spawn(async move {
            // A panic in an integration is that call's failure, never the engine's.
            let result = AssertUnwindSafe(call).catch_unwind().await.unwrap_or_else(|_| {
                Err(TaskError {
                    error: "States.Runtime".to_owned(),
                    cause: "the integration panicked".to_owned(),
                })
            });
            let event = match result {
                Ok(output) if waits_for_token => Event::TaskSubmitted { task, output },
                Ok(output) => Event::TaskSucceeded { task, output },
                Err(TaskError { error, cause }) => {
                    Event::TaskFailed { task, error: Some(error), cause: Some(cause) }
                }
            };
            in_flight.fetch_sub(1, Relaxed);
            // When the engine stopped meanwhile, the call is made again at its next start.
            let _ = requests.send(Request::Task(seq, event));
        });
    }
}

fn waits_for_token(resource: &Resource) -> bool {
    matches!(resource, Resource::Service { pattern: Pattern::WaitForTaskToken, .. })
}

fn run(mut core: Core, inbox: &Receiver<Request>, caller: &Caller, clock: &dyn Clock) {
    let mut group = Vec::with_capacity(REQUESTS_A_GROUP);
    loop {
        if group.is_empty() {
            match wait(&core, inbox, clock) {
                Ok(Some(request)) => group.push(request),
                Ok(None) => {}
                Err(Stopped) => return,
            }
        }
        gather(&mut group, inbox, caller.in_flight.load(Relaxed));
        let stop = group.iter().any(|request| matches!(request, Request::Shutdown));
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

/// Takes what has come, and while much is in flight waits a little for more, so that one commit serves them all. Alone,
/// a request never waits.
fn gather(group: &mut Vec<Request>, inbox: &Receiver<Request>, in_flight: usize) {
    let wanted = (in_flight / GATHERED_PART).min(REQUESTS_A_GROUP);
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

struct Stopped;

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
