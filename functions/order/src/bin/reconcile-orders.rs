//! The Lambda function `reconcile-orders`.

fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run::<omniflow_order::ReconcileOrders>()
}
