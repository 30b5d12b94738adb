//! What must hold when all is over: no step ran twice, no piece and no cent was lost or made.

use std::collections::BTreeMap;

use omniflow_e2e::{Order, Runtime, Shop, Stock};
use serde_json::{Value, json};

use crate::customers::PRODUCTS;

/// Brings so much stock that no machine is fast enough to sell it all, straight into the table as an operator would.
pub(crate) async fn deliver(runtime: &Runtime) {
    let (shop, aws) = (runtime.shop(), runtime.aws().unwrap());
    let table = aws.table("StockTable").await;
    for product in PRODUCTS {
        for place in shop.stock(product).await.places {
            let update = json!({
                "TableName": table,
                "Key": { "product_id": { "S": product }, "warehouse_id": { "S": place.warehouse } },
                "UpdateExpression": "SET available = available + :many",
                "ExpressionAttributeValues": { ":many": { "N": "1000000" } },
            });
            aws.dynamodb("UpdateItem", &update).await;
        }
    }
}

/// A step that ran twice would show its status twice.
pub(crate) fn every_step_happened_once(ends: &[Order]) {
    for order in ends {
        let mut states = order.states();
        states.sort_unstable();
        let all = states.len();
        states.dedup();
        assert_eq!(states.len(), all, "a status came twice: {order:?}");
    }
}

pub(crate) async fn stock_is_conserved(shop: &Shop, before: &Value, ends: &[Order]) {
    for product in before["products"].as_array().unwrap() {
        let before = Stock::read(product);
        shop.stock(&before.product).await.is_after_selling(sold(ends, &before.product), &before);
    }
}

pub(crate) fn sold(ends: &[Order], product: &str) -> i64 {
    ends.iter()
        .filter(|order| order.state() == "COMPLETED")
        .flat_map(|order| order.0["items"].as_array().unwrap())
        .filter(|item| item["product_id"] == product)
        .map(|item| item["quantity"].as_i64().unwrap())
        .sum()
}

/// What the payment gateway took and did not give back is what completed orders cost: its own ledger is the witness.
pub(crate) async fn money_is_conserved(runtime: &Runtime, ends: &[Order]) {
    let aws = runtime.aws().unwrap();
    let ledger = aws.scan(&aws.table("SimulatedLedgerTable").await).await;
    let payments: BTreeMap<_, _> = ledger
        .iter()
        .filter_map(|entry| Some((entry["entry"]["S"].as_str()?.strip_prefix("payment#")?, entry)))
        .collect();
    for order in ends {
        let payment = payments.get(order.id());
        let taken = payment.and_then(|payment| payment["captured"]["S"].as_str());
        let given_back = payment.is_some_and(|payment| payment.get("refunded").is_some());
        let kept = taken.filter(|_| !given_back).map_or(0.0, |amount| amount.parse().unwrap());
        let due = if order.state() == "COMPLETED" { order.0["amount"].as_f64().unwrap() } else { 0.0 };
        assert!((kept - due).abs() < 0.001, "{kept} kept, {due} due: {payment:?} {order:?}");
    }
}

/// Finished steps are not run again: in a history each state is left once, and its events are numbered without gaps.
pub(crate) async fn histories_have_no_gaps(runtime: &Runtime, ends: &[Order]) {
    let aws = runtime.aws().unwrap();
    let Some(first) = ends.first() else { return };
    let some = aws.execution_of(first.id()).await;
    for order in ends {
        let events = aws.history(&some.replace(first.id(), order.id())).await;
        for (index, event) in events.iter().enumerate() {
            assert_eq!(event["id"], index + 1, "{}: {event:#}", order.id());
        }
        let mut left: Vec<_> = events
            .iter()
            .filter(|event| event["type"].as_str().unwrap().ends_with("StateExited"))
            .map(|event| event["stateExitedEventDetails"]["name"].as_str().unwrap())
            .filter(|name| *name != "ShipWarehouse")
            .collect();
        left.sort_unstable();
        let all = left.len();
        left.dedup();
        assert_eq!(left.len(), all, "a state was left twice by {}: {events:#?}", order.id());
    }
}
