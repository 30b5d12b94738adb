//! The Lambda function `close-return`.

fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run::<omniflow_returns::CloseReturn>()
}
