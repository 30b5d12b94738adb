//! The services of this process, as the functions in it call them.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ambient::Surroundings;
use aws_sdk_eventbridge::operation::put_events::PutEventsOutput;
use aws_sdk_eventbridge::operation::put_events::builders::PutEventsInputBuilder;
use aws_sdk_eventbridge::types::{PutEventsRequestEntry, PutEventsResultEntry};
use aws_sdk_sfn::operation::describe_execution::DescribeExecutionOutput;
use aws_sdk_sfn::operation::describe_execution::builders::DescribeExecutionInputBuilder;
use aws_sdk_sfn::operation::redrive_execution::builders::RedriveExecutionInputBuilder;
use aws_sdk_sfn::operation::send_task_failure::builders::SendTaskFailureInputBuilder;
use aws_sdk_sfn::operation::send_task_success::builders::SendTaskSuccessInputBuilder;
use aws_sdk_sfn::operation::start_execution::builders::StartExecutionInputBuilder;
use aws_sdk_sfn::operation::stop_execution::builders::StopExecutionInputBuilder;
use aws_sdk_sfn::primitives::DateTime;
use bytes::Bytes;
use engine::{Engine, PageRequest, Verdict};
use futures::future::BoxFuture;
use http::{Request, Response, StatusCode};
use omniflow_services::metrics::{LastHour, Metrics};
use omniflow_services::{EventBridge, ServiceError, ServiceFuture, StepFunctions};
use omniflow_tables::{InProcess, Service, Tables};
use serde_json::Value;

use crate::aws::{Acknowledge, Aws, PUT_AT_ONCE, WRONG_NUMBER};
use crate::bus::Entry;
use crate::functions::Clients;
use template::Place;

/// The largest number of events of a page of a history (AWS Step Functions API Reference,
/// "GetExecutionHistory").
const LARGEST_PAGE: usize = 1000;

/// The connection of functions to the services of their own process. The functions are made before the
/// services, which run them; until the runtime is assembled, no service answers. Clones lead to the same
/// services.
#[derive(Clone)]
pub struct Inside {
    tables: Tables,
    surroundings: Surroundings,
    services: Arc<OnceLock<Aws>>,
}

impl Inside {
    pub(crate) fn new(tables: Tables, surroundings: Surroundings) -> Self {
        Self { tables, surroundings, services: Arc::default() }
    }

    /// Makes these services answer from now on.
    pub(crate) fn open(&self, services: Aws) {
        // It is called once, when the runtime is assembled.
        let _ = self.services.set(services);
    }

    /// The clients for functions. Calls to DynamoDB, EventBridge and most calls to Step Functions reach the
    /// services directly, the others through the AWS SDK.
    pub fn clients(&self, place: &Place) -> Clients {
        Clients {
            dynamodb: Arc::new(self.tables.clone()),
            states: Arc::new(self.clone()),
            events: Arc::new(self.clone()),
            counted: Some(Arc::new(self.clone())),
            ..Clients::by_sdk(&self.http(), place, self.surroundings.clone())
        }
    }

    /// The same services as an HTTP client for the AWS SDK.
    pub fn http(&self) -> InProcess {
        InProcess::new(self.clone())
    }

    fn services(&self) -> Result<&Aws, ServiceError> {
        self.services.get().ok_or_else(|| ServiceError::unsendable("the runtime is still starting"))
    }

    fn engine(&self) -> Result<&Engine, ServiceError> {
        Ok(&self.services()?.engine)
    }
}

impl Service for Inside {
    fn answer(&self, request: Request<Bytes>) -> BoxFuture<'static, Response<Bytes>> {
        let services = self.services.get().cloned();
        Box::pin(async move {
            match services {
                Some(aws) => aws.answer(request, Acknowledge::Early).await,
                None => {
                    let mut response = Response::new(Bytes::new());
                    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                    response
                }
            }
        })
    }
}

