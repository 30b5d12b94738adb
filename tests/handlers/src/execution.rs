//! One execution of the order's state machine, run by the same interpreter that runs it in the local
//! runtime. The machine's tasks are invoked in the [`Shop`]. No time passes except the waits before retries,
//! which are skipped.

use std::thread::LocalKey;

use asl::{Ambient, Event, Execution, Invocation, Machine, Outcome, Start, TaskId, Timestamp};
use chrono::TimeDelta;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use omniflow_services::Fault;
use serde_json::{Value, json};
use template::Place;

use crate::aws::Token;
use crate::definitions::state_machine;
use crate::failures;
use crate::shop::{Shop, place, system};
use crate::walk::At;

/// The clock, the randomness and the task tokens that the interpreter uses.
#[derive(Debug, Clone)]
pub(crate) struct Outside {
    /// The name of the execution.
    execution: String,
    now: Timestamp,
    /// How many task tokens have been handed out.
    tokens: u64,
}

impl Outside {
    pub(crate) fn of(execution: &str) -> Self {
        Self { execution: execution.to_owned(), now: Timestamp::UNIX_EPOCH, tokens: 0 }
    }
}

impl Ambient for Outside {
    fn now(&self) -> Timestamp {
        self.now
    }

    /// Only the jitter of retries is drawn from this. The largest number makes the waits as long as
    /// possible, and they are all skipped.
    fn random(&mut self) -> u64 {
        u64::MAX
    }

    fn task_token(&mut self, _: TaskId) -> String {
        self.tokens += 1;
        format!("{}/{}", self.execution, self.tokens)
    }
}

/// An execution and the [`Outside`] that it uses.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    machine: &'static LocalKey<Machine>,
    execution: Execution,
    outside: Outside,
    /// The times at which scheduled tasks time out.
    deadlines: Vec<(TaskId, Timestamp)>,
    /// The calls of the tasks that wait for answers to their tokens, in the order in which they returned.
    waiting: Vec<Invocation>,
}

impl Run {
    /// Starts an execution with this input.
    pub(crate) fn start(
        machine: &'static LocalKey<Machine>,
        name: &str,
        input: Value,
        mut outside: Outside,
    ) -> Self {
        let Place { region, account } = place();
        let state_machine_arn = format!("arn:aws:states:{region}:{account}:stateMachine:{name}");
        let execution_name = outside.execution.clone();
        let start = Start {
            execution_arn: format!("arn:aws:states:{region}:{account}:execution:{name}:{execution_name}"),
            execution_name,
            state_machine_arn,
            state_machine_name: name.to_owned(),
            role_arn: state_machine(name).role_arn.clone(),
            start_time: outside.now,
            input,
        };
        let (execution, effects) = machine.with(|machine| Execution::start(machine, start, &mut outside));
        let mut run = Self { machine, execution, outside, deadlines: Vec::new(), waiting: Vec::new() };
        run.schedule(&effects.invocations);
        run
    }

    /// The [`Outside`] of this execution, for another that takes its place.
    pub(crate) fn into_outside(self) -> Outside {
        self.outside
    }

    /// The state that the execution has reached.
    pub(crate) fn at(&self) -> At {
        if let Some(outcome) = self.execution.outcome() {
            return At::Ended(match outcome {
                Outcome::Succeeded { .. } => Ok(()),
                Outcome::Failed { error, .. }
                | Outcome::TimedOut { error, .. }
                | Outcome::Aborted { error, .. } => Err(error.clone().unwrap_or_default()),
            });
        }
        // What has still to be called comes first: other iterations of a Map may wait meanwhile.
        match self.waiting.first() {
            Some(Invocation { state, token: Some(token), .. }) if self.uncalled().is_empty() => {
                At::Waiting(state.clone(), token.clone())
            }
            _ => At::State(
                self.machine.with(|machine| self.execution.current_state(machine).unwrap().to_owned()),
            ),
        }
    }

    /// The error and the cause with which the execution has failed, if it has.
    pub(crate) fn failure(&self) -> Option<(String, Option<String>)> {
        match self.execution.outcome()? {
            Outcome::Succeeded { .. } => None,
            Outcome::Failed { error, cause }
            | Outcome::TimedOut { error, cause }
            | Outcome::Aborted { error, cause } => Some((error.clone().unwrap_or_default(), cause.clone())),
        }
    }

    /// Makes the first call that the machine wants, and doesn't tell the machine what it returned.
    ///
    /// # Errors
    /// The error of the function.
    pub(crate) async fn call(&self, shop: &Shop) -> Result<Value, Fault> {
        invoke(shop, &self.execution.invocations()[0]).await
    }

    /// Makes the calls that the machine wants, all at once, and tells the machine as each returns. The retry
    /// of one iteration of a Map is called while other iterations still run. When an iteration fails for
    /// good, the machine goes on while the others still run on Lambda; the shop's seed decides whether its
    /// next call overtakes them. Returns when no call is left.
    pub(crate) async fn perform(&mut self, shop: &Shop) {
        let state = self.at();
        let mut wanted = self.uncalled();
        let mut under_way = FuturesUnordered::new();
        loop {
            under_way.extend(wanted.into_iter().map(|call| async {
                let answer = invoke(shop, &call).await;
                (call, answer)
            }));
            let Some((call, answer)) = under_way.next().await else { return };
            wanted = self.returned(shop, call, answer);
            let goes_on = self.at() != state;
            if under_way.is_empty() || (goes_on && shop.aws.draw(2) == 0) {
                break;
            }
        }
        while let Some((call, answer)) = under_way.next().await {
            self.returned(shop, call, answer);
        }
    }

