//! AWS Step Functions as a trait.

use aws_sdk_sfn::Client;
use aws_sdk_sfn::operation::describe_execution::DescribeExecutionOutput;
use aws_sdk_sfn::operation::describe_execution::builders::DescribeExecutionInputBuilder;
use aws_sdk_sfn::operation::redrive_execution::builders::RedriveExecutionInputBuilder;
use aws_sdk_sfn::operation::send_task_failure::builders::SendTaskFailureInputBuilder;
use aws_sdk_sfn::operation::send_task_success::builders::SendTaskSuccessInputBuilder;
use aws_sdk_sfn::operation::start_execution::builders::StartExecutionInputBuilder;
use aws_sdk_sfn::operation::stop_execution::builders::StopExecutionInputBuilder;

use crate::ServiceFuture;

/// The largest number of events of a page of a history (AWS Step Functions API Reference,
/// "GetExecutionHistory").
const LARGEST_PAGE: i32 = 1000;

/// Step Functions, as far as the functions start, redrive, stop and describe executions and answer their tasks. See the AWS Step
/// Functions API Reference for what a request does. The histories of executions are
/// shown by the SDK's client itself.
#[allow(missing_docs, reason = "the reference describes the requests")]
pub trait StepFunctions: Send + Sync {
    fn start_execution(&self, request: StartExecutionInputBuilder) -> ServiceFuture<'_, ()>;

    fn stop_execution(&self, request: StopExecutionInputBuilder) -> ServiceFuture<'_, ()>;

    fn redrive_execution(&self, request: RedriveExecutionInputBuilder) -> ServiceFuture<'_, ()>;

    fn describe_execution(
        &self,
        request: DescribeExecutionInputBuilder,
    ) -> ServiceFuture<'_, DescribeExecutionOutput>;

    /// The name of the state that an execution entered last, as its history tells; `None` when that lies
    /// further back than one page of it.
    fn last_state<'a>(&'a self, execution_arn: &'a str) -> ServiceFuture<'a, Option<String>>;

    fn send_task_success(&self, request: SendTaskSuccessInputBuilder) -> ServiceFuture<'_, ()>;

    fn send_task_failure(&self, request: SendTaskFailureInputBuilder) -> ServiceFuture<'_, ()>;
}

impl StepFunctions for Client {
    fn start_execution(&self, request: StartExecutionInputBuilder) -> ServiceFuture<'_, ()> {
        Box::pin(async { Ok(request.send_with(self).await.map(drop)?) })
    }

    fn stop_execution(&self, request: StopExecutionInputBuilder) -> ServiceFuture<'_, ()> {
        Box::pin(async { Ok(request.send_with(self).await.map(drop)?) })
    }

    fn redrive_execution(&self, request: RedriveExecutionInputBuilder) -> ServiceFuture<'_, ()> {
        Box::pin(async { Ok(request.send_with(self).await.map(drop)?) })
    }

    fn describe_execution(
        &self,
        request: DescribeExecutionInputBuilder,
    ) -> ServiceFuture<'_, DescribeExecutionOutput> {
        Box::pin(async { Ok(request.send_with(self).await?) })
    }

    fn last_state<'a>(&'a self, execution_arn: &'a str) -> ServiceFuture<'a, Option<String>> {
        Box::pin(async move {
            let history = self
                .get_execution_history()
                .execution_arn(execution_arn)
                .reverse_order(true)
                .include_execution_data(false)
                .max_results(LARGEST_PAGE);
            let events = history.send().await?.events;
            let entered = events.into_iter().find_map(|event| event.state_entered_event_details);
            Ok(entered.map(|state| state.name))
        })
    }

    fn send_task_success(&self, request: SendTaskSuccessInputBuilder) -> ServiceFuture<'_, ()> {
        Box::pin(async { Ok(request.send_with(self).await.map(drop)?) })
    }

    fn send_task_failure(&self, request: SendTaskFailureInputBuilder) -> ServiceFuture<'_, ()> {
        Box::pin(async { Ok(request.send_with(self).await.map(drop)?) })
    }
}
