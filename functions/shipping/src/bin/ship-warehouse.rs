//! The Lambda function `ship-warehouse`.

fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run::<omniflow_shipping::ShipWarehouse>()
}
