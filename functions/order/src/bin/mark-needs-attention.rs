//! The Lambda function `mark-needs-attention`.

fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run::<omniflow_order::MarkNeedsAttention>()
}
