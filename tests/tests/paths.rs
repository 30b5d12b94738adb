//! Every path that an order can take: what waits, what is retried, what is rolled back, and what needs a person. The
//! simulated payment gateway and warehouses take their behaviour from the order, so each path can be seen with curl, too.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use omniflow_e2e::{
    COUNTED, EAST, EVERYWHERE, FRAGILE, Order, Runtime, STUCK, Settings, Shipment, UNSHIPPABLE, WEST,
    eventually,
};
use serde_json::{Value, json};

fn one_of(product: &str) -> Value {
    items(&[(product, 1)])
}

fn items(wanted: &[(&str, u32)]) -> Value {
    let items: Vec<_> = wanted
        .iter()
        .map(|(product, quantity)| json!({ "product_id": product, "quantity": quantity, "price": 10 }))
        .collect();
    json!({ "customer_id": "customer-001", "items": items })
}

fn paid_with(mut order: Value, method: &str) -> Value {
    order["payment"] = json!({ "method": method });
    order
}

#[track_caller]
fn cancelled(order: &Order, reason: &str) {
    assert_eq!((order.state(), order.reason()), ("CANCELLED", Some(reason)), "{order:?}");
    let states = order.states();
    assert_eq!(&states[states.len() - 2..], ["COMPENSATING", "CANCELLED"], "{order:?}");
}

fn shipment_states(order: &Order) -> Vec<String> {
    order.shipments().into_iter().map(|Shipment { state, .. }| state).collect()
}

#[tokio::test]
async fn paid_shipped_completed() {
    let runtime = Runtime::alone();
    let shop = runtime.shop();
    let before = shop.stock(COUNTED).await;
    let id = shop.place_unpaid(&one_of(COUNTED)).await;
    shop.pay(&id).await.success();
    let order = shop.reaches(&id, "COMPLETED").await;
    assert_eq!(order.reason(), None);
    assert_eq!(order.money(), "CAPTURED");
    assert_eq!(shipment_states(&order), ["SHIPPED"]);
    shop.stock(COUNTED).await.is_after_selling(1, &before);
}

#[tokio::test]
async fn not_paid_in_time() {
    let Some(runtime) = Runtime::with_payment_window(1) else { return };
    let shop = runtime.shop();
    let before = shop.stock(COUNTED).await;
    let id = shop.place(&one_of(COUNTED)).await;
    let order = shop.ends(&id).await;
    cancelled(&order, "PAYMENT_TIMEOUT");
    shop.stock_is_back(&before).await;
    shop.pay(&id).await.problem(409);
}

#[tokio::test]
async fn approved_then_paid() {
    let runtime = Runtime::alone();
    let shop = runtime.shop();
    let before = shop.stock(COUNTED).await;
    let mut large = one_of(COUNTED);
    large["items"][0]["price"] = json!(10000.01);
    let id = shop.place(&large).await;
    shop.reaches(&id, "AWAITING_AUDIT").await;
    assert_eq!(shop.stock(COUNTED).await.reserved(), before.reserved() + 1, "the stock waits with the order");
    shop.audit(&id, "APPROVE").await.success();
    shop.reaches(&id, "AWAITING_PAYMENT").await;
    shop.pay(&id).await.success();
    let order = shop.reaches(&id, "COMPLETED").await;
    let path = [
        "RECEIVED",
        "RESERVED",
        "AWAITING_AUDIT",
        "AWAITING_PAYMENT",
        "PAYMENT_RECEIVED",
        "PAID",
        "SHIPPING",
        "COMPLETED",
    ];
    let states: Vec<_> = order.states().into_iter().filter(|state| path.contains(state)).collect();
    assert_eq!(states, path, "{order:?}");
    shop.stock(COUNTED).await.is_after_selling(1, &before);
}

