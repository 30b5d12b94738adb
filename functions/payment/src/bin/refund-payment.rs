//! The Lambda function `refund-payment`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run(|sdk, environment| {
        omniflow_payment::refund_payment(
            &aws_sdk_dynamodb::Client::new(sdk),
            &aws_sdk_eventbridge::Client::new(sdk),
            environment,
        )
    })
    .await
}
