//! Examples: bodies as the README has them, and answers that the code itself makes.

use chrono::{DateTime, TimeDelta, Utc};
use omniflow_domain::allocation::Line;
use omniflow_domain::order::{Change, Item, NewOrder, PaymentState, Shipment, ShipmentState};
use omniflow_domain::texts::Language;
use omniflow_domain::{Money, Order, OrderId, Status};
use serde_json::{Value, json};

use crate::view::OrderView;

/// Orders.
pub(super) const ORDERS: [&str; 3] = [
    r#"{ "amount": 500, "items": ["iPhone 15"] }"#,
    r#"{ "customer_id": "customer-001", "items": [{ "product_id": "prod-001", "name": "iPhone 15 Pro", "quantity": 1, "price": 999.99 }] }"#,
    r#"{ "customer_id": "ann@example.com", "items": [{ "product_id": "macbook-air", "quantity": 1 }], "payment": { "method": "pm_card" } }"#,
];
/// Ways to pay.
pub(super) const PAYMENTS: [&str; 2] = ["{}", r#"{ "method": "pm_card" }"#];
/// Verdicts.
pub(super) const VERDICTS: [&str; 2] =
    [r#"{ "action": "APPROVE" }"#, r#"{ "action": "REJECT", "note": "The address is a forwarder's." }"#];

/// A text of this file as JSON.
pub(super) fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The moment at which the order below was created.
fn created_at() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_700_000_000_000).unwrap()
}

/// An order, as it was received and went on to this status a second later.
fn order(status: Status) -> Order {
    let item = Item {
        product_id: "prod-001".to_owned(),
        name: "iPhone 15 Pro".to_owned(),
        quantity: 1,
        price: Some(Money::parse("999.99").unwrap()),
    };
    let new = NewOrder {
        customer_id: Some("customer-001".to_owned()),
        email: None,
        language: Language::En,
        amount: Money::parse("999.99").unwrap(),
        items: vec![item],
        method: None,
        needs_audit: false,
    };
    let mut order = Order::receive(OrderId::new(created_at(), 123_456), new, created_at());
    let later = created_at() + TimeDelta::seconds(1);
    order.status = status;
    order.timeline.push(Change { status, at: later });
    order.shipments = vec![Shipment {
        warehouse: "wh-east".to_owned(),
        items: vec![Line { product_id: "prod-001".to_owned(), quantity: 1 }],
        state: ShipmentState::Pending,
        tracking: None,
    }];
    if status == Status::AwaitingPayment {
        order.payment.deadline = Some(later + TimeDelta::seconds(1800));
    } else {
        order.payment.state = PaymentState::Authorised;
        order.payment.method = Some("pm_card".to_owned());
    }
    order
}

/// An order as the v1 routes show it.
pub(super) fn order_at_v1(status: Status) -> Value {
    let now = created_at() + TimeDelta::seconds(2);
    json!(OrderView::of(&order(status), Language::En, now))
}

/// An order as the other doors show it.
pub(super) fn order_at_other_doors(status: Status) -> Value {
    let now = created_at() + TimeDelta::seconds(2);
    let event = json!({ "rawPath": "/api/orders/status", "headers": { "accept-language": "en" } });
    let request = crate::request::Request::read(&event, crate::caller::Caller::Operator).unwrap();
    serde_json::from_str(&crate::view::answer(&order(status), &request, now).unwrap()).unwrap()
}

/// The answer to a new order of v1.
pub(super) fn created() -> Value {
    let order = order(Status::Received);
    json!({ "order_id": order.order_id, "workflow_id": order.order_id, "state": order.status, "amount": 999.99 })
}

/// A list of orders.
pub(super) fn orders() -> Value {
    json!({ "orders": [order_at_v1(Status::AwaitingPayment)], "next": null, "unreadable": 0 })
}

/// The stock of one product.
pub(super) fn product() -> Value {
    json!({
        "product_id": "macbook-air", "name": "MacBook Air", "price": 1199.0,
        "available": 98, "reserved": 1, "sold": 1,
        "warehouses": [{ "warehouse": "wh-east", "available": 98, "reserved": 1, "sold": 1 }],
    })
}

/// The execution of an order's workflow.
pub(super) fn workflow_status() -> Value {
    let order = order(Status::AwaitingPayment);
    let workflow = order.order_id.processing_id(order.customer_id.as_deref());
    json!({
        "workflow_id": workflow, "workflowId": workflow, "order_id": order.order_id, "orderId": order.order_id,
        "execution_arn": format!("arn:aws:states:us-east-1:000000000000:execution:OrderStateMachine:{}", order.order_id),
        "status": "RUNNING", "started_at": created_at(), "stopped_at": null, "state": order.status,
    })
}
