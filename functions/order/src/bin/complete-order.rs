//! The Lambda function `complete-order`.

use omniflow_services::{dynamodb, eventbridge};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run(|sdk, environment| {
        omniflow_order::complete_order(&dynamodb(sdk), &eventbridge(sdk), environment)
    })
    .await
}
