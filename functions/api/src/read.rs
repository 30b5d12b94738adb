//! Reading orders.

use omniflow_domain::problem::{Kind, Problem};
use omniflow_domain::{OrderId, Status};
use serde_json::json;

use crate::request::Request;
use crate::response::Response;
use crate::{Api, unavailable, view};

const DEFAULT_LIMIT: usize = 20;
const MOST: usize = 100;

pub(crate) async fn read_order(api: &Api, request: &Request) -> Result<Response, Problem> {
    let order = api.orders.get(&request.order_id()?).await.map_err(|error| unavailable(&error))?;
    Ok(Response::json(200, &view::order(&order, request.language(), api.clock.now())))
}

pub(crate) async fn list_orders(api: &Api, request: &Request) -> Result<Response, Problem> {
    let bad = |detail: String| Problem::new(Kind::BadRequest, detail);
    let state = match request.query("state") {
        None => None,
        Some(name) => Some(Status::parse(name).ok_or_else(|| {
            let known = Status::ALL.map(Status::name).join(", ");
            bad(format!("'{name}' is not a state; there are: {known}."))
        })?),
    };
    let limit =
        match request.query("limit") {
            None => DEFAULT_LIMIT,
            Some(text) => text.parse().ok().filter(|limit| (1..=MOST).contains(limit)).ok_or_else(|| {
                bad(format!("'limit' must be a whole number from 1 to {MOST}, not '{text}'."))
            })?,
        };
    let after = match request.query("next") {
        None => None,
        Some(text) => Some(OrderId::parse(text).map_err(|_| {
            bad(format!("'next' must be what the page before gave as 'next', not '{text}'."))
        })?),
    };
    let page = api.orders.list(state, limit, after.as_ref()).await.map_err(|error| unavailable(&error))?;
    let now = api.clock.now();
    let orders: Vec<_> =
        page.orders.iter().map(|order| view::order(order, request.language(), now)).collect();
    Ok(Response::json(200, &json!({ "orders": orders, "next": page.next.as_ref().map(OrderId::as_str) })))
}
