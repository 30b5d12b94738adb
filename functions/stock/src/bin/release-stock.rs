//! The Lambda function `release-stock`.

fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run::<omniflow_stock::ReleaseStock>()
}
