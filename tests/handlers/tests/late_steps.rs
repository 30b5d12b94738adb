//! Steps that come late, out of turn or too often: whatever was decided first stays decided.

#![allow(clippy::unwrap_used, reason = "tests")]

use omniflow_domain::order::{PaymentState, Reservation, ShipmentState};
use omniflow_domain::{OrderId, Reason, Status};
use omniflow_testing::{At, Shop, Walk};
use serde_json::json;

const STOCK: [(&str, &str, u32); 2] = [("ring", "wh-east", 2), ("ring", "wh-west", 2)];
const COMPENSATIONS: [&str; 4] = ["cancel-shipments", "refund-payment", "release-stock", "close-order"];

async fn shop_before(state: &str) -> (Shop, OrderId, Walk) {
    let shop = Shop::stocked(&STOCK);
    let id = shop.place_one("ring", 3).await;
    let walk = Walk::until(&shop, &id, state).await;
    (shop, id, walk)
}

async fn ship(
    shop: &Shop,
    id: &OrderId,
    warehouse: &str,
) -> Result<serde_json::Value, omniflow_services::Fault> {
    shop.invoke("ship-warehouse", json!({ "order_id": id, "warehouse": warehouse })).await
}

#[tokio::test]
async fn a_shipment_that_comes_after_it_was_called_back_is_refused() {
    let (shop, id, _) = shop_before("ShipWarehouses").await;
    ship(&shop, &id, "wh-east").await.unwrap();
    shop.undo("cancel-shipments", &id, "ShipmentFailed").await.unwrap();
    for warehouse in ["wh-east", "wh-west"] {
        assert_eq!(ship(&shop, &id, warehouse).await.unwrap_err().error_type, "OrderCancelled");
    }
    let order = shop.order(&id).await;
    assert!(order.shipments().iter().all(|shipment| shipment.state == ShipmentState::Cancelled));
    let ledger = shop.ledger();
    assert!(!ledger[&format!("shipment#{id}#wh-west")].contains_key("tracking"), "{ledger:?}");
}

#[tokio::test]
async fn a_shipment_under_way_when_it_is_called_back_does_not_leave() {
    let shop = std::sync::Arc::new(Shop::stocked(&STOCK));
    let id = shop.place_one("ring", 3).await;
    Walk::until(&shop, &id, "ShipWarehouses").await;
    // Held up between the order, which still wants it, and the carrier.
    let carrier = shop.aws.hold("UpdateItem");
    let (shipper, ships) = (std::sync::Arc::clone(&shop), id.clone());
    let late = tokio::spawn(async move { ship(&shipper, &ships, "wh-east").await });
    carrier.arrived().await;
    shop.undo("cancel-shipments", &id, "ShipmentFailed").await.unwrap();
    carrier.release();
    assert_eq!(late.await.unwrap().unwrap_err().error_type, "OrderCancelled");
    assert!(!shop.ledger()[&format!("shipment#{id}#wh-east")].contains_key("tracking"));
}

/// One warehouse fails for good and the workflow goes on, while what it asked of the others is still under way.
#[tokio::test]
async fn shipments_that_are_given_up_under_way_leave_nothing_behind() {
    for seed in 0..30 {
        let stock = [("ring", "wh-east", 1), ("fragile-vase", "wh-west", 1), ("lamp", "wh-north", 1)];
        let shop = Shop::shuffled(&stock, seed);
        let items = json!(["ring", "fragile-vase", "lamp"]);
        let id = shop.place(json!({ "items": items, "payment": { "method": "pm_card" } })).await;
        Walk::of(&id).to_the_end(&shop).await.unwrap();
        let order = shop.order(&id).await;
        assert_eq!(
            (order.status(), order.reason()),
            (Status::Cancelled, Some(Reason::ShipmentFailed)),
            "seed {seed}"
        );
        assert_eq!(order.shipments().len(), 3);
        assert!(
            order.shipments().iter().all(|shipment| shipment.state == ShipmentState::Cancelled),
            "seed {seed}: {:#?}",
            order.shipments()
        );
        assert_eq!(shop.money(&id), (true, true), "seed {seed}");
        for row in shop.stock().await {
            assert_eq!((row.available, row.reserved, row.sold), (1, 0, 0), "seed {seed}: {row:?}");
        }
    }
}

#[tokio::test]
async fn a_capture_that_comes_after_the_refund_is_refused() {
    let (shop, id, _) = shop_before("CapturePayment").await;
    shop.undo("refund-payment", &id, "GatewayTimeout").await.unwrap();
    assert_eq!(shop.forward("capture-payment", &id).await.unwrap_err().error_type, "OrderCancelled");
    assert_eq!(shop.money(&id), (false, false));
    assert_eq!(shop.order(&id).await.payment().state, PaymentState::Void);
}

