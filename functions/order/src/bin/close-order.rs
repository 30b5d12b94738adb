//! The Lambda function `close-order`.

fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run::<omniflow_order::CloseOrder>()
}
