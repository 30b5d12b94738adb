//! The Lambda function `read-metrics`.

fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run::<omniflow_api::ReadMetrics>()
}
