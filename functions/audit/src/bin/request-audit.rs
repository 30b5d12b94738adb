//! The Lambda function `request-audit`.

fn main() -> Result<(), omniflow_bootstrap::Error> {
    omniflow_bootstrap::run::<omniflow_audit::RequestAudit>()
}
