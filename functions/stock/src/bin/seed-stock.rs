//! The Lambda function `seed-stock`.

fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run::<omniflow_stock::SeedStock>()
}