impl StepFunctions for Inside {
    fn start_execution(&self, request: StartExecutionInputBuilder) -> ServiceFuture<'_, ()> {
        Box::pin(async {
            let start = request.build().map_err(ServiceError::unsendable)?;
            let machine = start.state_machine_arn.unwrap_or_default();
            let input = start.input.unwrap_or_else(|| "{}".to_owned());
            moved(self.engine()?.start_execution(machine, start.name, input).await)
        })
    }

    fn stop_execution(&self, request: StopExecutionInputBuilder) -> ServiceFuture<'_, ()> {
        Box::pin(async {
            let stop = request.build().map_err(ServiceError::unsendable)?;
            let execution = stop.execution_arn.unwrap_or_default();
            moved(self.engine()?.stop_execution(execution, stop.error, stop.cause).await)
        })
    }

    fn redrive_execution(&self, request: RedriveExecutionInputBuilder) -> ServiceFuture<'_, ()> {
        Box::pin(async {
            let redrive = request.build().map_err(ServiceError::unsendable)?;
            moved(self.engine()?.redrive_execution(redrive.execution_arn.unwrap_or_default()).await)
        })
    }

    fn describe_execution(
        &self,
        request: DescribeExecutionInputBuilder,
    ) -> ServiceFuture<'_, DescribeExecutionOutput> {
        Box::pin(async {
            let describe = request.build().map_err(ServiceError::unsendable)?;
            let arn = describe.execution_arn.unwrap_or_default();
            let described = self.engine()?.describe_execution(&arn).map_err(refused)?;
            let redrive_status = described.redrive_status();
            DescribeExecutionOutput::builder()
                .execution_arn(described.arn)
                .state_machine_arn(described.state_machine_arn)
                .name(described.name)
                .status(described.status.as_str().into())
                .start_date(DateTime::from_millis(described.started.timestamp_millis()))
                .set_error(described.error)
                .set_cause(described.cause)
                .redrive_status(redrive_status.into())
                .redrive_count(i32::try_from(described.redrive_count).unwrap_or(i32::MAX))
                .build()
                .map_err(ServiceError::unsendable)
        })
    }

    fn last_state<'a>(&'a self, execution_arn: &'a str) -> ServiceFuture<'a, Option<String>> {
        Box::pin(async move {
            let page = PageRequest { limit: LARGEST_PAGE, next: None };
            let history = self.engine()?.execution_history(execution_arn, true, &page).map_err(refused)?;
            let name = |event: &Value| event["stateEnteredEventDetails"]["name"].as_str().map(str::to_owned);
            Ok(history.events.iter().find_map(name))
        })
    }

    fn send_task_success(&self, request: SendTaskSuccessInputBuilder) -> ServiceFuture<'_, ()> {
        Box::pin(async {
            let success = request.build().map_err(ServiceError::unsendable)?;
            let verdict = Verdict::success(&success.output.unwrap_or_default()).map_err(refused)?;
            moved(self.engine()?.send_task(success.task_token.unwrap_or_default(), verdict).await)
        })
    }

    fn send_task_failure(&self, request: SendTaskFailureInputBuilder) -> ServiceFuture<'_, ()> {
        Box::pin(async {
            let failure = request.build().map_err(ServiceError::unsendable)?;
            let verdict = Verdict::Failure { error: failure.error, cause: failure.cause };
            moved(self.engine()?.send_task(failure.task_token.unwrap_or_default(), verdict).await)
        })
    }
}

fn moved<T>(answer: Result<T, engine::Error>) -> Result<(), ServiceError> {
    answer.map(drop).map_err(refused)
}

fn refused(error: engine::Error) -> ServiceError {
    ServiceError::new(error.code(), error.to_string())
}

impl Metrics for Inside {
    fn last_hour(&self) -> ServiceFuture<'_, LastHour> {
        Box::pin(async { Ok(crate::metrics::shown(self.services()?)) })
    }

    /// Counting costs nothing here.
    fn fresh_for(&self) -> Duration {
        Duration::ZERO
    }
}

impl EventBridge for Inside {
    fn put_events(&self, request: PutEventsInputBuilder) -> ServiceFuture<'_, PutEventsOutput> {
        Box::pin(async {
            let put = request.build().map_err(ServiceError::unsendable)?;
            let entries = put.entries.unwrap_or_default();
            if !PUT_AT_ONCE.contains(&entries.len()) {
                return Err(ServiceError::new("ValidationException", WRONG_NUMBER));
            }
            let entries = entries.into_iter().map(entry);
            let results = self.services()?.bus.put(entries).map_err(ServiceError::unsendable)?;
            let failed = i32::try_from(results.iter().filter(|result| result.is_err()).count());
            let results = results.into_iter().map(|result| match result {
                Ok(id) => PutEventsResultEntry::builder().event_id(id).build(),
                Err(refusal) => PutEventsResultEntry::builder()
                    .error_code(refusal.code)
                    .error_message(refusal.message)
                    .build(),
            });
            Ok(PutEventsOutput::builder()
                .failed_entry_count(failed.unwrap_or(i32::MAX))
                .set_entries(Some(results.collect()))
                .build())
        })
    }
}

fn entry(entry: PutEventsRequestEntry) -> Entry {
    Entry {
        bus: entry.event_bus_name,
        source: entry.source,
        detail_type: entry.detail_type,
        detail: entry.detail,
        resources: entry.resources,
    }
}
