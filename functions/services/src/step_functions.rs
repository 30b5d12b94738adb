//! AWS Step Functions as a trait.

use aws_sdk_sfn::Client;
use aws_sdk_sfn::operation::send_task_failure::builders::SendTaskFailureInputBuilder;
use aws_sdk_sfn::operation::send_task_success::builders::SendTaskSuccessInputBuilder;
use aws_sdk_sfn::operation::start_execution::builders::StartExecutionInputBuilder;
use aws_sdk_sfn::operation::stop_execution::builders::StopExecutionInputBuilder;

use crate::ServiceFuture;

/// Step Functions, as far as the functions start and stop executions and answer their tasks. See the AWS Step
/// Functions API Reference for what a request does. Executions are read by the SDK's client itself.
#[allow(missing_docs, reason = "the reference describes the requests")]
pub trait StepFunctions: Send + Sync {
    fn start_execution(&self, request: StartExecutionInputBuilder) -> ServiceFuture<'_, ()>;

    fn stop_execution(&self, request: StopExecutionInputBuilder) -> ServiceFuture<'_, ()>;

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

    fn send_task_success(&self, request: SendTaskSuccessInputBuilder) -> ServiceFuture<'_, ()> {
        Box::pin(async { Ok(request.send_with(self).await.map(drop)?) })
    }

    fn send_task_failure(&self, request: SendTaskFailureInputBuilder) -> ServiceFuture<'_, ()> {
        Box::pin(async { Ok(request.send_with(self).await.map(drop)?) })
    }
}
