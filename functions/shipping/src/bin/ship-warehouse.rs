//! The Lambda function `ship-warehouse`.

use omniflow_services::dynamodb;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run(|sdk, environment| omniflow_shipping::ship_warehouse(&dynamodb(sdk), environment))
        .await
}