    /// The calls that the machine wants and that have not been made. One whose function failed after it had its token
    /// answered is still wanted, and waits for that answer to be heard.
    fn uncalled(&self) -> Vec<Invocation> {
        let is_made = |call: &Invocation| self.waiting.iter().any(|made| made.task == call.task);
        self.execution.invocations().into_iter().filter(|call| !is_made(call)).collect()
    }

    /// Tells the machine what a call has returned, and returns the calls that the machine wants next.
    fn returned(&mut self, shop: &Shop, call: Invocation, answer: Result<Value, Fault>) -> Vec<Invocation> {
        let task = call.task;
        let event = match answer {
            Ok(payload) => {
                let output = json!({ "ExecutedVersion": "$LATEST", "Payload": payload, "StatusCode": 200 });
                let output = output.into();
                if call.token.is_some() {
                    self.waiting.push(call);
                    Event::TaskSubmitted { task, output }
                } else {
                    Event::TaskSucceeded { task, output }
                }
            }
            Err(fault) => {
                if let Some(token) = &call.token {
                    // The answer to the token came first and has ended the task, however the invocation
                    // ended.
                    if shop.aws.answered(token).is_some() {
                        self.waiting.push(call);
                        return Vec::new();
                    }
                    shop.aws.forget(token);
                }
                // This is the form in which Lambda reports the error of a function.
                let cause = json!({ "errorType": fault.error_type, "errorMessage": fault.message });
                Event::TaskFailed { task, error: Some(fault.error_type), cause: Some(cause.to_string()) }
            }
        };
        self.apply(event)
    }

    /// Redrives the execution, after stopping it from outside unless it has ended: the state that it was in
    /// begins again, and its tasks are wanted once more.
    pub(crate) fn redrive(&mut self) {
        self.waiting.clear();
        if self.execution.outcome().is_none() {
            self.tell(Event::Abort { error: None, cause: None });
        }
        self.tell(Event::Redrive);
    }

    /// Tells the machine the answer to a token that it waits for. Returns false when it waits for none or
    /// there is no answer.
    pub(crate) fn hear(&mut self, shop: &Shop) -> bool {
        self.waiting.retain(|call| self.execution.pending(call.task));
        let mut waiting = self.waiting.iter().enumerate();
        let heard =
            waiting.find_map(|(index, call)| Some((index, shop.aws.answer_to(call.token.as_deref()?)?)));
        let Some((index, (answer, request))) = heard else { return false };
        let call = self.waiting.remove(index);
        self.apply(answered(&call, answer, &request));
        true
    }

    /// Tells the machine what has happened, skips the waits before retries, and returns the calls that the
    /// machine wants next.
    fn apply(&mut self, event: Event) -> Vec<Invocation> {
        let mut wanted = self.tell(event);
        while self.skip_wait() {
            wanted.extend(self.tell(Event::Wake));
        }
        wanted
    }

    fn tell(&mut self, event: Event) -> Vec<Invocation> {
        let Self { machine, execution, outside, .. } = self;
        let effects = machine.with(|machine| execution.apply(machine, event, outside));
        self.schedule(&effects.invocations);
        effects.invocations
    }

    /// Moves the clock to the time at which the machine wants to go on. Returns false when it doesn't wait,
    /// or when a task times out by then.
    fn skip_wait(&mut self) -> bool {
        let Some(at) = self.execution.wake_at() else { return false };
        self.deadlines.retain(|(task, _)| self.execution.pending(*task));
        if self.deadlines.iter().any(|(_, deadline)| *deadline <= at) {
            return false;
        }
        self.outside.now = at;
        true
    }

    fn schedule(&mut self, calls: &[Invocation]) {
        for call in calls {
            let limits = call.timeout_seconds.into_iter().chain(call.heartbeat_seconds);
            if let Some(seconds) = limits.min() {
                let deadline = self.outside.now + TimeDelta::seconds(i64::try_from(seconds).unwrap());
                self.deadlines.push((call.task, deadline));
            }
        }
    }
}

/// What the answer to the token of this call tells the machine.
fn answered(call: &Invocation, answer: Token, request: &Value) -> Event {
    let task = call.task;
    match answer {
        Token::Success => {
            let output = serde_json::from_str(request["output"].as_str().unwrap()).unwrap();
            Event::TaskSucceeded { task, output }
        }
        Token::Failure(error) => {
            failures::check(binary(call), &error);
            let cause = request["cause"].as_str().map(str::to_owned);
            Event::TaskFailed { task, error: Some(error), cause }
        }
    }
}

async fn invoke(shop: &Shop, call: &Invocation) -> Result<Value, Fault> {
    shop.invoke(binary(call), call.arguments["Payload"].clone()).await
}

/// The binary of the function that is called.
fn binary(call: &Invocation) -> &'static str {
    let arn = call.arguments["FunctionName"].as_str().unwrap();
    &system().function(arn).unwrap().binary
}
