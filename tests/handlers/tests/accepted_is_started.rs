//! An order that is accepted is an order that is started, however long Step Functions refuses to start workflows and
//! however many orders come meanwhile.

#![allow(clippy::unwrap_used, reason = "tests")]

use omniflow_domain::OrderId;
use omniflow_domain::order::Signal;
use omniflow_testing::{Shop, Walk};

const STOCK: [(&str, &str, u32); 1] = [("ring", "wh-east", 9)];
/// Further orders are taken although others wait for an hour.
const PATIENT: (&str, &str) = ("BACKLOG_SECONDS", "86400");
/// More than the sweeper reads at once.
const MANY: usize = 450;

/// Orders that were accepted while no workflow could be started, an hour ago.
async fn accepted(shop: &Shop, count: usize) -> Vec<OrderId> {
    shop.aws.fail("StartExecution", "ThrottlingException");
    let mut ids = Vec::new();
    for _ in 0..count {
        let id = shop.place_one("ring", 1).await;
        shop.age_signal(&id).await;
        ids.push(id);
    }
    shop.aws.heal();
    ids
}

fn started(shop: &Shop, ids: &[OrderId]) -> usize {
    ids.iter().filter(|id| shop.aws.started("OrderStateMachine", id.as_str()).is_some()).count()
}

#[tokio::test]
async fn one_sweep_starts_more_orders_than_one_query_gives() {
    let shop = Shop::set_up(&STOCK, &[PATIENT]);
    let ids = accepted(&shop, MANY).await;
    assert_eq!(started(&shop, &ids), 0);
    assert_eq!(shop.sweep().await, (MANY as u64, 0, 0));
    assert_eq!(started(&shop, &ids), MANY);
}

#[tokio::test]
async fn a_minute_of_throttling_only_delays() {
    let shop = Shop::set_up(&STOCK, &[PATIENT]);
    let ids = accepted(&shop, MANY).await;
    let many = MANY as u64;
    shop.aws.throttle("StartExecution", MANY + MANY / 2);
    assert_eq!(shop.sweep().await, (0, 0, many), "refused throughout a sweep");
    assert_eq!(shop.order(&ids[0]).await.pending_signal(), Some(Signal::Start), "still pending");
    assert_eq!(shop.sweep().await, (many / 2, 0, many / 2), "and for half of the next one");
    // What was started says so as soon as it runs; here none does, and starting twice is harmless.
    assert_eq!(shop.sweep().await, (many, 0, 0));
    assert_eq!(started(&shop, &ids), MANY);
    Walk::of(&ids[0]).to_the_end(&shop).await.unwrap();
    assert_eq!(shop.order(&ids[0]).await.pending_signal(), None);
}

#[tokio::test]
async fn orders_that_cannot_be_started_stand_in_the_way_of_no_other() {
    let shop = Shop::set_up(&STOCK, &[PATIENT]);
    let bad = accepted(&shop, 210).await;
    bad.iter().for_each(|id| shop.spoil(id));
    let good = accepted(&shop, 20).await;
    assert_eq!(shop.sweep().await, (20, 0, 210));
    assert_eq!(started(&shop, &good), good.len());
}

#[tokio::test]
async fn a_long_queue_of_one_signal_keeps_no_other_waiting() {
    let shop = Shop::set_up(&STOCK, &[PATIENT]);
    let paid = shop.place_one("ring", 1).await;
    let mut walk = Walk::until(&shop, &paid, "AwaitPayment").await;
    walk.step(&shop).await;
    shop.aws.fail("SendTaskSuccess", "ThrottlingException");
    assert_eq!(shop.pay(&paid, "pm_card").await.status, 200);
    shop.age_signal(&paid).await;
    shop.aws.heal();
    let ids = accepted(&shop, 20).await;
    shop.aws.fail("StartExecution", "ThrottlingException");
    assert_eq!(shop.sweep().await, (1, 0, ids.len() as u64));
}
