//! The Lambda function `notify-customer`.

fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run::<omniflow_notify::NotifyCustomer>()
}
