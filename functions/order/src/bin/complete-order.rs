//! The Lambda function `complete-order`.

fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run::<omniflow_order::CompleteOrder>()
}
