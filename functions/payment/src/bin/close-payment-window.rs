//! The Lambda function `close-payment-window`.

use omniflow_services::{dynamodb, step_functions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run(|sdk, environment| {
        omniflow_payment::close_payment_window(&dynamodb(sdk), &step_functions(sdk), environment)
    })
    .await
}
