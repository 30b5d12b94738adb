//! How an execution starts, goes on and ends.

use std::sync::Arc;

use chrono::TimeDelta;

use super::branch::{Branch, Phase};
use super::runner::Runner;
use super::snapshot::{Execution, Form};
use super::stimulus::{MapRunReport, Report, Stimulus};
use crate::api::{Ambient, Effects, Event, Outcome, Start, TaskId};
use crate::error::{Evaluated, Failure, names};
use crate::history::Details;
use crate::machine::Machine;
use crate::scope::{Identity, Redriven};
use crate::time::{self, Timestamp};

impl Execution {
    /// Starts an execution and runs it until it waits or ends.
    ///
    /// ```
    /// use asl::{Ambient, Event, Execution, Machine, Outcome, Start, TaskId, Timestamp};
    /// use serde_json::json;
    ///
    /// /// A clock that stands still until it is moved, and a die that always falls on the same side.
    /// struct Still(Timestamp);
    ///
    /// impl Ambient for Still {
    ///     fn now(&self) -> Timestamp {
    ///         self.0
    ///     }
    ///     fn random(&mut self) -> u64 {
    ///         4
    ///     }
    ///     fn task_token(&mut self, task: TaskId) -> String {
    ///         format!("token-{}", task.0)
    ///     }
    /// }
    ///
    /// let machine = Machine::parse(
    ///     r#"{
    ///         "QueryLanguage": "JSONata",
    ///         "StartAt": "Charge",
    ///         "States": {
    ///             "Charge": {
    ///                 "Type": "Task",
    ///                 "Resource": "arn:aws:states:::lambda:invoke",
    ///                 "Arguments": {"FunctionName": "charge", "Payload": "{% $states.input %}"},
    ///                 "Next": "CoolOff"
    ///             },
    ///             "CoolOff": {"Type": "Wait", "Seconds": 3600, "End": true}
    ///         }
    ///     }"#,
    /// )?;
    /// let mut still = Still(Timestamp::UNIX_EPOCH);
    /// let start = Start {
    ///     execution_arn: "arn:aws:states:eu-central-1:000000000000:execution:orders:order-1".into(),
    ///     execution_name: "order-1".into(),
    ///     state_machine_arn: "arn:aws:states:eu-central-1:000000000000:stateMachine:orders".into(),
    ///     state_machine_name: "orders".into(),
    ///     role_arn: "arn:aws:iam::000000000000:role/orders".into(),
    ///     start_time: still.0,
    ///     input: json!({"amount": "12.50"}),
    /// };
    ///
    /// // The execution runs until it wants a call made. A host would store the execution and the history, and
    /// // then make the call.
    /// let (mut execution, effects) = Execution::start(&machine, start, &mut still);
    /// let call = &effects.invocations[0];
    /// assert_eq!(call.arguments["Payload"], json!({"amount": "12.50"}));
    ///
    /// // With the answer, the execution goes on to the Wait.
    /// let answer = Event::TaskSucceeded { task: call.task, output: json!({"charged": true}).into() };
    /// let effects = execution.apply(&machine, answer, &mut still);
    /// assert!(effects.invocations.is_empty());
    /// let wake_at = execution.wake_at().expect("the end of the Wait");
    /// assert_eq!((wake_at - still.0).num_seconds(), 3600);
    ///
    /// // A host would sleep until then. Here the clock is moved.
    /// still.0 = wake_at;
    /// execution.apply(&machine, Event::Wake, &mut still);
    /// let output = json!({"charged": true}).into();
    /// assert_eq!(execution.outcome(), Some(&Outcome::Succeeded { output }));
    /// # Ok::<(), asl::Invalid>(())
    /// ```
    pub fn start(machine: &Machine, start: Start, ambient: &mut dyn Ambient) -> (Self, Effects) {
        Self::begin(machine, start, ambient, false)
    }

    /// Starts an execution as [`Execution::start`] does, but for StartSyncExecution, whose context object has
    /// no RedriveCount.
    pub fn start_synchronous(machine: &Machine, start: Start, ambient: &mut dyn Ambient) -> (Self, Effects) {
        Self::begin(machine, start, ambient, true)
    }

    fn begin(
        machine: &Machine,
        start: Start,
        ambient: &mut dyn Ambient,
        synchronous: bool,
    ) -> (Self, Effects) {
        let mut execution = Self::new(machine, start, synchronous);
        let started = execution.started();
        let input = Arc::clone(&execution.identity.input);
        let effects = execution.drive(machine, ambient, |runner, root, machine| {
            // On AWS, the event of entering the first state follows no event, not even this one.
            runner.record(0, "ExecutionStarted", Some(started));
            runner.stimulate(&machine.graph, root, None, &mut Stimulus::Begin(input))
        });
        (execution, effects)
    }

