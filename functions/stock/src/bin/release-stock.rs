//! The Lambda function `release-stock`.

use omniflow_services::{dynamodb, eventbridge};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run(|sdk, environment| {
        omniflow_stock::release_stock(&dynamodb(sdk), &eventbridge(sdk), environment)
    })
    .await
}
