//! What customers are told, as the local runtime's outbox shows it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use omniflow_e2e::{EVERYWHERE, Runtime, Settings, Shop, eventually};
use reqwest::Method;
use serde_json::{Value, json};

/// The address that bounces: Amazon SES's mailbox simulator.
const BOUNCES: &str = "bounce@simulator.amazonses.com";

async fn outbox(shop: &Shop) -> Value {
    shop.get("/_omniflow/outbox").await.success()
}

fn of<'a>(outbox: &'a Value, list: &str, id: &str) -> Vec<&'a Value> {
    let all = outbox[list].as_array().unwrap_or_else(|| panic!("no {list}: {outbox:#}"));
    all.iter().filter(|entry| entry.to_string().contains(id)).collect()
}

fn prepaid(email: &str) -> Value {
    json!({ "items": [EVERYWHERE], "email": email, "payment": { "method": "pm_card" } })
}

#[tokio::test]
async fn a_customer_is_told_in_the_language_of_the_order() {
    let Some(runtime) = Runtime::own(&Settings::default()) else { return };
    let shop = runtime.shop();
    let body = prepaid("ann@example.com").to_string();
    for (path, language, completed) in [
        ("/api/v1/orders", "", "已完成"),
        ("/api/orders", "", "Выполнен"),
        ("/api/v1/orders", "en", "Completed"),
    ] {
        let headers = [("accept-language", language)];
        let made = shop.send(Method::POST, path, &headers, Some(body.clone())).await.success();
        let id = made["order_id"].as_str().unwrap();
        let subject = eventually("the customer is told", async || {
            let outbox = outbox(&shop).await;
            let told = of(&outbox, "messages", id);
            let last = told.iter().find(|message| message["subject"].as_str().unwrap().contains(completed));
            last.map(|message| message["to"].clone()).ok_or(outbox)
        })
        .await;
        assert_eq!(subject, json!(["ann@example.com"]));
    }
    let page = shop.send(Method::GET, "/_omniflow/outbox", &[("accept", "text/html")], None).await;
    assert!(
        page.header("content-type").starts_with("text/html") && page.text.contains("ann@example.com"),
        "{page:?}"
    );
}

#[tokio::test]
async fn a_message_that_fails_for_good_is_a_dead_letter_and_the_order_stays_good() {
    let settings = Settings::default().parameter("NotificationRetries", 0);
    let Some(runtime) = Runtime::own(&settings) else { return };
    let shop = runtime.shop();
    let id = shop.place(&prepaid(BOUNCES)).await;
    shop.reaches(&id, "COMPLETED").await;
    let failure = eventually("two dead letters", async || {
        let outbox = outbox(&shop).await;
        let dead = of(&outbox, "dead_letters", &id);
        if dead.len() == 2 { Ok(dead[0]["failure"].to_string()) } else { Err(outbox) }
    })
    .await;
    assert!(failure.contains("NotificationFailed") && failure.contains("MessageRejected"), "{failure}");
    assert!(of(&outbox(&shop).await, "messages", &id).is_empty());
    assert_eq!(shop.read(&id).await.state(), "COMPLETED");
}

#[tokio::test]
async fn a_message_that_fails_is_tried_again_later() {
    let Some(runtime) = Runtime::own(&Settings::default()) else { return };
    let shop = runtime.shop();
    let id = shop.place(&prepaid(BOUNCES)).await;
    shop.reaches(&id, "COMPLETED").await;
    eventually("both messages wait for their next attempt", async || {
        let outbox = outbox(&shop).await;
        let waiting = of(&outbox, "waiting", &id);
        if waiting.len() == 2 && waiting.iter().all(|waiting| waiting["attempts"] == 1) {
            Ok(())
        } else {
            Err(outbox)
        }
    })
    .await;
    assert!(of(&outbox(&shop).await, "dead_letters", &id).is_empty());
}

#[tokio::test]
async fn an_address_that_is_none_is_refused() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    for email in [json!("ann"), json!("ann@"), json!(7), json!("Ann <ann@example.com>"), json!("")] {
        let body = json!({ "items": [EVERYWHERE], "email": email });
        let detail = shop.order(&body).await.problem(400).detail;
        assert!(detail.contains("email"), "{detail}");
    }
}
