//! The Lambda function `close-payment-window`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run(|sdk, environment| {
        omniflow_payment::close_payment_window(
            &aws_sdk_dynamodb::Client::new(sdk),
            &aws_sdk_sfn::Client::new(sdk),
            environment,
        )
    })
    .await
}
