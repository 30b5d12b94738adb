//! The Lambda function `close-payment-window`.

fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run::<omniflow_payment::ClosePaymentWindow>()
}
