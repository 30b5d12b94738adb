//! What other systems hear: an event for every change of an order's status, and one when the stock of a product is low.
//!
//! An event can be made again at any time from the order, and is the same then, its id too, so that a listener
//! can drop the repeat. Which events must be published, and by whom, [`Order::unannounced_from`] says.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::catalogue::Product;
use crate::order::returns::{Return, ReturnChange, ReturnState};
use crate::order::{Change, Order, PaymentEntry};
use crate::status::Status;

/// The `source` of all events about orders (Amazon EventBridge User Guide, "Event structure").
pub const SOURCE: &str = "omniflow.orders";
/// The `source` of events about stock.
pub const STOCK_SOURCE: &str = "omniflow.stock";
/// The `detail-type` of the event that the stock of a product is low, which `events/stock-low.schema.json` describes.
pub const LOW_STOCK_DETAIL_TYPE: &str = "Stock Low";
/// The `detail-type` of events about statuses.
pub const DETAIL_TYPE: &str = "Order Status Changed";
/// The `detail-type` of events about what became known of an order's money beside its statuses, which
/// `events/order-payment-changed.schema.json` describes.
pub const PAYMENT_DETAIL_TYPE: &str = "Order Payment Changed";
/// The `detail-type` of events about what became of a return, which `events/order-return-changed.schema.json`
/// describes.
pub const RETURN_DETAIL_TYPE: &str = "Order Return Changed";
/// The version of the detail, which `events/order-status-changed.schema.json` describes. It counts up when a
/// listener that knows the shape before would misunderstand it; a new optional member is no reason.
pub const VERSION: u32 = 1;

/// The detail of the event that so few pieces of the product are available, which were more before; it is the same each
/// time but for the moment and the pieces, and listeners drop repeats by its id. `times` counts how often this has been so.
pub fn low_stock(product: &Product, available: u64, times: u64, at: DateTime<Utc>) -> Value {
    json!({
        "version": VERSION,
        "event_id": format!("{}:LOW:{times}", product.product_id),
        "product_id": product.product_id,
        "name": product.name,
        "available": available,
        "low_stock": product.low_stock,
        "at": at,
    })
}

/// The details of the events about the changes that the order still has to announce, oldest first.
pub fn unannounced(order: &Order) -> impl Iterator<Item = Value> {
    let told =
        (order.unannounced_from()..order.timeline().len()).filter(|index| !is_resumption(order, *index));
    told.filter_map(|index| detail(order, index))
}

/// The detail of the event about the change of this index in the order's timeline, if there is one.
pub fn detail(order: &Order, index: usize) -> Option<Value> {
    let change = order.timeline().get(index)?;
    let mut detail = json!({
        "version": VERSION,
        "event_id": id(order, index, change),
        "order_id": order.id().as_str(),
        "state": change.status.name(),
        "at": change.at,
        "amount": order.amount().to_string(),
        "currency": order.amount().currency(),
        "language": order.language(),
    });
    name_order(&mut detail, order);
    if let Some(reason) =
        order.reason().filter(|_| change.status.is_undone() || change.status == Status::NeedsAttention)
    {
        detail["reason"] = json!(reason);
    }
    Some(detail)
}

/// The details of the events about what became known of the order's money by this event of the provider, as
/// far as others are told of that. They are the same each time.
pub fn of_payment<'a>(order: &'a Order, event: &'a str) -> impl Iterator<Item = Value> + 'a {
    let history = order.payment().history.iter().enumerate();
    history
        .filter(move |(_, entry)| entry.event.as_deref() == Some(event))
        .filter(|(_, entry)| entry.news.is_told())
        .map(|(index, entry)| payment_detail(order, index, entry))
}

/// The details of the events about the changes of the order's returns that have still to be announced, oldest first of
/// each return. They are the same each time.
pub fn unannounced_returns(order: &Order) -> impl Iterator<Item = Value> {
    order.returns().iter().flat_map(move |it| {
        let changes = it.history.iter().enumerate().skip(it.announced);
        let came_back = |index: usize| {
            let before = index.checked_sub(1).and_then(|before| it.history.get(before));
            before.is_some_and(|before| before.state == ReturnState::NeedsAttention)
        };
        changes
            .filter(move |(index, change)| change.state.is_final() || !came_back(*index))
            .map(move |(index, change)| return_detail(order, it, index, change))
    })
}

fn return_detail(order: &Order, it: &Return, index: usize, change: &ReturnChange) -> Value {
    let amount = match change.state {
        ReturnState::Received | ReturnState::Refunded => it.refund.unwrap_or(it.value),
        _ => it.value,
    };
    let mut detail = json!({
        "version": VERSION,
        "event_id": format!("{}:RETURN:{}:{}", order.id(), it.number, index + 1),
        "order_id": order.id().as_str(),
        "return": it.number,
        "return_state": change.state,
        "at": change.at,
        "amount": amount.to_string(),
        "currency": amount.currency(),
        "language": order.language(),
    });
    name_order(&mut detail, order);
    detail
}

fn payment_detail(order: &Order, index: usize, entry: &PaymentEntry) -> Value {
    let amount = entry.amount.unwrap_or_else(|| order.amount());
    let mut detail = json!({
        "version": VERSION,
        "event_id": format!("{}:PAYMENT:{}", order.id(), index + 1),
        "order_id": order.id().as_str(),
        "news": entry.news,
        "at": entry.at,
        "amount": amount.to_string(),
        "currency": amount.currency(),
        "language": order.language(),
    });
    name_order(&mut detail, order);
    detail
}

/// Adds which number the order has, whose it is, and where they are written to, to the detail of an event.
fn name_order(detail: &mut Value, order: &Order) {
    if let Some(number) = order.number() {
        detail["number"] = json!(number);
    }
    if let Some(customer) = order.customer_id() {
        detail["customer_id"] = json!(customer);
    }
    if let Some(email) = order.email() {
        detail["email"] = json!(email);
    }
}

/// Whether the order only came back to the status that it had before it needed attention, of which everybody
/// has been told.
fn is_resumption(order: &Order, index: usize) -> bool {
    let status = |index: usize| order.timeline().get(index).map(|change| change.status);
    let needed_attention = index.checked_sub(1).and_then(status) == Some(Status::NeedsAttention);
    needed_attention && status(index).is_some_and(|status| !status.is_final())
}

/// The id of the event: of a status to which the order came several times, the number follows from the second
/// on.
fn id(order: &Order, index: usize, change: &Change) -> String {
    let before = order.timeline()[..index].iter().filter(|earlier| earlier.status == change.status).count();
    match before {
        0 => format!("{}:{}", order.id(), change.status),
        times => format!("{}:{}:{}", order.id(), change.status, times + 1),
    }
}
