//! The Lambda function `warehouse-api`.

fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run::<omniflow_api::WarehouseApi>()
}
