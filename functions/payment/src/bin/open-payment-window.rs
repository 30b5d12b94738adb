//! The Lambda function `open-payment-window`.

use omniflow_services::{dynamodb, eventbridge, step_functions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run(|sdk, environment| {
        omniflow_payment::open_payment_window(
            &dynamodb(sdk),
            &eventbridge(sdk),
            &step_functions(sdk),
            environment,
        )
    })
    .await
}