#[tokio::test]
async fn a_capture_under_way_when_the_payment_is_voided_takes_nothing() {
    let shop = std::sync::Arc::new(Shop::stocked(&STOCK));
    let id = shop.place_one("ring", 3).await;
    Walk::until(&shop, &id, "CapturePayment").await;
    let gateway = shop.aws.hold("UpdateItem");
    let (capturer, captures) = (std::sync::Arc::clone(&shop), id.clone());
    let late = tokio::spawn(async move { capturer.forward("capture-payment", &captures).await });
    gateway.arrived().await;
    shop.undo("refund-payment", &id, "States.Timeout").await.unwrap();
    gateway.release();
    assert_eq!(late.await.unwrap().unwrap_err().error_type, "OrderCancelled");
    assert_eq!(shop.money(&id), (false, false));
}

#[tokio::test]
async fn stock_released_by_many_at_once_comes_back_once() {
    for seed in 0..20 {
        let shop = Shop::shuffled(&STOCK, seed);
        let id = shop.place_one("ring", 3).await;
        Walk::until(&shop, &id, "AwaitPayment").await;
        let releases = (0..4).map(|_| shop.undo("release-stock", &id, "PaymentTimeout"));
        for released in futures::future::join_all(releases).await {
            assert_eq!(released.unwrap()["state"], "COMPENSATING");
        }
        for row in shop.stock().await {
            assert_eq!((row.available, row.reserved, row.sold), (2, 0, 0), "seed {seed}: {row:?}");
        }
        assert_eq!(shop.order(&id).await.reservation(), Reservation::Released);
    }
}

#[tokio::test]
async fn a_reservation_that_comes_after_the_release_is_refused() {
    let shop = Shop::stocked(&STOCK);
    let id = shop.place_one("ring", 3).await;
    shop.undo("release-stock", &id, "States.Timeout").await.unwrap();
    assert_eq!(shop.forward("reserve-stock", &id).await.unwrap_err().error_type, "OrderCancelled");
    assert!(shop.stock().await.iter().all(|row| row.available == 2));
}

#[tokio::test]
async fn an_order_completed_and_cancelled_at_once_is_one_or_the_other() {
    for state in ["ShipWarehouses", "CompleteOrder"] {
        completed_and_cancelled_at_once(state).await;
    }
}

async fn completed_and_cancelled_at_once(state: &str) {
    let mut ends = Vec::new();
    for seed in 0..30 {
        let shop = Shop::shuffled(&STOCK, seed);
        let id = shop.place_one("ring", 3).await;
        let walk = Walk::until(&shop, &id, state).await;
        let (end, cancel) = futures::join!(walk.to_the_end(&shop), shop.decide(&id, "cancel"));
        end.unwrap();
        let order = shop.order(&id).await;
        let sold: u32 = shop.stock().await.iter().map(|row| row.sold).sum();
        match cancel.status {
            200 => {
                assert_eq!((order.status(), order.reason()), (Status::Cancelled, Some(Reason::Customer)));
                assert_eq!((sold, shop.money(&id)), (0, (true, true)));
            }
            _ => {
                assert_eq!((cancel.status, order.status()), (409, Status::Completed));
                assert_eq!(cancel.body["state"], "COMPLETED");
                assert_eq!((sold, shop.money(&id)), (3, (true, false)));
            }
        }
        ends.push(order.status());
    }
    assert!(ends.contains(&Status::Completed) && ends.contains(&Status::Cancelled), "{ends:?}");
}

#[tokio::test]
async fn compensations_of_a_completed_order_change_nothing() {
    let (shop, id, walk) = shop_before("CompleteOrder").await;
    walk.to_the_end(&shop).await.unwrap();
    let (order, stock, ledger) = (shop.order(&id).await, shop.stock().await, shop.ledger());
    for compensation in COMPENSATIONS {
        let answer = shop.undo(compensation, &id, "States.Timeout").await.unwrap();
        assert_eq!(answer["state"], "COMPLETED", "{compensation}");
        assert_eq!(shop.order(&id).await, order, "{compensation}");
        assert_eq!(shop.stock().await, stock, "{compensation}");
        assert_eq!(shop.ledger(), ledger, "{compensation}");
    }
}

