//! The Lambda function `release-stock`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run(|sdk, environment| {
        omniflow_stock::release_stock(
            &aws_sdk_dynamodb::Client::new(sdk),
            &aws_sdk_eventbridge::Client::new(sdk),
            environment,
        )
    })
    .await
}
