//! The operations of the Step Functions API. Each does what the Step Functions API Reference says of the
//! operation of its name.

use asl::Timestamp;
use tokio::sync::oneshot;

use super::Engine;
use crate::arn;
use crate::error::Error;
use crate::executions::{self, ExecutionDescription, ExecutionPage, HistoryPage, PageRequest, Started};
use crate::journal::{Journal, JournalError};
use crate::map_runs::{self, MapRunDescription, MapRunPage, UpdateMapRun};
use crate::request::{Reply, Request, StartRequest, Verdict};
use crate::state_machine::{CreateStateMachine, StateMachine, UpdateStateMachine, UpdatedStateMachine};
use crate::status::ExecutionStatus;

/// Operations that change something. They return when the change is committed. Besides the errors that each
/// names, all of them can fail with [`Error::Journal`] and [`Error::ShuttingDown`].
impl Engine {
    async fn ask<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        self.0.requests.send(request(Some(reply))).map_err(|_| Error::ShuttingDown)?;
        answer.await.map_err(|_| JournalError::NotCommitted)?
    }

    /// Stores a state machine. The same call again gives the stored one.
    ///
    /// # Errors
    /// `InvalidName`, `InvalidDefinition`, `StateMachineAlreadyExists`.
    pub async fn create_state_machine(&self, create: CreateStateMachine) -> Result<StateMachine, Error> {
        self.ask(|reply| Request::CreateStateMachine(create, reply)).await
    }

    /// Changes the definition or the role of a state machine.
    ///
    /// # Errors
    /// `StateMachineDoesNotExist`, `InvalidDefinition`.
    pub async fn update_state_machine(
        &self,
        update: UpdateStateMachine,
    ) -> Result<UpdatedStateMachine, Error> {
        self.ask(|reply| Request::UpdateStateMachine(update, reply)).await
    }

    /// Deletes a state machine, if there is one of this ARN. Its running executions go on.
    ///
    /// # Errors
    /// `InvalidArn`.
    pub async fn delete_state_machine(&self, arn: String) -> Result<(), Error> {
        arn::resource_type(&arn)?;
        self.ask(|reply| Request::DeleteStateMachine { arn, reply }).await
    }

    /// Starts an execution with this input, which is JSON text. Without a name, a UUID is its name. When an
    /// execution of the same name and input runs already, that one is given.
    ///
    /// # Errors
    /// `InvalidArn`, `StateMachineDoesNotExist`, `InvalidName`, `InvalidExecutionInput`,
    /// `ExecutionAlreadyExists`.
    pub async fn start_execution(
        &self,
        machine_arn: String,
        name: Option<String>,
        input: String,
    ) -> Result<Started, Error> {
        self.ask(|reply| Request::StartExecution(StartRequest { machine_arn, name, input }, reply)).await
    }

    /// Starts an execution of an Express state machine, and returns when it has ended.
    ///
    /// # Errors
    /// As [`Engine::start_execution`], and `StateMachineTypeNotSupported`.
    pub async fn start_sync_execution(
        &self,
        machine_arn: String,
        name: Option<String>,
        input: String,
    ) -> Result<ExecutionDescription, Error> {
        self.ask(|reply| Request::StartSyncExecution(StartRequest { machine_arn, name, input }, reply)).await
    }

    /// Aborts an execution, and says when it stopped. An execution that has ended stays as it is.
    ///
    /// # Errors
    /// `InvalidArn`, `ExecutionDoesNotExist`.
    pub async fn stop_execution(
        &self,
        arn: String,
        error: Option<String>,
        cause: Option<String>,
    ) -> Result<Timestamp, Error> {
        self.ask(|reply| Request::StopExecution { arn, error, cause, reply }).await
    }

    /// Takes up an execution that ended without success, from the state that failed, and says when.
    ///
    /// # Errors
    /// `InvalidArn`, `ExecutionDoesNotExist`, `ExecutionNotRedrivable`.
    pub async fn redrive_execution(&self, arn: String) -> Result<Timestamp, Error> {
        self.ask(|reply| Request::RedriveExecution { arn, reply }).await
    }

    /// Changes how many children of a Map Run may run at once and how many items may fail. It holds from now on: a
    /// run that more items have failed of already fails with the next that does.
    ///
    /// # Errors
    /// `InvalidArn`, `ResourceNotFound`, and `Validation` for a run that has ended or a share above 100.
    pub async fn update_map_run(&self, update: UpdateMapRun) -> Result<(), Error> {
        self.ask(|reply| Request::UpdateMapRun(update, reply)).await
    }

    /// Reports on the task of a token (SendTaskSuccess, SendTaskFailure, SendTaskHeartbeat).
    ///
    /// ```
    /// # use std::sync::{Arc, Mutex};
    /// # use engine::*;
    /// # use futures::future::BoxFuture;
    /// # use serde_json::{Value, json};
    /// /// A function that keeps the token of its event for whoever answers later.
    /// #[derive(Clone, Default)]
    /// struct Asks(Arc<Mutex<Option<String>>>);
    ///
    /// impl Integrations for Asks {
    ///     fn call(&self, call: TaskCall) -> BoxFuture<'static, Result<Value, TaskError>> {
    ///         *self.0.lock().unwrap() = call.arguments["Payload"]["token"].as_str().map(str::to_owned);
    ///         Box::pin(async { Ok(json!({})) })
    ///     }
    /// }
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// let (asks, journal) = (Asks::default(), folder.path().join("journal.db"));
    /// let engine = Engine::open(Options::at(journal), |_| Arc::new(asks.clone()))?;
    /// let definition = json!({ "StartAt": "Ask", "States": { "Ask": {
    ///     "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "End": true,
    ///     "Parameters": { "FunctionName": "ask", "Payload": { "token.$": "$$.Task.Token" } } } } });
    /// # let machine = engine.create_state_machine(CreateStateMachine {
    /// #     name: "ask".to_owned(),
    /// #     kind: StateMachineKind::Standard,
    /// #     definition: definition.to_string(),
    /// #     role_arn: "arn:aws:iam::000000000000:role/ask".to_owned(),
    /// # }).await?;
    /// let started = engine.start_execution(machine.arn, None, "{}".to_owned()).await?;
    /// # while asks.0.lock().unwrap().is_none() { tokio::task::yield_now().await; }
    /// let token = asks.0.lock().unwrap().take().unwrap();
    /// engine.send_task(token, Verdict::success(r#"{"paid":true}"#)?).await?;
    ///
    /// let ended = engine.describe_execution(&started.arn)?;
    /// assert_eq!(ended.status, ExecutionStatus::Succeeded);
    /// assert_eq!(ended.output.as_deref(), Some(r#"{"paid":true}"#));
    /// # engine.shut_down();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `InvalidToken`, `TaskTimedOut`, `TaskDoesNotExist`.
    pub async fn send_task(&self, token: String, verdict: Verdict) -> Result<(), Error> {
        self.ask(|reply| Request::SendTask { token, verdict, reply }).await
    }
}