    /// An execution that the host can't run: it fails in its first state before that does anything. A redrive goes
    /// on from there, as after [`Event::Fail`].
    pub fn start_failed(
        machine: &Machine,
        start: Start,
        ambient: &mut dyn Ambient,
        error: String,
        cause: String,
    ) -> (Self, Effects) {
        let mut execution = Self::new(machine, start, false);
        let started = execution.started();
        let input = Arc::clone(&execution.identity.input);
        let effects = execution.drive(machine, ambient, |runner, root, machine| {
            runner.record(0, "ExecutionStarted", Some(started));
            runner.enter(&machine.graph, root, machine.graph.start, input);
            Err(Failure::told(Some(error), Some(cause)))
        });
        (execution, effects)
    }

    /// The details of the event that the execution was started.
    fn started(&self) -> Details {
        let identity = &self.identity;
        Details::Started { input: Arc::clone(&identity.input), role_arn: Arc::clone(&identity.role_arn) }
    }

    /// An execution in which nothing has happened yet.
    fn new(machine: &Machine, start: Start, synchronous: bool) -> Self {
        let identity = Identity {
            execution_arn: start.execution_arn.into(),
            execution_name: start.execution_name.into(),
            state_machine_arn: start.state_machine_arn.into(),
            state_machine_name: start.state_machine_name.into(),
            role_arn: start.role_arn.into(),
            start_time: start.start_time,
            input: Arc::new(start.input),
            synchronous,
            redriven: None,
        };
        let deadline = deadline(machine, start.start_time);
        Self { form: Form, identity, events: 0, tasks: 0, deadline, root: Branch::default(), outcome: None }
    }

    /// Changes the execution by one event. There is no other way: live running, recovery and redrive all come
    /// through here. An event that does not concern the execution (a late result, a wake-up too early, a stop
    /// after the end) changes nothing and has no effects.
    ///
    /// The example of [`Execution::start`] sends two events.
    pub fn apply(&mut self, machine: &Machine, event: Event, ambient: &mut dyn Ambient) -> Effects {
        if let Event::Redrive = event {
            return self.redrive(machine, ambient);
        }
        if self.outcome.is_some() {
            return Effects::default();
        }
        let (task, report) = match event.cut() {
            Event::Wake => return self.wake(machine, ambient),
            Event::Abort { error, cause } => return self.abort(ambient, error, cause),
            Event::Fail { error, cause } => return self.fail(ambient, error, cause),
            Event::TaskSubmitted { task, output } => (task, Report::Submitted(output)),
            Event::TaskSucceeded { task, output } => (task, Report::Succeeded(output)),
            Event::TaskFailed { task, error, cause } => {
                (task, Report::Failed { event: "Failed", error, cause })
            }
            Event::TaskSubmitFailed { task, error, cause } => {
                (task, Report::Failed { event: "SubmitFailed", error, cause })
            }
            Event::TaskStartFailed { task, error, cause } => {
                (task, Report::Failed { event: "StartFailed", error, cause })
            }
            Event::TaskHeartbeat { task } => (task, Report::Heartbeat),
            Event::MapChildren { run, from, at_most } => {
                return self.report_on_map_run(
                    machine,
                    ambient,
                    run,
                    MapRunReport::Children { from, at_most },
                );
            }
            Event::MapRunSucceeded { run, output } => {
                return self.report_on_map_run(machine, ambient, run, MapRunReport::Succeeded(output));
            }
            Event::MapRunTooLarge { run } => {
                return self.report_on_map_run(machine, ambient, run, MapRunReport::TooLarge);
            }
            Event::MapRunFailed { run } => {
                return self.report_on_map_run(machine, ambient, run, MapRunReport::Failed);
            }
            Event::Redrive => return Effects::default(),
        };
        if !self.pending(task) {
            return Effects::default();
        }
        self.drive(machine, ambient, |runner, root, machine| {
            runner.stimulate(&machine.graph, root, None, &mut Stimulus::Task(task, Some(report)))
        })
    }

    fn report_on_map_run(
        &mut self,
        machine: &Machine,
        ambient: &mut dyn Ambient,
        run: TaskId,
        report: MapRunReport,
    ) -> Effects {
        if !self.pending(run) {
            return Effects::default();
        }
        self.drive(machine, ambient, |runner, root, machine| {
            runner.stimulate(&machine.graph, root, None, &mut Stimulus::MapRun(run, Some(report)))
        })
    }

