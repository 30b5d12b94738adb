//! The Lambda function `mark-needs-attention`.

use omniflow_services::{dynamodb, eventbridge};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run(|sdk, environment| {
        omniflow_order::mark_needs_attention(&dynamodb(sdk), &eventbridge(sdk), environment)
    })
    .await
}
