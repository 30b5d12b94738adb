//! The Lambda function `mark-needs-attention`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run(|sdk, environment| {
        omniflow_order::mark_needs_attention(
            &aws_sdk_dynamodb::Client::new(sdk),
            &aws_sdk_eventbridge::Client::new(sdk),
            environment,
        )
    })
    .await
}