#[tokio::test]
async fn approved_with_a_payment_method_goes_straight_to_capture() {
    let runtime = Runtime::alone();
    let shop = runtime.shop();
    let mut large = paid_with(one_of(COUNTED), "pm_card");
    large["items"][0]["price"] = json!(20000);
    let id = shop.place(&large).await;
    shop.reaches(&id, "AWAITING_AUDIT").await;
    shop.audit(&id, "APPROVE").await.success();
    shop.reaches(&id, "COMPLETED").await;
}

#[tokio::test]
async fn rejected_in_the_audit() {
    let runtime = Runtime::alone();
    let shop = runtime.shop();
    let before = shop.stock(COUNTED).await;
    let mut large = one_of(COUNTED);
    large["items"][0]["price"] = json!(20000);
    let id = shop.place(&large).await;
    shop.reaches(&id, "AWAITING_AUDIT").await;
    shop.audit(&id, "REJECT").await.success();
    let order = shop.reaches(&id, "CANCELLED").await;
    cancelled(&order, "AUDIT_REJECTED");
    shop.stock_is_back(&before).await;
}

#[tokio::test]
async fn cancelled_while_it_waits_for_its_audit() {
    let runtime = Runtime::alone();
    let shop = runtime.shop();
    let before = shop.stock(COUNTED).await;
    let mut large = one_of(COUNTED);
    large["items"][0]["price"] = json!(20000);
    let id = shop.place(&large).await;
    shop.reaches(&id, "AWAITING_AUDIT").await;
    shop.cancel(&id).await.success();
    let order = shop.reaches(&id, "CANCELLED").await;
    cancelled(&order, "CUSTOMER");
    shop.audit(&id, "APPROVE").await.problem(409);
    shop.stock_is_back(&before).await;
}

#[tokio::test]
async fn cancelled_while_it_waits_for_its_payment() {
    let runtime = Runtime::alone();
    let shop = runtime.shop();
    let before = shop.stock(COUNTED).await;
    let id = shop.place_unpaid(&one_of(COUNTED)).await;
    shop.cancel(&id).await.success();
    let order = shop.reaches(&id, "CANCELLED").await;
    cancelled(&order, "CUSTOMER");
    shop.pay(&id).await.problem(409);
    shop.stock_is_back(&before).await;
}

#[tokio::test]
async fn cancelled_at_once() {
    let runtime = Runtime::alone();
    let shop = runtime.shop();
    let before = shop.stock(COUNTED).await;
    for _ in 0..20 {
        let id = shop.place(&one_of(COUNTED)).await;
        shop.cancel(&id).await.success();
        cancelled(&shop.ends(&id).await, "CUSTOMER");
    }
    shop.stock_is_back(&before).await;
}

#[tokio::test]
async fn cancelled_while_the_payment_is_being_captured() {
    let slow = Settings::default().parameter("SimulatedLatencyMillis", 500);
    let Some(runtime) = Runtime::own(&slow) else { return };
    let shop = runtime.shop();
    let before = shop.stock(EVERYWHERE).await;
    let id = shop.place_unpaid(&one_of(EVERYWHERE)).await;
    shop.pay(&id).await.success();
    assert_eq!(shop.read(&id).await.state(), "PAYMENT_RECEIVED", "the gateway takes half a second");
    shop.cancel(&id).await.success();
    let order = shop.reaches(&id, "CANCELLED").await;
    cancelled(&order, "CUSTOMER");
    shop.stock_is_back(&before).await;
}

#[tokio::test]
async fn cancelled_while_it_is_being_shipped() {
    let slow = Settings::default().parameter("SimulatedLatencyMillis", 500);
    let Some(runtime) = Runtime::own(&slow) else { return };
    let shop = runtime.shop();
    let before = shop.stock(EVERYWHERE).await;
    let id = shop.place_unpaid(&one_of(EVERYWHERE)).await;
    shop.pay(&id).await.success();
    shop.reaches(&id, "SHIPPING").await;
    shop.cancel(&id).await.success();
    let order = shop.reaches(&id, "CANCELLED").await;
    cancelled(&order, "CUSTOMER");
    assert_eq!(shipment_states(&order), ["CANCELLED"]);
    assert_eq!(order.money(), "REFUNDED");
    shop.stock_is_back(&before).await;
}

