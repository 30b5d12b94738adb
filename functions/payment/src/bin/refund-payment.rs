//! The Lambda function `refund-payment`.

fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run::<omniflow_payment::RefundPayment>()
}
