//! Examples: bodies as the README has them, and answers that the code itself makes.

use chrono::{DateTime, TimeDelta, Utc};
use omniflow_domain::Language;
use omniflow_domain::allocation::{Line, Share};
use omniflow_domain::order::{Item, NewOrder, Token, Unknown};
use omniflow_domain::{Currency, Money, Order, OrderId, OrderNumber, Refusal, Status};
use serde_json::{Value, json};

use crate::view::OrderView;

/// The bodies of new orders.
pub(super) const ORDERS: [&str; 3] = [
    r#"{ "amount": 500, "items": ["iPhone 15"] }"#,
    r#"{ "customer_id": "customer-001", "items": [{ "product_id": "prod-001", "name": "iPhone 15 Pro", "quantity": 1, "price": 999.99 }] }"#,
    r#"{ "customer_id": "ann@example.com", "items": [{ "product_id": "macbook-air", "quantity": 1 }], "payment": { "method": "pm_card" } }"#,
];
/// The bodies of payments.
pub(super) const PAYMENTS: [&str; 2] = ["{}", r#"{ "method": "pm_card" }"#];
/// The bodies of verdicts.
pub(super) const VERDICTS: [&str; 2] =
    [r#"{ "action": "APPROVE" }"#, r#"{ "action": "REJECT", "note": "The address is a forwarder's." }"#];

/// The bodies of retries.
pub(super) const RETRIES: [&str; 2] = ["{}", r#"{ "note": "The carrier is back." }"#];
/// The bodies of resolutions.
pub(super) const RESOLUTIONS: [&str; 2] = [
    r#"{ "money": "REFUNDED", "stock": "LOST", "note": "Refunded by transfer, the parcel is lost." }"#,
    r#"{ "money": "KEPT", "stock": "SOLD", "note": "The customer has it and keeps it." }"#,
];

/// The bodies of new returns.
pub(super) const RETURNS: [&str; 1] =
    [r#"{ "items": [{ "product_id": "iphone-15", "quantity": 1 }], "reason": "too large" }"#];
/// The bodies that say which goods have come back.
pub(super) const RECEIVED_GOODS: [&str; 2] = [
    r#"{ "items": [{ "product_id": "iphone-15", "restock": 1 }] }"#,
    r#"{ "items": [{ "product_id": "iphone-15", "restock": 1, "write_off": 1 }] }"#,
];
/// The bodies of resolutions of returns.
pub(super) const RETURN_RESOLUTIONS: [&str; 1] = [r#"{ "note": "Refunded by bank transfer." }"#];

/// The bodies of movements.
pub(super) const MOVEMENTS: [&str; 4] = [
    r#"{ "kind": "receive", "quantity": 40, "reason": "delivery", "reference": "DN-2044" }"#,
    r#"{ "kind": "adjust", "quantity": -2, "reason": "broken" }"#,
    r#"{ "kind": "count", "quantity": 37, "reason": "yearly count" }"#,
    r#"{ "kind": "transfer", "quantity": 10, "reason": "for the fair", "to": "wh-west" }"#,
];
/// The bodies that split stock.
pub(super) const BUCKETS: [&str; 1] = [r#"{ "buckets": 8 }"#];
/// The bodies of products.
pub(super) const PRODUCTS: [&str; 2] = [
    r#"{ "name": "Teapot", "price": 24.5 }"#,
    r#"{ "name": "Teapot", "price": "26.00", "names": ["Чайник", "茶壶"], "active": true, "low_stock": 5 }"#,
];
/// The bodies that describe warehouses.
pub(super) const WAREHOUSES: [&str; 2] = [
    r#"{ "name": "East", "rank": 1, "link": "http", "endpoint": "https://warehouse.example/shipments" }"#,
    r#"{ "name": "East", "rank": 1, "link": "simulated", "active": false }"#,
];
/// The bodies of warehouses' messages.
pub(super) const SHIPMENT_EVENTS: [&str; 3] = [
    r#"{ "event": "SHIPPED", "carrier": "DHL", "tracking": "00340434161094042557", "tracking_url": "https://carrier.example/00340434161094042557" }"#,
    r#"{ "event": "DELAYED", "reason": "The truck has broken down." }"#,
    r#"{ "event": "DELIVERED" }"#,
];

/// One of these bodies as JSON.
pub(super) fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The moment at which the order below was created.
fn created_at() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_700_000_000_000).unwrap()
}

/// An order that went on to this status within a second.
fn order(status: Status) -> Order {
    let item = Item {
        product_id: "prod-001".to_owned(),
        name: "iPhone 15 Pro".to_owned(),
        quantity: 1,
        price: Some(Money::parse("999.99", Currency::USD).unwrap()),
        unknown: Unknown::default(),
    };
    let new = NewOrder {
        customer_id: Some("customer-001".to_owned()),
        email: None,
        language: Language::En,
        address: None,
        amount: Money::parse("999.99", Currency::USD).unwrap(),
        items: vec![item],
        method: None,
        needs_audit: status == Status::AwaitingAudit,
    };
    let order = Order::receive(OrderId::new(created_at(), 123_456), new, created_at());
    let mut order = order.numbered(OrderNumber::after_first(41));
    bring(&mut order, status).unwrap();
    assert_eq!(order.status(), status);
    order
}

/// Brings a new order to this status.
fn bring(order: &mut Order, status: Status) -> Result<(), Refusal> {
    let later = created_at() + TimeDelta::seconds(1);
    let token = Token { token: "token".to_owned(), redrive: 0, attempt: 0 };
    if status == Status::Received {
        return Ok(());
    }
    let items = vec![Line { product_id: "prod-001".to_owned(), quantity: 1 }];
    order.reserve(vec![Share { warehouse: "wh-east".to_owned(), items }], later)?;
    if status == Status::AwaitingAudit {
        order.request_audit(token, later)?;
        return order.review(true, None, later);
    }
    order.open_window(token, later + TimeDelta::seconds(1800), later)?;
    match status {
        Status::PaymentReceived => order.pay("pm_card", later),
        Status::Compensating => order.cancel(later),
        Status::Shipping | Status::Completed => {
            order.pay("pm_card", later)?;
            order.capture(later)?;
            if status == Status::Shipping {
                return Ok(());
            }
            order.ship("wh-east", "TRK-1700000000000123456-wh-east", later)?;
            order.complete(later)
        }
        _ => Ok(()),
    }
}

/// An order as the v1 routes show it.
pub(super) fn order_at_v1(status: Status) -> Value {
    let now = created_at() + TimeDelta::seconds(2);
    let caller = crate::caller::Caller::Customer("customer-001".to_owned());
    json!(OrderView::of(&order(status), &caller, Language::En, now))
}

/// An order as the other doors show it.
pub(super) fn order_at_other_doors(status: Status) -> Value {
    let now = created_at() + TimeDelta::seconds(2);
    let event = json!({ "rawPath": "/api/orders/status", "headers": { "accept-language": "en" } });
    let request =
        crate::request::Request::read(&event, crate::caller::Caller::Operator(Default::default())).unwrap();
    serde_json::from_str(&crate::view::answer(&order(status), &request, now).unwrap()).unwrap()
}

/// The answer to a new order of v1.
pub(super) fn created() -> Value {
    let order = order(Status::Received);
    json!({ "order_id": order.id(), "number": order.number(), "workflow_id": order.id(), "state": order.status(), "amount": 999.99, "currency": "USD" })
}

/// A list of orders.
pub(super) fn orders() -> Value {
    json!({ "orders": [order_at_v1(Status::AwaitingPayment)], "next": null, "unreadable": 0 })
}

/// The stock of one product.
pub(super) fn product() -> Value {
    json!({
        "product_id": "macbook-air", "name": "MacBook Air", "price": 1199.0, "currency": "USD",
        "active": true, "low": false, "available": 98, "reserved": 1, "sold": 1,
        "warehouses": [{ "warehouse": "wh-east", "available": 98, "reserved": 1, "sold": 1, "lost": 0 }],
    })
}

/// The execution of an order's workflow.
pub(super) fn workflow_status() -> Value {
    let order = order(Status::AwaitingPayment);
    let workflow = order.id().processing_id(order.customer_id());
    json!({
        "workflow_id": workflow, "workflowId": workflow, "order_id": order.id(), "orderId": order.id(),
        "execution_arn": format!("arn:aws:states:us-east-1:000000000000:execution:OrderStateMachine:{}", order.id()),
        "status": "RUNNING", "started_at": created_at(), "stopped_at": null, "state": order.status(),
    })
}

/// What a page needs to confirm a payment at Stripe.
pub(super) fn payment_to_confirm() -> Value {
    json!({
        "order_id": "ORD-1700000000000123456",
        "provider": "stripe",
        "payment_id": "pi_3NxYqT2eZvKYlo2C",
        "client_secret": "pi_3NxYqT2eZvKYlo2C_secret_…",
        "publishable_key": "pk_live_…",
        "amount": 500,
        "currency": "USD",
        "amount_in_units": 50000,
        "deadline": "2023-11-14T22:43:20Z",
    })
}
