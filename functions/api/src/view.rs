//! An order as the v1 routes show it: `status` is the text for people, `state` the machine name.

use chrono::{DateTime, Utc};
use omniflow_domain::order::{Item, Order};
use omniflow_domain::texts::{Language, status_text, text};
use serde_json::{Value, json};

use crate::request::Request;

/// The order as the door shows it through which the request came.
pub(crate) fn answer(order: &Order, request: &Request, now: DateTime<Utc>) -> Value {
    let mut view = self::order(order, request.language(), now);
    if !request.is_v1() {
        let workflow_id = order.order_id.processing_id(order.customer_id.as_deref());
        view["orderId"] = json!(order.order_id);
        view["workflowId"] = json!(workflow_id);
        view["workflow_id"] = json!(workflow_id);
    }
    view
}

pub(crate) fn order(order: &Order, language: Language, now: DateTime<Utc>) -> Value {
    let id = order.order_id.as_str();
    let mut view = json!({
        "order_id": id,
        "workflow_id": id,
        "status": status_text(order, language, now),
        "state": order.status,
        "reason": order.reason,
        "customer_id": order.customer_id,
        "amount": order.amount.to_json(),
        "items": order.items.iter().map(item).collect::<Vec<_>>(),
        "created_at": order.created_at(),
        "timeline": timeline(order, language),
        "shipments": order.shipments,
        "payment": {
            "method": order.payment.method,
            "state": order.payment.state,
            "deadline": order.payment.deadline,
        },
    });
    if let Some(email) = &order.email {
        view["email"] = json!(email);
    }
    if let Some(audit) = &order.audit {
        view["audit"] = json!(audit);
    }
    if !order.missing.is_empty() {
        view["missing"] = json!(order.missing);
    }
    if let Some(failure) = &order.failure {
        view["failure"] = json!(failure);
    }
    view
}

fn timeline(order: &Order, language: Language) -> Value {
    let changes = order.timeline.iter();
    changes.map(|change| json!({ "state": change.status, "status": text(change.status, language), "at": change.at })).collect()
}

fn item(item: &Item) -> Value {
    json!({
        "product_id": item.product_id,
        "name": item.name,
        "quantity": item.quantity,
        "price": item.price.map(|price| price.to_json()),
    })
}
