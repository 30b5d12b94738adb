//! Step Functions.

use aws_sdk_sfn::Client;
use aws_sdk_sfn::operation::send_task_failure::builders::SendTaskFailureInputBuilder;
use aws_sdk_sfn::operation::send_task_success::builders::SendTaskSuccessInputBuilder;
use aws_sdk_sfn::operation::start_execution::builders::StartExecutionInputBuilder;
use aws_sdk_sfn::operation::stop_execution::builders::StopExecutionInputBuilder;

use crate::Answer;

/// Step Functions, as far as the functions move executions. See the AWS Step Functions API Reference for what a request
/// does. (Whoever only looks at executions takes the SDK's client.)
pub trait StepFunctions: Send + Sync {
    /// StartExecution.
    fn start_execution(&self, request: StartExecutionInputBuilder) -> Answer<'_, ()>;

    /// StopExecution.
    fn stop_execution(&self, request: StopExecutionInputBuilder) -> Answer<'_, ()>;

    /// SendTaskSuccess.
    fn send_task_success(&self, request: SendTaskSuccessInputBuilder) -> Answer<'_, ()>;

    /// SendTaskFailure.
    fn send_task_failure(&self, request: SendTaskFailureInputBuilder) -> Answer<'_, ()>;
}

impl StepFunctions for Client {
    fn start_execution(&self, request: StartExecutionInputBuilder) -> Answer<'_, ()> {
        Box::pin(async { Ok(request.send_with(self).await.map(drop)?) })
    }

    fn stop_execution(&self, request: StopExecutionInputBuilder) -> Answer<'_, ()> {
        Box::pin(async { Ok(request.send_with(self).await.map(drop)?) })
    }

    fn send_task_success(&self, request: SendTaskSuccessInputBuilder) -> Answer<'_, ()> {
        Box::pin(async { Ok(request.send_with(self).await.map(drop)?) })
    }

    fn send_task_failure(&self, request: SendTaskFailureInputBuilder) -> Answer<'_, ()> {
        Box::pin(async { Ok(request.send_with(self).await.map(drop)?) })
    }
}