/// Operations that read, as of the last commit. Besides the errors that each names, all of them can fail with
/// [`Error::Journal`].
impl Engine {
    /// Describes a state machine.
    ///
    /// # Errors
    /// `InvalidArn`, `StateMachineDoesNotExist`.
    pub fn describe_state_machine(&self, arn: &str) -> Result<StateMachine, Error> {
        arn::check_type(arn, "stateMachine")?;
        let found = self.0.readers.read(|journal| journal.state_machine(arn))?;
        found.map(|(machine, _)| machine).ok_or_else(|| Error::StateMachineDoesNotExist(arn.to_owned()))
    }

    /// Describes the state machine of an execution, with the definition that the execution runs.
    ///
    /// # Errors
    /// `InvalidArn`, `ExecutionDoesNotExist`, `StateMachineDoesNotExist`.
    pub fn describe_state_machine_for_execution(&self, arn: &str) -> Result<StateMachine, Error> {
        let row = self.0.readers.read(|journal| executions::describe(journal, arn))?;
        // A child of a Map Run names its machine with the label of the Map, which is nothing that could be stored.
        let machine = row.machine.split('/').next().unwrap_or_default();
        let mut machine = self.describe_state_machine(machine)?;
        machine.arn = row.machine;
        machine.definition = self.0.readers.read(|journal| journal.definition(row.definition))?;
        Ok(machine)
    }

    /// All state machines, oldest first. There are no pages.
    ///
    /// # Errors
    /// None but those of all operations that read.
    pub fn list_state_machines(&self) -> Result<Vec<StateMachine>, Error> {
        Ok(self.0.readers.read(Journal::state_machines)?)
    }

    /// Describes an execution.
    ///
    /// # Errors
    /// `InvalidArn`, `ExecutionDoesNotExist`.
    pub fn describe_execution(&self, arn: &str) -> Result<ExecutionDescription, Error> {
        self.0.readers.read(|journal| executions::describe_any(journal, arn)).map(Into::into)
    }

    /// A page of the executions of a state machine, newest first. With a status, it lists only those that
    /// have it.
    ///
    /// # Errors
    /// `StateMachineDoesNotExist`, `Validation` for a page that is too large, `InvalidPageToken`.
    pub fn list_executions(
        &self,
        machine_arn: &str,
        status: Option<ExecutionStatus>,
        page: &PageRequest,
    ) -> Result<ExecutionPage, Error> {
        self.0.readers.read(|journal| executions::list(journal, machine_arn, status, page))
    }

    /// A page of the children of a Map Run, newest first. With a status, it lists only those that have it.
    ///
    /// # Errors
    /// `InvalidArn`, `ResourceNotFound`, `Validation` for a page that is too large, `InvalidPageToken`.
    pub fn list_map_run_executions(
        &self,
        map_run_arn: &str,
        status: Option<ExecutionStatus>,
        page: &PageRequest,
    ) -> Result<ExecutionPage, Error> {
        self.0.readers.read(|journal| map_runs::list_children(journal, map_run_arn, status, page))
    }

    /// A page of the Map Runs of an execution, newest first.
    ///
    /// # Errors
    /// `InvalidArn`, `ExecutionDoesNotExist`, `Validation` for a page that is too large, `InvalidPageToken`.
    pub fn list_map_runs(&self, execution_arn: &str, page: &PageRequest) -> Result<MapRunPage, Error> {
        self.0.readers.read(|journal| map_runs::list(journal, execution_arn, page))
    }

    /// Describes a Map Run, and counts how its children stand.
    ///
    /// # Errors
    /// `InvalidArn`, `ResourceNotFound`.
    pub fn describe_map_run(&self, arn: &str) -> Result<MapRunDescription, Error> {
        self.0.readers.read(|journal| map_runs::describe(journal, arn))
    }

    /// A page of an execution's events (GetExecutionHistory), from the first on or, in `reverse`, from the
    /// last back.
    ///
    /// # Errors
    /// `InvalidArn`, `ExecutionDoesNotExist`, `Validation` for a page that is too large, `InvalidPageToken`.
    pub fn execution_history(
        &self,
        arn: &str,
        reverse: bool,
        page: &PageRequest,
    ) -> Result<HistoryPage, Error> {
        self.0.readers.read(|journal| executions::history(journal, arn, reverse, page))
    }
}
