//! The Lambda function `refund-return`.

fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run::<omniflow_payment::RefundReturn>()
}