#[tokio::test]
async fn out_of_stock_names_what_is_missing() {
    let runtime = Runtime::alone();
    let shop = runtime.shop();
    let (scarce, plenty) = (shop.stock(COUNTED).await, shop.stock(WEST).await);
    let too_many = u32::try_from(scarce.available() + 1).unwrap();
    let id = shop.place(&items(&[(WEST, 1), (COUNTED, too_many)])).await;
    let order = shop.reaches(&id, "REJECTED").await;
    assert_eq!(order.reason(), Some("OUT_OF_STOCK"));
    assert!(order.0["missing"].to_string().contains(COUNTED), "what is missing? {order:?}");
    assert_eq!(shop.stock(COUNTED).await, scarce, "all or nothing");
    assert_eq!(shop.stock(WEST).await, plenty, "all or nothing");
    shop.pay(&id).await.problem(409);
    shop.cancel(&id).await.problem(409);
}

#[tokio::test]
async fn the_last_piece_is_sold_and_the_next_order_is_rejected() {
    let Some(runtime) = Runtime::own(&Settings::default().payment_window(600)) else { return };
    let shop = runtime.shop();
    let all = shop.stock(COUNTED).await.available();
    let id = shop.place_unpaid(&items(&[(COUNTED, u32::try_from(all).unwrap())])).await;
    assert_eq!(shop.stock(COUNTED).await.available(), 0);
    let late = shop.place(&one_of(COUNTED)).await;
    shop.reaches(&late, "REJECTED").await;
    shop.cancel(&id).await.success();
    shop.reaches(&id, "CANCELLED").await;
    let again = shop.place(&one_of(COUNTED)).await;
    shop.reaches(&again, "AWAITING_PAYMENT").await;
}

#[tokio::test]
async fn a_declined_payment_rolls_back() {
    let runtime = Runtime::alone();
    let shop = runtime.shop();
    let before = shop.stock(COUNTED).await;
    let id = shop.place(&paid_with(one_of(COUNTED), "pm_declined")).await;
    let order = shop.reaches(&id, "CANCELLED").await;
    cancelled(&order, "PAYMENT_FAILED");
    assert!(!order.states().contains(&"PAID"), "{order:?}");
    assert_eq!(order.money(), "VOID");
    assert_eq!(shipment_states(&order), ["CANCELLED"]);
    shop.stock_is_back(&before).await;
}

#[tokio::test]
async fn a_payment_gateway_that_fails_for_a_while_is_tried_again() {
    let runtime = Runtime::alone();
    let shop = runtime.shop();
    let before = shop.stock(COUNTED).await;
    let id = shop.place_unpaid(&one_of(COUNTED)).await;
    shop.pay_with(&id, "pm_timeout_twice").await.success();
    let order = shop.reaches(&id, "COMPLETED").await;
    assert_eq!(order.states().iter().filter(|state| **state == "PAID").count(), 1, "{order:?}");
    shop.stock(COUNTED).await.is_after_selling(1, &before);
}

#[tokio::test]
async fn a_payment_gateway_that_stays_silent_is_asked_again_until_the_customer_cancels() {
    // Emulators of AWS pause for longer between two attempts than a test waits.
    let Some(runtime) = Runtime::own(&Settings::default().in_memory()) else { return };
    let shop = runtime.shop();
    let before = shop.stock(COUNTED).await;
    let id = shop.place_unpaid(&one_of(COUNTED)).await;
    shop.pay_with(&id, "pm_timeout_always").await.success();
    eventually("the gateway was asked more than once", async || {
        let workflow = shop.get(&format!("/api/v1/orders/{id}/workflow")).await.success();
        let asked = workflow.to_string().matches("GatewayTimeout").count();
        if asked > 1 { Ok(()) } else { Err(asked) }
    })
    .await;
    assert_eq!(shop.read(&id).await.state(), "PAYMENT_RECEIVED", "silence undoes nothing");
    shop.cancel(&id).await.success();
    let order = shop.reaches(&id, "CANCELLED").await;
    cancelled(&order, "CUSTOMER");
    assert_eq!(order.money(), "VOID");
    shop.stock_is_back(&before).await;
}

