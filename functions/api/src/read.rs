//! Reading orders.

use chrono::{DateTime, Utc};
use omniflow_domain::folding::fold;
use omniflow_domain::{Email, Money, Order, OrderId, Status};
use omniflow_store as store;
use omniflow_store::{LONGEST_PARTITION_KEY, Unreadable};
use serde::Serialize;
use serde_json::json;

use crate::problem::{Kind, Problem};
use crate::request::Request;
use crate::response::Response;
use crate::view::ListedView;
use crate::{Api, refused, unavailable, view};

pub(crate) const DEFAULT_LIMIT: usize = 20;
pub(crate) const MOST: usize = 100;
/// The most characters of a customer's id that orders are looked for by: they surely have no more bytes than a key may
/// have, since each has 4 at most (RFC 3629, section 3).
pub(crate) const LONGEST_CUSTOMER: usize = LONGEST_PARTITION_KEY / 4;
/// The largest number of orders that one search looks at.
const MOST_LOOKED_AT: usize = 500;
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
    let search = Search::read(request.query("search").unwrap_or_default());
    let wanted = match request.query("customer") {
        Some(text) if !(1..=LONGEST_CUSTOMER).contains(&text.chars().count()) => {
            return Err(bad(format!(
                "'customer' must have from 1 to {LONGEST_CUSTOMER} characters; it is a customer's whole id."
            )));
        }
        wanted => wanted,
    };
    let page = find(api, request.caller.customer().or(wanted), state, &search, limit, after)
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

/// What is searched for in a list.
#[derive(Debug, PartialEq, Eq)]
enum Search {
    /// The search is for orders whose ids begin with this text, which the index finds.
    Id(String),
    /// The search is for orders of which this text is a part of the id, the customer, the address that is
    /// written to, a product, a tracking number or the failure, whatever its case ([`fold`]), or the whole
    /// amount. Each order is looked at.
    Text(String),
}

impl Search {
    fn read(text: &str) -> Self {
        let text = text.trim();
        let id = text.to_ascii_uppercase();
        let is_id = OrderId::PREFIX.starts_with(&id)
            || id
                .strip_prefix(OrderId::PREFIX)
                .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
        if text.is_empty() {
            Self::Id(OrderId::PREFIX.to_owned())
        } else if is_id {
            Self::Id(id)
        } else {
            Self::Text(fold(text))
        }
    }

    fn prefix(&self) -> &str {
        match self {
            Self::Id(prefix) => prefix,
            Self::Text(_) => OrderId::PREFIX,
        }
    }

    fn matches(&self, order: &Listed) -> bool {
        let Self::Text(wanted) = self else { return true };
        let has = |text: &str| fold(text).contains(wanted);
        match order {
            Ok(order) => {
                let items =
                    order.items().iter().flat_map(|item| [item.product_id.as_str(), item.name.as_str()]);
                let tracking = order.shipments().iter().filter_map(|shipment| shipment.tracking.as_deref());
                let texts = items.chain(tracking).chain([order.id().as_str()]);
                let amount = || {
                    Money::parse(wanted, order.amount().currency())
                        .is_ok_and(|amount| amount == order.amount())
                };
                texts
                    .chain(order.customer_id())
                    .chain(order.email().map(Email::as_str))
                    .chain(order.failure())
                    .any(has)
                    || amount()
            }
            Err(order) => has(order.order_id.as_str()) || order.customer_id.as_deref().is_some_and(has),
        }
    }
}

/// An order of a list, or what is known of one that can't be read.
type Listed = Result<Order, Unreadable>;

/// The orders that were found.
struct Found {
    orders: Vec<Listed>,
    next: Option<OrderId>,
    /// How many of the orders that were looked at can't be read.
    unreadable: usize,
}

/// Finds a page of the orders that are searched for. A page may have fewer orders than fit, or none, and yet
/// be followed by another: [`MOST_LOOKED_AT`] orders are looked at and no more.
async fn find(
    api: &Api,
    customer: Option<&str>,
    state: Option<Status>,
    search: &Search,
    limit: usize,
    mut after: Option<OrderId>,
) -> Result<Found, store::Error> {
    let (mut found, mut unreadable) = (Vec::new(), 0);
    for _ in 0..MOST_LOOKED_AT / MOST {
        let page = match customer {
            None => {
                let chunk = if matches!(search, Search::Id(_)) { limit } else { MOST };
                api.orders.list(state, search.prefix(), chunk, after.as_ref()).await?
            }
            Some(customer) => api.orders.list_of(customer, search.prefix(), MOST, after.as_ref()).await?,
        };
        // A list that was made by state may hold an order that has gone on since; that is no reason to leave
        // it out.
        let wanted = |order: &Listed| {
            customer.is_none() || state.is_none_or(|state| state_of(order).is_none_or(|its| its == state))
        };
        let mut orders = page.orders.into_iter();
        while found.len() < limit
            && let Some(order) = orders.next()
        {
            unreadable += usize::from(order.is_err());
            if wanted(&order) && search.matches(&order) {
                found.push(order);
            }
        }
        if found.len() == limit {
            let left_over = orders.any(|order| wanted(&order) && search.matches(&order));
            let next = found.last().map(id_of).filter(|_| left_over || page.next.is_some()).cloned();
            return Ok(Found { orders: found, next, unreadable });
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok(Found { orders: found, next: after, unreadable })
}

fn id_of(order: &Listed) -> &OrderId {
    match order {
        Ok(order) => order.id(),
        Err(order) => &order.order_id,
    }
}

/// The state of the order, if it can be read.
fn state_of(order: &Listed) -> Option<Status> {
    match order {
        Ok(order) => Some(order.status()),
        Err(order) => order.status,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_the_beginning_of_an_id_is_one() {
        for (text, id) in [("", "ORD-"), (" ord-17 ", "ORD-17"), ("OR", "OR"), ("ORD-", "ORD-")] {
            assert_eq!(Search::read(text), Search::Id(id.to_owned()), "{text}");
        }
        for text in ["ordinary", "customer-001", "ORD-1x", "17"] {
            assert_eq!(Search::read(text), Search::Text(fold(text)), "{text}");
        }
    }
}
