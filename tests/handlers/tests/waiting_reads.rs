//! Reads that are answered when something has come of the order. Time is virtual: it passes when everybody waits.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use futures::future::join_all;
use omniflow_domain::{OrderId, Status};
use omniflow_testing::{HttpAnswer, Shop, Walk, customer};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

/// No time at all, for whoever doesn't wait: less than the shortest pause that anyone makes.
const AT_ONCE: Duration = Duration::from_millis(1);
const LONGEST: &str = "8";

fn shop() -> Shop {
    Shop::set_up(&[("ring", "wh-east", 9)], &[("LONGEST_WAIT_SECONDS", LONGEST)])
}

async fn read(shop: &Shop, id: &OrderId, preference: &str) -> HttpAnswer {
    shop.http_preferring(preference, &Value::Null, &format!("/api/v1/orders/{id}")).await
}

/// The order's state, and what was granted.
fn told(answer: &HttpAnswer) -> (&str, Option<&str>) {
    assert_eq!(answer.status, 200, "{}", answer.body);
    (answer.body["state"].as_str().unwrap(), answer.headers["preference-applied"].as_str())
}

/// Goes on with the order until it waits in this state.
async fn until_it_waits(shop: &Shop, id: &OrderId, state: &str) -> Walk {
    let mut walk = Walk::until(shop, id, state).await;
    walk.step(shop).await;
    walk
}

#[tokio::test(start_paused = true)]
async fn the_answer_comes_when_the_order_waits_for_a_person_or_is_closed() {
    let shop = shop();
    let id = shop.place_one("ring", 1).await;
    let begun = Instant::now();
    let (unpaid, walk) = tokio::join!(read(&shop, &id, "wait=5"), until_it_waits(&shop, &id, "AwaitPayment"));
    assert_eq!(told(&unpaid), ("AWAITING_PAYMENT", Some("wait=5")));
    assert_eq!(shop.pay(&id, "pm_card").await.status, 200);
    let (paid, end) = tokio::join!(read(&shop, &id, "wait=5"), walk.to_the_end(&shop));
    assert_eq!((told(&paid).0, end), ("COMPLETED", Ok(())));
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_approved_order_does_not_rest_until_its_workflow_has_heard_of_it() {
    let shop = shop();
    let id = shop.place(json!({ "items": ["ring"], "amount": 20_000 })).await;
    let mut walk = until_it_waits(&shop, &id, "AwaitAudit").await;
    assert_eq!(told(&read(&shop, &id, "wait=5").await).0, "AWAITING_AUDIT");
    assert_eq!(shop.audit(&id, "APPROVE").await.status, 200);
    let goes_on = async {
        walk.go_on(&shop, "AwaitPayment").await;
        walk.step(&shop).await;
    };
    let (approved, ()) = tokio::join!(read(&shop, &id, "wait=5"), goes_on);
    assert_eq!(told(&approved).0, "AWAITING_PAYMENT");
}

#[tokio::test(start_paused = true)]
async fn what_another_process_wrote_is_seen_before_patience_is_over() {
    let shop = shop();
    let id = shop.place_one("ring", 1).await;
    let begun = Instant::now();
    let elsewhere = async {
        sleep(Duration::from_millis(600)).await;
        shop.set_status(&id, Status::Completed);
    };
    let (answer, ()) = tokio::join!(read(&shop, &id, "wait=5"), elsewhere);
    assert_eq!(told(&answer).0, "COMPLETED");
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn when_patience_is_over_the_answer_is_the_order_as_it_is() {
    let shop = shop();
    let id = shop.place_one("ring", 1).await;
    for (wanted, granted) in [("wait=2", 2), ("wait=60", 8)] {
        let begun = Instant::now();
        let answer = read(&shop, &id, wanted).await;
        assert_eq!(told(&answer), ("RECEIVED", Some(format!("wait={granted}").as_str())));
        assert_eq!(begun.elapsed().as_secs(), granted);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_granted_is_answered_at_once() {
    let begun = Instant::now();
    // As the template has it, nobody may wait.
    for (shop, preference) in [(Shop::stocked(&[("ring", "wh-east", 9)]), "wait=5"), (shop(), "wait=0")] {
        let id = shop.place_one("ring", 1).await;
        assert_eq!(told(&read(&shop, &id, preference).await), ("RECEIVED", None));
    }
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_an_order_that_is_unknown_or_somebody_elses() {
    let shop = Shop::set_up(
        &[("ring", "wh-east", 9)],
        &[("LONGEST_WAIT_SECONDS", LONGEST), ("OPEN_ACCESS", "false")],
    );
    let made =
        shop.http_as(&customer("ann"), "POST", "/api/v1/orders", json!({ "items": ["ring"] })).await.body;
    let begun = Instant::now();
    for id in [made["order_id"].as_str().unwrap(), "ORD-1"] {
        let path = format!("/api/v1/orders/{id}");
        let answer = shop.http_preferring("wait=5", &customer("bob"), &path).await;
        assert_eq!(answer.status, 404, "{id}: {}", answer.body);
    }
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn more_than_a_process_can_keep_waiting_are_answered_at_once() {
    let shop = shop();
    let id = shop.place_one("ring", 1).await;
    let readers = join_all((0..100).map(|_| read(&shop, &id, "wait=5")));
    let (answers, _) = tokio::join!(readers, until_it_waits(&shop, &id, "AwaitPayment"));
    let told: Vec<_> = answers.iter().map(told).collect();
    let waited = told.iter().filter(|told| **told == ("AWAITING_PAYMENT", Some("wait=5"))).count();
    let refused = told.iter().filter(|told| **told == ("RECEIVED", None)).count();
    assert_eq!((waited, refused), (64, 36));
}
