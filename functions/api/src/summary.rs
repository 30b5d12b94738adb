//! How many orders are in each state.

use futures::future::try_join_all;
use omniflow_domain::{Status, texts};
use serde::Serialize;
use serde_json::json;

use crate::problem::Problem;
use crate::request::Request;
use crate::response::Response;
use crate::{Api, unavailable};

/// Counting reads each index entry; beyond this many of one state nobody needs the number to the last.
const MOST_COUNTED: i32 = 1000;

/// The orders in all states.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Summary {
    states: Vec<StateCount>,
}

/// The orders in one state.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct StateCount {
    state: Status,
    /// For people.
    status: &'static str,
    count: u64,
    /// Whether there are more than were counted.
    more: bool,
}

/// `GET /api/v1/summary`
pub(crate) async fn read_summary(api: &Api, request: &Request) -> Result<Response, Problem> {
    let language = request.language();
    let counts = Status::ALL.map(|state| async move {
        let counted = api.orders.count(state, MOST_COUNTED).await?;
        let status = texts::text(state, language);
        Ok(StateCount { state, status, count: counted.count, more: counted.more })
    });
    let states = try_join_all(counts).await.map_err(|error| unavailable(&error))?;
    Ok(Response::json(200, &json!(Summary { states })))
}
