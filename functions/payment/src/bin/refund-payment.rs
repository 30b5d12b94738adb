//! The Lambda function `refund-payment`.

use omniflow_services::{dynamodb, eventbridge};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run(|sdk, environment| {
        omniflow_payment::refund_payment(&dynamodb(sdk), &eventbridge(sdk), environment)
    })
    .await
}
