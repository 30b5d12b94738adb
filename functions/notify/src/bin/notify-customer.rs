//! The Lambda function `notify-customer`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run(|_, environment| omniflow_notify::notify_customer(environment)).await
}
