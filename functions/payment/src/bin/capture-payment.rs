//! The Lambda function `capture-payment`.

fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run::<omniflow_payment::CapturePayment>()
}
