//! Many at once: no overselling, and whoever races for one order, exactly one wins and the order ends as its winner was
//! told.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::join_all;
use futures::stream::{self, StreamExt as _};
use omniflow_e2e::{Answer, COUNTED, EVERYWHERE, Order, RARE, Runtime, Seed, Settings, Shop, eventually};
use serde_json::{Value, json};

fn one_of(product: &str) -> Value {
    json!({ "customer_id": "customer", "items": [{ "product_id": product, "quantity": 1, "price": 10 }] })
}

/// How many orders race in each test.
const ORDERS: usize = 60;

async fn place_many(shop: &Shop, body: &Value, count: usize) -> Vec<String> {
    let placed: Vec<_> =
        stream::iter(0..count).map(|_| shop.place(body)).buffer_unordered(16).collect().await;
    placed
}

/// A winner hears 2xx, a loser 409; anything else is a failure.
fn won(answer: &Answer) -> bool {
    if answer.is_success() {
        return true;
    }
    let problem = answer.problem(409);
    assert!(problem.body["state"].is_string(), "a loser must hear what the order is now: {answer:?}");
    false
}

fn end(order: &Order) -> (&str, Option<&str>) {
    (order.state(), order.reason())
}

/// Waits until `before` a moment, with a jitter that makes every order's race a little different.
async fn until(moment: DateTime<Utc>, offset_millis: i64) {
    let at = moment + chrono::TimeDelta::milliseconds(offset_millis);
    tokio::time::sleep((at - Utc::now()).to_std().unwrap_or(Duration::ZERO)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_buyers_of_a_hundred_pieces_a_hundred_win() {
    let Some(runtime) = Runtime::own(&Settings::default().payment_window(600)) else { return };
    let shop = runtime.shop();
    let stock = shop.stock(RARE).await;
    assert_eq!((stock.available(), stock.reserved()), (100, 0), "{stock:?}");

    let mut body = one_of(RARE);
    body["payment"] = json!({ "method": "pm_card" });
    let placed = join_all((0..1000).map(|_| shop.order(&body))).await;
    let ids: Vec<_> =
        placed.iter().map(|answer| answer.success()["order_id"].as_str().unwrap().to_owned()).collect();
    let ends: Vec<_> = stream::iter(&ids).map(|id| shop.ends(id)).buffer_unordered(32).collect().await;

    let won = ends.iter().filter(|order| end(order) == ("COMPLETED", None)).count();
    let lost = ends.iter().filter(|order| end(order) == ("REJECTED", Some("OUT_OF_STOCK"))).count();
    assert_eq!((won, lost), (100, 900));
    let stock = shop.stock(RARE).await;
    assert_eq!((stock.available(), stock.reserved()), (0, 0), "{stock:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_that_want_the_same_two_products_in_either_order_do_not_oversell() {
    let Some(runtime) = Runtime::own(&Settings::default().payment_window(600)) else { return };
    let shop = runtime.shop();
    let (rare, plenty) = (shop.stock(RARE).await, shop.stock(EVERYWHERE).await);
    let item = |product: &str| json!({ "product_id": product, "quantity": 1, "price": 1 });
    let bodies: Vec<_> = (0..300)
        .map(|number| {
            let mut items = vec![item(RARE), item(EVERYWHERE)];
            items.rotate_left(number % 2);
            json!({ "customer_id": "c", "items": items })
        })
        .collect();
    let ids: Vec<_> = stream::iter(&bodies).map(|body| shop.place(body)).buffer_unordered(64).collect().await;
    let mut payable = 0;
    for id in &ids {
        let order = eventually("reserved or rejected", async || {
            let order = shop.read(id).await;
            if matches!(order.state(), "AWAITING_PAYMENT" | "REJECTED") { Ok(order) } else { Err(order) }
        })
        .await;
        payable += i64::from(order.state() == "AWAITING_PAYMENT");
    }
    assert_eq!(payable, rare.available());
    let (rare_now, plenty_now) = (shop.stock(RARE).await, shop.stock(EVERYWHERE).await);
    assert_eq!((rare_now.available(), rare_now.reserved()), (0, payable));
    assert_eq!((plenty_now.available(), plenty_now.reserved()), (plenty.available() - payable, payable));
}

/// The deadline of an order's payment, once it has one. On a busy machine it may have passed by then: a race lost.
async fn deadline(shop: &Shop, id: &str) -> DateTime<Utc> {
    eventually("the payment window opens", async || {
        let order = shop.read(id).await;
        if order.0["payment"]["deadline"].is_string() { Ok(order.deadline()) } else { Err(order) }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pay_racing_the_timeout_has_one_winner() {
    let Some(runtime) = Runtime::with_payment_window(2) else { return };
    let (shop, mut seed) = (runtime.shop(), Seed::new());
    let before = shop.stock(COUNTED).await;
    let ids = place_many(&shop, &one_of(COUNTED), ORDERS).await;
    let offsets: Vec<_> = ids.iter().map(|_| seed.below(350) as i64 - 250).collect();
    let races = ids.iter().zip(offsets).map(async |(id, offset)| {
        let deadline = deadline(&shop, id).await;
        until(deadline, offset).await;
        (id, won(&shop.pay(id).await))
    });
    let mut paid = 0;
    for (id, won) in join_all(races).await {
        let order = shop.ends(id).await;
        let expected = if won { ("COMPLETED", None) } else { ("CANCELLED", Some("PAYMENT_TIMEOUT")) };
        assert_eq!(end(&order), expected, "paid: {won}, {order:?}");
        paid += i64::from(won);
    }
    println!("{paid} of {ORDERS} paid in time");
    shop.stock(COUNTED).await.is_after_selling(paid, &before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pay_racing_the_timeout_racing_cancel_ends_as_the_answers_said() {
    let Some(runtime) = Runtime::with_payment_window(2) else { return };
    let (shop, mut seed) = (runtime.shop(), Seed::new());
    let before = shop.stock(COUNTED).await;
    let ids = place_many(&shop, &one_of(COUNTED), ORDERS).await;
    let offsets: Vec<_> = ids.iter().map(|_| [(); 2].map(|()| seed.below(350) as i64 - 250)).collect();
    let races = ids.iter().zip(offsets).map(async |(id, [pay_at, cancel_at])| {
        let deadline = deadline(&shop, id).await;
        let pay = async {
            until(deadline, pay_at).await;
            shop.pay(id).await
        };
        let cancel = async {
            until(deadline, cancel_at).await;
            shop.cancel(id).await
        };
        let (pay, cancel) = tokio::join!(pay, cancel);
        (id, won(&pay), won(&cancel))
    });
    let mut sold = 0;
    for (id, paid, cancelled) in join_all(races).await {
        let order = shop.ends(id).await;
        // A paid order can still be cancelled until it is shipped; then the money goes back.
        let expected = match (paid, cancelled) {
            (_, true) => ("CANCELLED", Some("CUSTOMER")),
            (true, false) => ("COMPLETED", None),
            (false, false) => ("CANCELLED", Some("PAYMENT_TIMEOUT")),
        };
        assert_eq!(end(&order), expected, "paid: {paid}, cancelled: {cancelled}, {order:?}");
        sold += i64::from(order.state() == "COMPLETED");
    }
    shop.stock(COUNTED).await.is_after_selling(sold, &before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_payments_for_one_order_are_one_payment() {
    let Some(runtime) = Runtime::own(&Settings::default()) else { return };
    let shop = runtime.shop();
    for _ in 0..10 {
        let id = shop.place_unpaid(&one_of(EVERYWHERE)).await;
        let answers = join_all((0..8).map(|_| shop.pay(&id))).await;
        assert_eq!(answers.iter().filter(|answer| won(answer)).count(), 1, "{answers:?}");
        let order = shop.reaches(&id, "COMPLETED").await;
        assert_eq!(order.states().iter().filter(|state| **state == "PAID").count(), 1, "{order:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn approve_racing_reject_racing_cancel_ends_as_the_answers_said() {
    let Some(runtime) = Runtime::own(&Settings::default().payment_window(600)) else { return };
    let shop = runtime.shop();
    let before = shop.stock(EVERYWHERE).await;
    let mut large = one_of(EVERYWHERE);
    large["items"][0]["price"] = json!(20000);
    let ids = place_many(&shop, &large, ORDERS).await;
    let races = ids.iter().map(async |id| {
        shop.reaches(id, "AWAITING_AUDIT").await;
        let (approve, reject, cancel) =
            tokio::join!(shop.audit(id, "APPROVE"), shop.audit(id, "REJECT"), shop.cancel(id));
        (id, won(&approve), won(&reject), won(&cancel))
    });
    for (id, approved, rejected, cancelled) in join_all(races).await {
        assert!(!(approved && rejected), "{id} was approved and rejected");
        assert!(!(rejected && cancelled), "{id} was rejected and cancelled");
        assert!(approved || rejected || cancelled, "{id}: nobody won");
        let expected = if rejected { "AUDIT_REJECTED" } else { "CUSTOMER" };
        if rejected || cancelled {
            let order = shop.reaches(id, "CANCELLED").await;
            assert_eq!(order.reason(), Some(expected), "{order:?}");
        } else {
            shop.reaches(id, "AWAITING_PAYMENT").await;
            shop.cancel(id).await.success();
            shop.reaches(id, "CANCELLED").await;
        }
    }
    shop.stock_is_back(&before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancellation_at_any_moment_of_a_paid_order_is_kept_or_refused_never_forgotten() {
    let Some(runtime) = Runtime::own(&Settings::default().parameter("SimulatedLatencyMillis", 20)) else {
        return;
    };
    let (shop, mut seed) = (runtime.shop(), Seed::new());
    let before = shop.stock(EVERYWHERE).await;
    let ids = place_many(&shop, &one_of(EVERYWHERE), ORDERS).await;
    let delays: Vec<_> =
        ids.iter().map(|_| seed.moment(Duration::ZERO, Duration::from_millis(150))).collect();
    let races = ids.iter().zip(delays).map(async |(id, delay)| {
        shop.reaches(id, "AWAITING_PAYMENT").await;
        shop.pay(id).await.success();
        tokio::time::sleep(delay).await;
        (id, won(&shop.cancel(id).await))
    });
    // A few at a time: with all at once nearly every order would still be in its first step.
    let races: Vec<_> = stream::iter(races).buffer_unordered(6).collect().await;
    let mut sold = 0;
    for (id, cancelled) in races {
        let order = shop.ends(id).await;
        let expected = if cancelled { ("CANCELLED", Some("CUSTOMER")) } else { ("COMPLETED", None) };
        assert_eq!(end(&order), expected, "cancelled: {cancelled}, {order:?}");
        sold += i64::from(!cancelled);
    }
    println!("{sold} of {ORDERS} were too late to cancel");
    shop.stock(EVERYWHERE).await.is_after_selling(sold, &before);
}
