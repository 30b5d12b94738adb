//! The Lambda function `await-return-review`.

fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run::<omniflow_returns::AwaitReturnReview>()
}
