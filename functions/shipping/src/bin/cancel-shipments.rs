//! The Lambda function `cancel-shipments`.

fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run::<omniflow_shipping::CancelShipments>()
}
