//! The Lambda function `seed-stock`.

use omniflow_services::dynamodb;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run(|sdk, environment| omniflow_stock::seed_stock(&dynamodb(sdk), environment)).await
}
