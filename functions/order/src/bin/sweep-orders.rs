//! The Lambda function `sweep-orders`.

use omniflow_services::{dynamodb, step_functions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run(|sdk, environment| {
        omniflow_order::sweep_orders(&dynamodb(sdk), &step_functions(sdk), environment)
    })
    .await
}
