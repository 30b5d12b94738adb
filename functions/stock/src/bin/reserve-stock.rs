//! The Lambda function `reserve-stock`.

fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run::<omniflow_stock::ReserveStock>()
}
