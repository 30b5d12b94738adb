//! The Lambda function `await-returned-goods`.

fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run::<omniflow_returns::AwaitReturnedGoods>()
}
