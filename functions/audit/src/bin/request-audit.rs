//! The Lambda function `request-audit`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run(|sdk, environment| {
        omniflow_audit::request_audit(
            &aws_sdk_dynamodb::Client::new(sdk),
            &aws_sdk_eventbridge::Client::new(sdk),
            &aws_sdk_sfn::Client::new(sdk),
            environment,
        )
    })
    .await
}
