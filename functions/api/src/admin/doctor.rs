//! What stands still, and helping it on: the reconciler, for those who run the shop.

use std::time::Duration;

use omniflow_store::reconcile::{Findings, Repaired, Scope};
use serde::Serialize;
use serde_json::json;

use crate::admin::Admin;
use crate::problem::Problem;
use crate::response::Response;
use crate::unavailable;

/// The longest times that a request looks for what stands still, and takes care of it: API Gateway waits for 30 s at most.
const LOOKS_FOR: Duration = Duration::from_secs(12);
const REPAIRS_FOR: Duration = Duration::from_secs(8);

/// What was found, and what was done about it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Examination"))]
pub(crate) struct Examination {
    #[serde(flatten)]
    found: Findings,
    /// What a repair did; left out when none was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    repair: Option<Repaired>,
}

/// `GET /api/v1/doctor`
pub(crate) async fn examine(admin: &Admin) -> Result<Response, Problem> {
    let found = found(admin).await?;
    Ok(Response::json(200, &json!(Examination { found, repair: None })))
}

/// `POST /api/v1/doctor`
pub(crate) async fn repair(admin: &Admin) -> Result<Response, Problem> {
    let found = found(admin).await?;
    let repair = Some(admin.reconciler.repair(&found, REPAIRS_FOR).await);
    Ok(Response::json(200, &json!(Examination { found, repair })))
}

async fn found(admin: &Admin) -> Result<Findings, Problem> {
    let found = admin.reconciler.examine(Scope::OrdersAndStock, LOOKS_FOR);
    found.await.map_err(|error| unavailable(&error))
}
