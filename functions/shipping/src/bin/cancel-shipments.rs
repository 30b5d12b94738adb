//! The Lambda function `cancel-shipments`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run(|sdk, environment| {
        omniflow_shipping::cancel_shipments(
            &aws_sdk_dynamodb::Client::new(sdk),
            &aws_sdk_eventbridge::Client::new(sdk),
            environment,
        )
    })
    .await
}
