//! Reading orders.

use chrono::{DateTime, Utc};
use omniflow_domain::OrderId;
use omniflow_store as store;
use omniflow_store::LONGEST_PARTITION_KEY;
use serde::Serialize;
use serde_json::json;

use crate::admin::{limit, order_after};
use crate::finding::{self, Filter, MOST};
use crate::problem::Problem;
use crate::request::Request;
use crate::response::Response;
use crate::view::ListedView;
use crate::{Api, refused, unavailable, view};

pub(crate) const DEFAULT_LIMIT: usize = 20;
/// The most characters of a customer's id that orders are looked for by: they surely have no more bytes than a key may
/// have, since each has 4 at most (RFC 3629, section 3).
pub(crate) const LONGEST_CUSTOMER: usize = LONGEST_PARTITION_KEY / 4;
/// A page of a list.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Orders"))]
pub(crate) struct ListView<'a> {
    /// The orders, newest first. They may be fewer than asked for, or none, and yet there is a next page.
    pub orders: Vec<ListedView<'a>>,
    /// The `next` to ask for the following page with; null on the last page.
    pub next: Option<&'a OrderId>,
    /// The number of orders that were looked at for this page and can't be read. A list has them among the
    /// others. A search can't look into them, and has only those that it finds by their customer.
    pub unreadable: usize,
}

pub(crate) async fn read_order(api: &Api, request: &Request) -> Result<Response, Problem> {
    let id = request.order_id()?;
    let wait = api.patience.grant(request);
    let failed = |error: store::Error| refused(error, &request.caller);
    let read = match wait {
        None => api.orders.get(&id).await,
        // The order may be out of date, since its next change is waited for.
        Some(_) => api.orders.recall(&id, |known| !known.rests()).await,
    };
    let mut order = read.map_err(failed)?;
    if !request.caller.sees(order.customer_id()) {
        return Err(unavailable(&store::Error::NoOrder(id)));
    }
    if let Some(wait) = &wait {
        order = api.orders.at_rest(order, wait.duration()).await.map_err(failed)?;
    }
    // As it is at a moment that is always the same, so that no seconds are counted down in it.
    let said = view::answer(&order, request, DateTime::UNIX_EPOCH)?;
    let answer = Response::text(200, view::answer(&order, request, api.now())?).unless_known(request, &said);
    Ok(match wait {
        Some(wait) => answer.with_header("preference-applied", format!("wait={}", wait.seconds)),
        None => answer,
    })
}

pub(crate) async fn list_orders(api: &Api, request: &Request) -> Result<Response, Problem> {
    let filter = Filter::read(request, api.currency)?;
    let limit = if request.query("limit").is_some() { limit(request, MOST)? } else { DEFAULT_LIMIT };
    let after = order_after(request)?;
    let typed = request.query("search").unwrap_or_default();
    let page = finding::find(api, &filter, typed, limit, after.as_ref())
        .await
        .map_err(|error| unavailable(&error))?;
    let shown = |now: DateTime<Utc>| {
        let orders = page.orders.iter();
        let orders = orders.map(|order| ListedView::of(order, &request.caller, request.language(), now));
        let list =
            ListView { orders: orders.collect(), next: page.next.as_ref(), unreadable: page.unreadable };
        json!(list)
    };
    // As above.
    let said = shown(DateTime::UNIX_EPOCH).to_string();
    Ok(Response::json(200, &shown(api.now())).unless_known(request, &said))
}
