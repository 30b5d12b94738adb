//! The calls about one customer: their orders, and forgetting them.

use chrono::{DateTime, Utc};
use omniflow_domain::{Email, Order, OrderId};
use omniflow_store as store;
use omniflow_store::Unreadable;
use serde::Serialize;
use serde_json::json;

use crate::admin::{Admin, limit, of_path, order_after};
use crate::finding::MOST;
use crate::problem::{Kind, Problem};
use crate::read::ListView;
use crate::request::Request;
use crate::response::Response;
use crate::unavailable;
use crate::view::ListedView;

/// The largest number of orders that a problem names.
const MOST_NAMED: usize = 20;

/// What was forgotten of a customer.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Forgotten {
    /// The number of orders that say nothing of the customer any more.
    orders: usize,
    /// The number of answers to requests, kept for their idempotency keys, that were deleted.
    answers: usize,
}

/// `GET /api/v1/customers/{customer_id}/orders`
pub(crate) async fn list_orders(admin: &Admin, request: &Request) -> Result<Response, Problem> {
    let limit = limit(request, MOST)?;
    let after = order_after(request)?;
    let customer = customer(request)?;
    let page = admin.orders.list_of(customer, OrderId::PREFIX, limit, after.as_ref());
    let page = page.await.map_err(|error| unavailable(&error))?;
    let unreadable = page.orders.iter().filter(|order| order.is_err()).count();
    let shown = |now: DateTime<Utc>| {
        let orders = page.orders.iter();
        let orders = orders.map(|order| ListedView::of(order, &request.caller, request.language(), now));
        json!(ListView { orders: orders.collect(), next: page.next.as_ref(), unreadable })
    };
    // As it is at a moment that is always the same, so that no seconds are counted down in it.
    let said = shown(DateTime::UNIX_EPOCH).to_string();
    Ok(Response::json(200, &shown(admin.now())).unless_known(request, &said))
}

fn customer(request: &Request) -> Result<&str, Problem> {
    let customer = of_path(request, "customer_id");
    if customer.len() > store::LONGEST_PARTITION_KEY {
        let detail = "No customer has so long an id.".to_owned();
        return Err(Problem::new(Kind::BadRequest, detail));
    }
    Ok(customer)
}

/// `DELETE /api/v1/customers/{customer_id}`: personal data goes, the books stay. Repeated, it finds nothing more to do.
pub(crate) async fn forget(admin: &Admin, request: &Request) -> Result<Response, Problem> {
    let customer = customer(request)?;
    let orders = all_of(admin, customer).await?;
    let open: Vec<_> = orders
        .iter()
        .filter(|order| !order.status().is_final() || order.has_open_returns())
        .map(Order::id)
        .collect();
    if !open.is_empty() {
        return Err(still_open(&open, request));
    }
    // The answers first: without the orders nothing would say whose they are when this is asked again.
    let ids: Vec<_> = orders.iter().map(|order| order.id().clone()).collect();
    let answers = admin.answers.idempotency.forget(&ids).await.map_err(|error| unavailable(&error))?;
    // Then the addresses that they are found by, while the orders still tell them.
    for email in emails(&orders) {
        forget_email(admin, customer, email).await.map_err(|error| unavailable(&error))?;
    }
    for id in &ids {
        let erase = |order: &mut Order| order.erase_customer().map_err(store::Error::from);
        admin.orders.update(id, erase).await.map_err(|error| unavailable(&error))?;
    }
    Ok(Response::json(200, &json!(Forgotten { orders: ids.len(), answers })))
}

/// The addresses of the orders, each once.
fn emails(orders: &[Order]) -> Vec<&Email> {
    let mut emails: Vec<&Email> = orders.iter().filter_map(Order::email).collect();
    emails.sort_unstable_by_key(|email| email.as_str());
    emails.dedup();
    emails
}

/// Forgets which orders have this address, but for those of other customers: families share one. An order of the
/// register that was never written is nobody's.
async fn forget_email(admin: &Admin, customer: &str, email: &Email) -> Result<(), store::Error> {
    let mut after = None;
    loop {
        let ids = admin.register.orders_of(email, OrderId::PREFIX, MOST, after.as_ref()).await?;
        let Some(last) = ids.last().cloned() else { return Ok(()) };
        let found = admin.orders.page(ids.clone(), MOST).await?.orders;
        let owner = |id: &OrderId| {
            found.iter().find_map(|order| match order {
                Ok(order) => (order.id() == id).then(|| order.customer_id()),
                Err(order) => (order.order_id == *id).then_some(order.customer_id.as_deref()),
            })
        };
        let is_gone = |id: &OrderId| owner(id).is_none_or(|owner| owner == Some(customer));
        let gone: Vec<_> = ids.iter().filter(|id| is_gone(id)).cloned().collect();
        admin.register.forget_email(email, &gone).await?;
        after = Some(last);
    }
}

async fn all_of(admin: &Admin, customer: &str) -> Result<Vec<Order>, Problem> {
    let (mut orders, mut after) = (Vec::new(), None);
    loop {
        let page = admin.orders.list_of(customer, OrderId::PREFIX, MOST, after.as_ref());
        let page = page.await.map_err(|error| unavailable(&error))?;
        let read: Result<Vec<Order>, Unreadable> = page.orders.into_iter().collect();
        orders.extend(read.map_err(|error| unavailable(&store::Error::Unreadable(error)))?);
        after = page.next;
        if after.is_none() {
            return Ok(orders);
        }
    }
}

fn still_open(open: &[&OrderId], request: &Request) -> Problem {
    let number = open.len();
    let named: Vec<_> = open.iter().take(MOST_NAMED).map(|id| id.as_str()).collect();
    Problem::told(Kind::CustomerHasOpenOrders, request.language_of_problems(), [
        format!("{number} orders of this customer are open, and the customer still has to be written to. Cancel them or wait until they are closed, then ask again."),
        format!("该客户还有 {number} 个未结束的订单，仍需与其联系。请取消这些订单或等其结束后再试。"),
        format!("У этого покупателя открыто заказов: {number}, и писать ему ещё нужно. Отмените их или дождитесь завершения и повторите."),
    ])
    .with("orders", json!(named))
}
