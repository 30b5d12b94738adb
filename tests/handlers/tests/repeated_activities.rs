//! Lambda and Step Functions promise to run an activity at least once. Here each runs twice, and once more after each
//! request that it makes has failed: what is done is always what is done by running once.

#![allow(clippy::unwrap_used, reason = "tests")]

use omniflow_domain::order::{PaymentState, Reservation, ShipmentState};
use omniflow_domain::{OrderId, Status};
use omniflow_services::Fault;
use omniflow_testing::{At, Definition, Outage, Shop, Walk};
use serde_json::{Value, json};

/// Two warehouses must share an order of three.
const STOCK: [(&str, &str, u32); 2] = [("lamp", "wh-east", 2), ("lamp", "wh-west", 2)];

/// The steps of an order that needs a review, is paid, and is completed.
const FORWARD: [&str; 6] =
    ["ReserveStock", "AwaitAudit", "AwaitPayment", "CapturePayment", "ShipWarehouses", "CompleteOrder"];
/// The steps that undo it.
const BACKWARD: [&str; 4] = ["CancelShipments", "RefundPayment", "ReleaseStock", "CloseOrder"];

async fn shop_with_an_order() -> (Shop, OrderId) {
    let shop = Shop::stocked(&STOCK);
    let order =
        json!({ "items": [{ "product_id": "lamp", "quantity": 3, "price": 5000 }], "customer_id": "c1" });
    let id = shop.place(order).await;
    (shop, id)
}

/// A shop where `state` is the next one of the order's workflow.
async fn shop_before(state: &str) -> (Shop, OrderId, Walk) {
    let (shop, id) = shop_with_an_order().await;
    if FORWARD.contains(&state) {
        let walk = Walk::until(&shop, &id, state).await;
        return (shop, id, walk);
    }
    // All is shipped when the customer cancels: there is everything to undo.
    let mut walk = Walk::until(&shop, &id, "CompleteOrder").await;
    assert_eq!(shop.decide(&id, "cancel").await.status, 200);
    walk.fail_into("CancelShipments", "OrderCancelled");
    for _ in BACKWARD.iter().take_while(|before| **before != state) {
        walk.step(&shop).await;
    }
    walk.fail_into(state, "OrderCancelled");
    (shop, id, walk)
}

/// Runs the state's activity: for shipping, that of the first warehouse.
async fn run(shop: &Shop, walk: &Walk) -> Result<Value, Fault> {
    if walk.at == At::State("ShipWarehouses".to_owned()) {
        let event = json!({ "order_id": walk.order_id, "warehouse": "wh-east" });
        return shop.invoke("ship-warehouse", event).await;
    }
    walk.invoke(shop).await
}

#[tokio::test]
async fn every_activity_run_twice_is_the_activity_run_once() {
    for state in FORWARD.into_iter().chain(BACKWARD) {
        let (shop, id, walk) = shop_before(state).await;
        let first = run(&shop, &walk).await.unwrap_or_else(|fault| panic!("{state}: {fault:?}"));
        let (order, stock, ledger) = (shop.order(&id).await, shop.stock().await, shop.ledger());
        let second = run(&shop, &walk).await.unwrap_or_else(|fault| panic!("{state}, again: {fault:?}"));
        assert_eq!(second, first, "{state}: its answer");
        assert_eq!(shop.order(&id).await, order, "{state}: the order");
        assert_eq!(shop.stock().await, stock, "{state}: the stock");
        assert_eq!(shop.ledger(), ledger, "{state}: money and shipments");
    }
}

#[tokio::test]
async fn the_payment_window_closed_twice_is_closed_once() {
    let (shop, id) = shop_with_an_order().await;
    let mut walk = Walk::until(&shop, &id, "AwaitPayment").await;
    walk.step(&shop).await;
    shop.pass_deadline(&id).await;
    let first = shop.forward("close-payment-window", &id).await.unwrap();
    let order = shop.order(&id).await;
    assert_eq!(shop.forward("close-payment-window", &id).await.unwrap(), first);
    assert_eq!(shop.order(&id).await, order);
    assert_eq!(order.status(), Status::Compensating);
}

/// The same for the same answers about different orders.
fn without_id(answer: &Value, id: &OrderId) -> String {
    answer.to_string().replace(id.as_str().trim_start_matches("ORD-"), "N")
}

#[tokio::test]
async fn an_activity_that_fails_at_any_request_is_made_good_by_running_it_again() {
    for state in FORWARD.into_iter().chain(BACKWARD) {
        let (shop, id, walk) = shop_before(state).await;
        shop.aws.outages([]);
        let answer = without_id(&run(&shop, &walk).await.unwrap(), &id);
        let (requests, world) = (shop.aws.requests(), shop.world(&id).await);
        for request in 0..requests {
            for carried_out in [false, true] {
                let (shop, id, walk) = shop_before(state).await;
                shop.aws.outages([Outage { request, carried_out }]);
                let broken = run(&shop, &walk).await;
                shop.aws.heal();
                let at = format!("{state}, request {request} of {requests}, carried out: {carried_out}");
                if let Err(fault) = &broken {
                    let retried = ["StoreUnavailable", "PaymentWindowNotStarted", "WarehouseUnavailable"]
                        .contains(&fault.error_type.as_str());
                    assert!(retried, "{at}: {fault:?}");
                }
                let again = run(&shop, &walk).await.unwrap_or_else(|fault| panic!("{at}: {fault:?}"));
                assert_eq!(without_id(&again, &id), answer, "{at}: its answer");
                assert_eq!(shop.world(&id).await, world, "{at}");
            }
        }
    }
}

