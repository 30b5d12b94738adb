//! The Lambda function `api`.

use omniflow_services::{dynamodb, step_functions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run(|sdk, environment| {
        omniflow_api::api(&dynamodb(sdk), &step_functions(sdk), &aws_sdk_sfn::Client::new(sdk), environment)
    })
    .await
}
