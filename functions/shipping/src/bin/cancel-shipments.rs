//! The Lambda function `cancel-shipments`.

use omniflow_services::{dynamodb, eventbridge};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run(|sdk, environment| {
        omniflow_shipping::cancel_shipments(&dynamodb(sdk), &eventbridge(sdk), environment)
    })
    .await
}