/// Activities that refuse: the products and the method that make them, and the error.
const REFUSALS: [(&str, &str, &str, &str); 4] = [
    ("ReserveStock", "out-of-stock", "pm_card", "OutOfStock"),
    ("CapturePayment", "lamp", "pm_declined", "PaymentDeclined"),
    ("CapturePayment", "lamp", "pm_timeout_always", "GatewayTimeout"),
    ("ShipWarehouses", "fragile-vase", "pm_card", "ShipmentFailed"),
];

#[tokio::test]
async fn an_activity_that_refuses_refuses_again_and_changes_nothing_more() {
    for (state, product, method, error) in REFUSALS {
        let before = async || {
            let stock =
                [("lamp", "wh-east", 2), ("fragile-vase", "wh-east", 2), ("out-of-stock", "wh-east", 0)];
            let shop = Shop::stocked(&stock);
            let id = shop.place(json!({ "items": [product], "payment": { "method": method } })).await;
            let walk = Walk::until(&shop, &id, state).await;
            (shop, id, walk)
        };
        let (shop, id, walk) = before().await;
        shop.aws.outages([]);
        let first = run(&shop, &walk).await.unwrap_err();
        assert_eq!(first.error_type, error);
        let (requests, world, order) = (shop.aws.requests(), shop.world(&id).await, shop.order(&id).await);
        assert_eq!(run(&shop, &walk).await.unwrap_err(), first, "{state}");
        assert_eq!(shop.order(&id).await, order, "{state}");
        for request in 0..requests {
            for carried_out in [false, true] {
                let (shop, id, walk) = before().await;
                shop.aws.outages([Outage { request, carried_out }]);
                let _broken = run(&shop, &walk).await.unwrap_err();
                shop.aws.heal();
                assert_eq!(run(&shop, &walk).await.unwrap_err(), first, "{state}, request {request}");
                assert_eq!(
                    shop.world(&id).await,
                    world,
                    "{state}, request {request}, carried out: {carried_out}"
                );
            }
        }
    }
}

#[tokio::test]
async fn an_order_whose_every_step_runs_twice_is_completed_once() {
    let (shop, id) = shop_with_an_order().await;
    let mut walk = Walk::by(Definition::CompletingStep, &id);
    walk.go_on(&shop, FORWARD[0]).await;
    for (state, next) in FORWARD.iter().zip(FORWARD.iter().skip(1)) {
        assert_eq!(walk.at, At::State((*state).to_owned()));
        run(&shop, &walk).await.unwrap();
        walk.go_on(&shop, next).await;
    }
    run(&shop, &walk).await.unwrap();
    walk.to_the_end(&shop).await.unwrap();
    assert_eq!(shop.order(&id).await.status(), Status::Completed);
    assert_eq!(shop.money(&id), (true, false));
    let sold: u32 = shop.stock().await.iter().map(|row| row.sold).sum();
    assert_eq!(sold, 3);
}

#[tokio::test]
async fn undoing_everything_twice_leaves_nothing_behind() {
    let (shop, id, mut walk) = shop_before("CancelShipments").await;
    for state in ["CancelShipments", "RefundPayment", "ReleaseStock", "CloseOrder"] {
        assert_eq!(walk.at, At::State(state.to_owned()));
        run(&shop, &walk).await.unwrap();
        walk.step(&shop).await;
    }
    let order = shop.order(&id).await;
    assert_eq!(order.status(), Status::Cancelled);
    assert_eq!((order.payment().state, order.reservation()), (PaymentState::Refunded, Reservation::Released));
    assert!(order.shipments().iter().all(|shipment| shipment.state == ShipmentState::Cancelled));
    assert_eq!(shop.money(&id), (true, true));
    for row in shop.stock().await {
        assert_eq!((row.available, row.reserved, row.sold), (2, 0, 0), "{row:?}");
    }
}

#[tokio::test]
async fn samples_are_seeded_once_and_only_where_they_are_wanted() {
    let unwanted = Shop::stocked(&[]);
    assert_eq!(unwanted.invoke("seed-stock", json!({})).await.unwrap()["products"], 0);
    assert!(unwanted.stock().await.is_empty());
    let shop = Shop::set_up(&[], &[("SEED_SAMPLE_STOCK", "true")]);
    let first = shop.invoke("seed-stock", json!({})).await.unwrap();
    let id = shop.place(json!({ "items": ["iPhone 15"], "amount": 500 })).await;
    Walk::of(&id).to_the_end(&shop).await.unwrap();
    let stock = shop.stock().await;
    assert_eq!(stock.iter().map(|row| row.sold).sum::<u32>(), 1);
    assert_eq!(shop.invoke("seed-stock", json!({})).await.unwrap(), first);
    assert_eq!(shop.stock().await, stock, "what is sold stays sold");
}
