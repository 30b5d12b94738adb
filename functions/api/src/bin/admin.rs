//! The Lambda function `admin`.

fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run::<omniflow_api::Admin>()
}
