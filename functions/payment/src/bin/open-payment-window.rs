//! The Lambda function `open-payment-window`.

fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run::<omniflow_payment::OpenPaymentWindow>()
}
