//! The call that counts the orders in each state.

use futures::future::{try_join, try_join_all};
use omniflow_domain::{Status, texts};
use serde::Serialize;
use serde_json::json;

use crate::problem::Problem;
use crate::request::Request;
use crate::response::Response;
use crate::{Api, unavailable};

/// The largest number of orders that are counted in each state. Counting reads each entry of the index, and
/// of more orders nobody needs the exact number.
const MOST_COUNTED: i32 = 1000;

/// The number of orders in each state.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Summary {
    states: Vec<StateCount>,
    /// The orders of which a return is neither refunded nor rejected. They are among the completed ones, too.
    open_returns: OpenReturnsCount,
}

/// The number of orders with open returns.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct OpenReturnsCount {
    count: u64,
    /// Whether there are more than were counted.
    more: bool,
}

/// The number of orders in one state.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct StateCount {
    state: Status,
    /// The state as people read it.
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
    let counts = try_join(try_join_all(counts), api.orders.count_open_returns(MOST_COUNTED));
    let (states, returns) = counts.await.map_err(|error| unavailable(&error))?;
    let open_returns = OpenReturnsCount { count: returns.count, more: returns.more };
    Ok(Response::json_unless_known(request, &json!(Summary { states, open_returns })))
}
