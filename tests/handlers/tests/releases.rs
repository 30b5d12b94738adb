//! Two releases work on the same orders while one takes the place of the other: what the later one stored
//! outlives the earlier one's writes, and what the earlier one can't understand it leaves alone.

#![allow(clippy::unwrap_used, reason = "tests")]

use omniflow_domain::{OrderId, Status};
use omniflow_testing::{At, Shop, Walk};
use serde_json::{Value, json};

/// Changes the document in the order's item, as a later release does.
fn in_later_release(item: &mut Value, change: impl FnOnce(&mut Value)) {
    let mut document: Value = serde_json::from_str(item["document"]["S"].as_str().unwrap()).unwrap();
    change(&mut document);
    item["document"] = json!({ "S": document.to_string() });
}

fn document(shop: &Shop, id: &OrderId) -> Value {
    serde_json::from_str(shop.item(id)["document"]["S"].as_str().unwrap()).unwrap()
}

async fn prepaid(shop: &Shop) -> OrderId {
    shop.place(json!({ "items": ["ring"], "payment": { "method": "pm_card" } })).await
}

#[tokio::test]
async fn what_a_later_release_stored_is_there_when_all_steps_have_written_the_order() {
    let shop = Shop::stocked(&[("ring", "wh-east", 9)]);
    let reviewed = json!({ "items": [{ "product_id": "ring", "quantity": 1, "price": 20_000 }] });
    for body in [json!({ "items": ["ring"] }), reviewed] {
        let id = shop.place(body).await;
        let places = ["", "/items/0", "/payment"];
        let later = json!({ "carrier": "drone", "stops": [1, 2.5, null] });
        shop.write_elsewhere(&id, |item| {
            item["gift"] = json!({ "M": { "wrapped": { "BOOL": true }, "cards": { "NS": ["1"] } } });
            in_later_release(item, |document| {
                for place in places {
                    document.pointer_mut(place).unwrap()["later"] = later.clone();
                }
            });
        });
        Walk::of(&id).to_the_end(&shop).await.unwrap();
        assert_eq!(shop.order(&id).await.status(), Status::Completed);
        assert_eq!(
            shop.item(&id)["gift"],
            json!({ "M": { "wrapped": { "BOOL": true }, "cards": { "NS": ["1"] } } })
        );
        for place in places {
            assert_eq!(document(&shop, &id).pointer(place).unwrap()["later"], later, "{place}");
        }
        let shown = shop.http("GET", &format!("/api/v1/orders/{id}"), Value::Null).await.body;
        assert!(!shown.to_string().contains("drone"), "nobody is shown what isn't understood: {shown}");
    }
}

#[tokio::test]
async fn an_order_of_a_later_form_is_left_alone_and_the_answer_says_why() {
    let shop = Shop::stocked(&[("ring", "wh-east", 9)]);
    let id = prepaid(&shop).await;
    shop.write_elsewhere(&id, |item| in_later_release(item, |document| document["v"] = json!(99)));
    let stored = shop.item(&id);
    let answer = shop.http("GET", &format!("/api/v1/orders/{id}"), Value::Null).await;
    assert_eq!((answer.status, &answer.body["type"]), (500, &json!("urn:omniflow:problem:order-unreadable")));
    let detail = answer.body["detail"].as_str().unwrap();
    assert!(detail.contains("later release") && !detail.contains("damaged"), "{detail}");
    let cancelled = shop.decide(&id, "cancel").await;
    assert_eq!(cancelled.status, 500, "{}", cancelled.body);
    let fault = shop.forward("reserve-stock", &id).await.unwrap_err();
    assert_eq!(fault.error_type, "OrderUnreadable");
    assert!(fault.message.contains("a later release wrote it (form 99"), "{}", fault.message);
    assert_eq!(shop.item(&id), stored);
}

#[tokio::test]
async fn a_workflow_whose_order_can_not_be_read_fails_at_once_and_moves_nothing() {
    let shop = Shop::stocked(&[("ring", "wh-east", 9)]);
    let id = prepaid(&shop).await;
    let mut walk = Walk::of(&id);
    shop.touch(&id);
    shop.spoil(&id);
    let stored = shop.item(&id);
    while walk.step(&shop).await {}
    assert!(matches!(&walk.at, At::Ended(Err(error)) if error == "OrderUnreadable"), "{:?}", walk.at);
    assert_eq!(shop.item(&id), stored);
    assert_eq!(shop.money(&id), (false, false));
    assert!(shop.stock().await.iter().all(|row| (row.available, row.reserved) == (9, 0)));
}
