//! The currency is a parameter of the stack, and may become another one while there are orders.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use omniflow_e2e::{Runtime, Settings, refusal};
use serde_json::json;

#[tokio::test]
async fn orders_keep_their_currency_when_the_stack_gets_another_one() {
    let data = tempfile::tempdir().unwrap();
    let settings = || Settings::default().payment_window(600).data(data.path());
    let phone = json!({ "items": ["iPhone 15"] });

    let Some(runtime) = Runtime::own(&settings()) else { return };
    let shop = runtime.shop();
    let in_dollars = shop.place_unpaid(&phone).await;
    assert_eq!(shop.get("/api/v1/stock/iphone-15").await.success()["currency"], "USD");
    assert!(runtime.terminate().success());

    let in_yen = settings().parameter("Currency", "JPY").parameter("AuditThreshold", 1_000_000);
    let Some(runtime) = Runtime::own(&in_yen) else { return };
    let shop = runtime.shop();
    let stock = shop.get("/api/v1/stock/iphone-15").await.success();
    assert_eq!((&stock["price"], &stock["currency"]), (&json!(79_900), &json!("JPY")));
    let in_yen = shop.place_unpaid(&phone).await;
    for (id, amount, currency) in [(&in_dollars, json!(799), "USD"), (&in_yen, json!(79_900), "JPY")] {
        shop.pay(id).await.success();
        shop.reaches(id, "COMPLETED").await;
        let order = shop.get(&format!("/api/v1/orders/{id}")).await.success();
        assert_eq!((&order["amount"], &order["currency"]), (&amount, &json!(currency)));
        assert_eq!(order["items"][0]["price"], amount);
    }
    let refused = shop.post("/api/v1/orders", &json!({ "amount": 500.5, "items": ["iPhone 15"] })).await;
    let problem = refused.problem(400);
    assert!(problem.detail.contains("JPY"), "{}", problem.detail);
}

#[test]
fn what_is_no_currency_is_refused_at_the_start() {
    for wrong in ["ABC", "usd", "XAU", "840", "Dollar"] {
        let said = refusal(&Settings::default().parameter("Currency", wrong));
        assert!(said.contains("Currency") && said.contains("JPY"), "{said}");
    }
}

#[test]
fn a_threshold_that_is_no_amount_of_the_currency_is_refused_at_the_start() {
    let said = refusal(&Settings::default().parameter("Currency", "JPY").parameter("AuditThreshold", "99.5"));
    assert!(said.contains("AUDIT_THRESHOLD=99.5"), "{said}");
}
