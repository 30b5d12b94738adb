//! The Lambda function `notify-customer`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run(|sdk, environment| {
        omniflow_notify::notify_customer(&aws_sdk_sesv2::Client::new(sdk), environment)
    })
    .await
}
