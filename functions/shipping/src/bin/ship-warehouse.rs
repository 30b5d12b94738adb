//! The Lambda function `ship-warehouse`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run(|sdk, environment| {
        omniflow_shipping::ship_warehouse(&aws_sdk_dynamodb::Client::new(sdk), environment)
    })
    .await
}