#[tokio::test]
async fn a_shipment_that_fails_for_a_while_is_tried_again() {
    let runtime = Runtime::alone();
    let shop = runtime.shop();
    let before = shop.stock(FRAGILE).await;
    let id = shop.place(&paid_with(one_of(FRAGILE), "pm_card")).await;
    let order = shop.reaches(&id, "COMPLETED").await;
    assert_eq!(shipment_states(&order), ["SHIPPED"]);
    shop.stock(FRAGILE).await.is_after_selling(1, &before);
}

#[tokio::test]
async fn a_shipment_that_fails_for_good_undoes_the_others_and_the_payment() {
    let runtime = Runtime::alone();
    let shop = runtime.shop();
    let (vase, other) = (shop.stock(UNSHIPPABLE).await, shop.stock(EAST).await);
    let id = shop.place(&paid_with(items(&[(UNSHIPPABLE, 1), (EAST, 1)]), "pm_card")).await;
    let order = shop.reaches(&id, "CANCELLED").await;
    cancelled(&order, "SHIPMENT_FAILED");
    assert_eq!(shipment_states(&order), ["CANCELLED", "CANCELLED"], "two warehouses: {order:?}");
    assert_eq!(order.money(), "REFUNDED");
    shop.stock_is_back(&vase).await;
    shop.stock_is_back(&other).await;
}

#[tokio::test]
async fn a_refund_that_fails_for_a_while_is_tried_again() {
    let runtime = Runtime::alone();
    let shop = runtime.shop();
    let before = shop.stock(UNSHIPPABLE).await;
    let id = shop.place(&paid_with(one_of(UNSHIPPABLE), "pm_refund_fails_twice")).await;
    let order = shop.reaches(&id, "CANCELLED").await;
    cancelled(&order, "SHIPMENT_FAILED");
    assert_eq!(order.money(), "REFUNDED");
    shop.stock_is_back(&before).await;
}

#[tokio::test]
async fn a_refund_that_fails_for_good_needs_attention_and_drops_nothing() {
    let runtime = Runtime::alone();
    let shop = runtime.shop();
    let id = shop.place(&paid_with(one_of(UNSHIPPABLE), "pm_refund_fails")).await;
    let order = shop.reaches(&id, "NEEDS_ATTENTION").await;
    assert_eq!(order.money(), "CAPTURED", "the money is still with us: {order:?}");
    shop.cancel(&id).await.problem(409);
    shop.pay(&id).await.problem(409);
    assert_eq!(shop.read(&id).await.state(), "NEEDS_ATTENTION");
    let listed = shop.get("/api/v1/orders?state=NEEDS_ATTENTION&limit=100").await.success();
    let found = listed["orders"].as_array().unwrap().iter().any(|order| order["order_id"] == id.as_str());
    assert!(found, "an operator must find it: {listed:#}");
}

#[tokio::test]
async fn goods_that_cannot_be_called_back_need_attention_before_the_money_goes() {
    let runtime = Runtime::alone();
    let shop = runtime.shop();
    let id = shop.place(&paid_with(items(&[(STUCK, 1), (UNSHIPPABLE, 1)]), "pm_card")).await;
    let order = shop.reaches(&id, "NEEDS_ATTENTION").await;
    assert_eq!(order.money(), "CAPTURED", "goods and money must not both be gone: {order:?}");
    let crate_ = order.shipments().into_iter().find(|shipment| shipment.warehouse == "wh-north").unwrap();
    assert_ne!(crate_.state, "CANCELLED", "{order:?}");
}

