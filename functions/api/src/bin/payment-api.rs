//! The Lambda function `payment-api`.

fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run::<omniflow_api::PaymentApi>()
}