    /// Does what is due. The execution's own timeout comes first if it was due first.
    fn wake(&mut self, machine: &Machine, ambient: &mut dyn Ambient) -> Effects {
        let now = ambient.now();
        let due = self.root.due().filter(|due| *due <= now);
        let timed_out = self.deadline.filter(|deadline| *deadline <= now);
        if let Some(deadline) = timed_out
            && due.is_none_or(|due| deadline <= due)
        {
            // The history names the error, and DescribeExecution doesn't.
            let error = Some(names::TIMEOUT.to_owned());
            let details = Details::Failure { service: None, error, cause: None };
            let outcome = Outcome::TimedOut { error: None, cause: None };
            return self.end_now(ambient, "ExecutionTimedOut", details, outcome);
        }
        if due.is_none() {
            return Effects::default();
        }
        let mut effects = self.drive(machine, ambient, |runner, root, machine| {
            runner.stimulate(&machine.graph, root, None, &mut Stimulus::Wake)
        });
        if timed_out.is_some() && self.outcome.is_none() && !effects.exceeded {
            let more = self.wake(machine, ambient);
            effects.history.extend(more.history);
            effects.invocations.extend(more.invocations);
            effects.map_runs.extend(more.map_runs);
        }
        effects
    }

    fn abort(&mut self, ambient: &mut dyn Ambient, error: Option<String>, cause: Option<String>) -> Effects {
        let details = Details::Failure { service: None, error: error.clone(), cause: cause.clone() };
        self.end_now(ambient, "ExecutionAborted", details, Outcome::Aborted { error, cause })
    }

    fn fail(&mut self, ambient: &mut dyn Ambient, error: Option<String>, cause: Option<String>) -> Effects {
        let details = Details::Failure { service: None, error: error.clone(), cause: cause.clone() };
        self.end_now(ambient, "ExecutionFailed", details, Outcome::Failed { error, cause })
    }

    /// Ends the execution from outside, whatever state it is in. On AWS, such an end follows no event.
    fn end_now(
        &mut self,
        ambient: &mut dyn Ambient,
        event: &'static str,
        details: Details,
        outcome: Outcome,
    ) -> Effects {
        let mut runner = Runner::new(&self.identity, &mut self.events, &mut self.tasks, ambient);
        self.root.each_active(&mut |active| {
            if let Phase::Distributed(run) = &active.phase {
                runner.abort_map_run(run);
            }
        });
        self.root.previous = runner.record_last(0, event, Some(details));
        self.outcome = Some(outcome);
        runner.effects
    }

    fn redrive(&mut self, machine: &Machine, ambient: &mut dyn Ambient) -> Effects {
        if !self.is_redrivable() {
            return Effects::default();
        }
        let count = self.redrive_count() + 1;
        let now = ambient.now();
        self.identity.redriven = Some(Redriven { count, time: now });
        self.deadline = deadline(machine, now);
        self.outcome = None;
        self.drive(machine, ambient, |runner, root, machine| {
            root.previous =
                runner.record(root.previous, "ExecutionRedriven", Some(Details::Redriven { count }));
            runner.stimulate(&machine.graph, root, None, &mut Stimulus::Redrive)
        })
    }

    /// Runs the main line by what `work` does with it, and ends the execution if the main line has ended.
    fn drive(
        &mut self,
        machine: &Machine,
        ambient: &mut dyn Ambient,
        work: impl FnOnce(&mut Runner<'_>, &mut Branch, &Machine) -> Evaluated<()>,
    ) -> Effects {
        let mut runner = Runner::new(&self.identity, &mut self.events, &mut self.tasks, ambient);
        if machine.has_variables {
            runner.count_variables(&self.root);
        }
        let result = work(&mut runner, &mut self.root, machine);
        if runner.budget.is_exceeded() {
            return Effects { exceeded: true, ..Effects::default() };
        }
        match result {
            Ok(()) => {
                if let Some(output) = self.root.output.clone() {
                    let details = Details::Output { service: None, output: Arc::clone(&output) };
                    self.root.previous =
                        runner.record_last(self.root.previous, "ExecutionSucceeded", Some(details));
                    self.outcome = Some(Outcome::Succeeded { output });
                }
            }
            Err(failure) => {
                let error = failure.error_name();
                let cause = failure.cause;
                let details = (error.is_some() || cause.is_some()).then(|| Details::Failure {
                    service: None,
                    error: error.clone(),
                    cause: cause.clone(),
                });
                self.root.previous = runner.record_last(self.root.previous, "ExecutionFailed", details);
                self.outcome = Some(Outcome::Failed { error, cause });
            }
        }
        runner.effects
    }
}

/// When an execution that was started or redriven at an instant times out.
fn deadline(machine: &Machine, from: Timestamp) -> Option<Timestamp> {
    let seconds = i64::try_from(machine.timeout_seconds?).ok()?;
    from.checked_add_signed(TimeDelta::try_seconds(seconds)?).map(time::floor)
}
