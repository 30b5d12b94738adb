//! The Lambda function `receive-payment-event`.

fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run::<omniflow_payment::ReceivePaymentEvent>()
}