#[tokio::test]
async fn an_order_that_needs_attention_is_a_failed_execution_that_says_why() {
    let runtime = Runtime::alone();
    let (shop, Some(aws)) = (runtime.shop(), runtime.aws()) else { return };
    let id = shop.place(&paid_with(one_of(UNSHIPPABLE), "pm_refund_fails")).await;
    shop.reaches(&id, "NEEDS_ATTENTION").await;
    let arn = aws.execution_of(&id).await;
    let described = eventually("the execution ends", async || {
        let described = aws.states("DescribeExecution", &json!({ "executionArn": arn })).await;
        if described["status"] == "RUNNING" { Err(described) } else { Ok(described) }
    })
    .await;
    assert_eq!((&described["status"], &described["error"]), (&json!("FAILED"), &json!("RefundFailed")));
    let attention = shop.read(&id).await.0["attention"].clone();
    assert_eq!(
        (&attention["failed_state"], &attention["error"]),
        (&json!("RefundPayment"), &json!("RefundFailed"))
    );
    assert_eq!((&attention["money_taken"], &attention["stock_held"]), (&json!(true), &json!(true)));
}

#[tokio::test]
async fn an_order_that_needs_attention_goes_on_at_a_word_and_ends_by_what_was_done_by_hand() {
    let runtime = Runtime::alone();
    let shop = runtime.shop();
    let before = shop.stock(UNSHIPPABLE).await;
    let id = shop.place(&paid_with(one_of(UNSHIPPABLE), "pm_refund_fails")).await;
    shop.reaches(&id, "NEEDS_ATTENTION").await;
    let retried =
        shop.post(&format!("/api/v1/orders/{id}/retry"), &json!({ "note": "try again" })).await.success();
    assert_eq!(retried["state"], "COMPENSATING");
    // The bank refuses again.
    eventually("it needs attention again", async || {
        let order = shop.read(&id).await;
        let times = order.states().iter().filter(|state| **state == "NEEDS_ATTENTION").count();
        if times == 2 && order.state() == "NEEDS_ATTENTION" { Ok(()) } else { Err(order) }
    })
    .await;
    let path = format!("/api/v1/orders/{id}/resolve");
    let contradiction = json!({ "money": "NONE", "stock": "RELEASED", "note": "n" });
    shop.post(&path, &contradiction).await.problem(409);
    let resolution = json!({ "money": "REFUNDED", "stock": "RELEASED", "note": "by transfer" });
    let resolved = shop.post(&path, &resolution).await.success();
    assert_eq!(
        (&resolved["state"], &resolved["payment"]["state"]),
        (&json!("CANCELLED"), &json!("REFUNDED"))
    );
    shop.stock_is_back(&before).await;
}

#[tokio::test]
async fn the_doctor_says_what_waits_for_a_person_and_by_its_exit_code_whether_anything_does() {
    let Some(runtime) = Runtime::own(&Settings::default().in_memory()) else { return };
    let shop = runtime.shop();
    let url = runtime.url().to_owned();
    let ask = async || {
        let url = url.clone();
        let asked = tokio::task::spawn_blocking(move || omniflow_e2e::run(&["doctor", "--url", &url]));
        let output = asked.await.unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(ask().await, (Some(0), "All is well.\n".to_owned()));
    let id = shop.place(&paid_with(one_of(UNSHIPPABLE), "pm_refund_fails")).await;
    shop.reaches(&id, "NEEDS_ATTENTION").await;
    let (code, said) = ask().await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.starts_with(&format!("NEEDS_ATTENTION {id} NEEDS_ATTENTION since ")), "{said}");
    assert!(said.contains("RefundFailed"), "{said}");
    let silent =
        tokio::task::spawn_blocking(|| omniflow_e2e::run(&["doctor", "--url", "http://127.0.0.1:9"]));
    let silent = silent.await.unwrap();
    assert_eq!(silent.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&silent.stderr).contains("does not answer"));
}