#[tokio::test]
async fn compensations_of_an_order_in_which_nothing_happened_yet_undo_nothing() {
    for (state, money) in [
        ("ReserveStock", false),
        ("AwaitPayment", false),
        ("CapturePayment", false),
        ("ShipWarehouses", true),
    ] {
        let (shop, id, mut walk) = shop_before(state).await;
        walk.fail_into("CancelShipments", "SomethingElse");
        walk.to_the_end(&shop).await.unwrap();
        let order = shop.order(&id).await;
        assert_eq!(
            (order.status(), order.reason()),
            (Status::Cancelled, Some(Reason::InternalError)),
            "{state}"
        );
        assert_eq!(shop.money(&id), (money, money), "{state}");
        for row in shop.stock().await {
            assert_eq!((row.available, row.reserved, row.sold), (2, 0, 0), "{state}: {row:?}");
        }
    }
}

#[tokio::test]
async fn the_first_reason_stays() {
    let (shop, id, mut walk) = shop_before("CapturePayment").await;
    assert_eq!(shop.decide(&id, "cancel").await.status, 200);
    walk.fail_into("RefundPayment", "PaymentDeclined");
    walk.to_the_end(&shop).await.unwrap();
    let order = shop.order(&id).await;
    assert_eq!((order.status(), order.reason()), (Status::Cancelled, Some(Reason::Customer)));
}

#[tokio::test]
async fn decisions_about_a_closed_order_are_refused_with_what_it_is() {
    let (shop, id, mut walk) = shop_before("AwaitPayment").await;
    walk.step(&shop).await;
    assert_eq!(shop.decide(&id, "cancel").await.status, 200);
    walk.to_the_end(&shop).await.unwrap();
    let order = shop.order(&id).await;
    for answer in
        [shop.pay(&id, "pm_card").await, shop.decide(&id, "cancel").await, shop.audit(&id, "APPROVE").await]
    {
        assert_eq!((answer.status, &answer.body["state"]), (409, &json!("CANCELLED")), "{}", answer.body);
    }
    assert_eq!(shop.order(&id).await, order);
}

#[tokio::test]
async fn the_misbehaving_methods_and_products_end_as_they_are_documented() {
    let cases = [
        ("ring", "pm_declined", Status::Cancelled, Some(Reason::PaymentFailed), (false, false)),
        ("ring", "pm_timeout_twice", Status::Completed, None, (true, false)),
        ("ring", "pm_timeout_always", Status::NeedsAttention, None, (false, false)),
        ("fragile-lamp", "pm_card", Status::Completed, None, (true, false)),
        ("fragile-vase", "pm_card", Status::Cancelled, Some(Reason::ShipmentFailed), (true, true)),
        (
            "fragile-vase",
            "pm_refund_fails_twice",
            Status::Cancelled,
            Some(Reason::ShipmentFailed),
            (true, true),
        ),
        (
            "fragile-vase",
            "pm_refund_fails",
            Status::NeedsAttention,
            Some(Reason::ShipmentFailed),
            (true, false),
        ),
    ];
    for (product, method, status, reason, money) in cases {
        let shop = Shop::stocked(&[(product, "wh-east", 1)]);
        let id = shop.place(json!({ "items": [product], "payment": { "method": method } })).await;
        let end = Walk::of(&id).to_the_end(&shop).await;
        let order = shop.order(&id).await;
        assert_eq!((order.status(), order.reason()), (status, reason), "{product}, {method}");
        assert_eq!(shop.money(&id), money, "{product}, {method}");
        let failed = status == Status::NeedsAttention;
        assert_eq!(end.is_err(), failed, "{product}, {method}: {end:?}");
        assert_eq!(
            order.failure().is_some(),
            failed || reason.is_some(),
            "{product}, {method}: people hear what went wrong"
        );
    }
}

#[tokio::test]
async fn goods_that_cannot_be_called_back_keep_the_money_until_a_person_looks() {
    let shop = Shop::stocked(&[("stuck-crate", "wh-east", 1)]);
    let id = shop.place_one("stuck-crate", 1).await;
    let mut walk = Walk::until(&shop, &id, "CompleteOrder").await;
    assert_eq!(shop.decide(&id, "cancel").await.status, 200);
    walk.step(&shop).await;
    assert_eq!(walk.at, At::State("CancelShipments".to_owned()));
    assert_eq!(walk.to_the_end(&shop).await, Err("ShipmentNotCancellable".to_owned()));
    let order = shop.order(&id).await;
    assert_eq!((order.status(), order.reservation()), (Status::NeedsAttention, Reservation::Held));
    assert_eq!(shop.money(&id), (true, false));
    assert!(order.failure().unwrap().contains("ShipmentNotCancellable"));
}
