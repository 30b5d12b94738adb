//! The Lambda function `seed-stock`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run(|sdk, environment| {
        omniflow_stock::seed_stock(&aws_sdk_dynamodb::Client::new(sdk), environment)
    })
    .await
}
