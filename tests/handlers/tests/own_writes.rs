//! An answer can be lost after its effect. The SDK sends the request again then, and the condition of the write fails
//! on what the write itself has done: whoever wrote must recognise that, and nobody may take it for theirs who did not.
//!
//! The functions' clients send requests again here as they do on Lambda. Time is virtual.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use omniflow_domain::order::Signal;
use omniflow_domain::{OrderId, Status};
use omniflow_testing::{At, HttpAnswer, Outage, Shop, Token, Walk};
use serde_json::{Value, json};
use tokio::task::yield_now;

const STOCK: [(&str, &str, u32); 2] = [("lamp", "wh-east", 2), ("lamp", "wh-west", 2)];
const ORDERS: &str = "/api/v1/orders";

/// An order over two warehouses, small enough to need no review.
fn small() -> Value {
    json!({ "items": [{ "product_id": "lamp", "quantity": 3 }], "customer_id": "c1" })
}

fn large() -> Value {
    json!({ "items": [{ "product_id": "lamp", "quantity": 3, "price": 5000 }], "customer_id": "c1" })
}

/// The answers to these requests are lost, and those to all others are not.
fn lost(requests: impl IntoIterator<Item = usize>) -> impl Iterator<Item = Outage> {
    requests.into_iter().map(|request| Outage { request, carried_out: true })
}

/// The shops in which each request of `act` loses its answer, once and twice in a row, and with a DynamoDB that knows the
/// tokens of transactions and one that has forgotten them.
fn losses(requests: usize) -> impl Iterator<Item = (Vec<usize>, bool)> {
    let once = (0..requests).map(|request| vec![request]);
    let twice = (0..requests).map(|request| vec![request, request + 1]);
    once.chain(twice).flat_map(|lost| [(lost.clone(), false), (lost, true)])
}

async fn waiting(shop: &Shop, order: Value, state: &str) -> (OrderId, Walk, String) {
    let id = shop.place(order).await;
    let mut walk = Walk::until(shop, &id, state).await;
    walk.step(shop).await;
    match walk.at.clone() {
        At::Waiting(_, token) => (id, walk, token),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_whose_creation_was_answered_into_the_void_is_created_once() {
    for key in [None, Some("k")] {
        let create = async |shop: &Shop| match key {
            None => shop.http("POST", ORDERS, small()).await,
            Some(key) => shop.http_once(key, ORDERS, small()).await,
        };
        let shop = Shop::retrying(&STOCK);
        shop.aws.outages([]);
        assert_eq!(create(&shop).await.status, 201);
        for (requests, forgets) in losses(shop.aws.requests()) {
            let at = format!("key {key:?}, lost {requests:?}, tokens forgotten: {forgets}");
            let shop = Shop::retrying(&STOCK);
            shop.aws.outages(lost(requests));
            if forgets {
                shop.aws.forget_tokens();
            }
            let answer = create(&shop).await;
            assert_eq!(answer.status, 201, "{at}: {}", answer.body);
            let id = answer.body["order_id"].as_str().unwrap();
            let stored = shop.items("OrdersTable");
            assert_eq!(stored.len(), 1, "{at}");
            assert_eq!(stored[0]["order_id"]["S"], id, "{at}");
            assert!(shop.aws.started("OrderStateMachine", id).is_some(), "{at}: it waits for the sweeper");
            assert_eq!(answer.headers.get("idempotency-replayed"), None, "{at}: it is the first answer");
        }
    }
}

type Decide = fn(Arc<Shop>, OrderId) -> BoxFuture<'static, HttpAnswer>;

/// The decisions of people: the state in which the workflow waits, the decision, the status that it leads to, and what the
/// workflow is told.
fn decisions() -> [(&'static str, Decide, &'static str, Token); 6] {
    let failed = |error: &str| Token::Failure(error.to_owned());
    [
        (
            "AwaitPayment",
            |shop, id| async move { shop.pay(&id, "pm_card").await }.boxed(),
            "PAYMENT_RECEIVED",
            Token::Success,
        ),
        (
            "AwaitPayment",
            |shop, id| {
                async move {
                    let path = format!("{ORDERS}/{id}/pay");
                    shop.http_once("k", &path, json!({ "method": "pm_card" })).await
                }
                .boxed()
            },
            "PAYMENT_RECEIVED",
            Token::Success,
        ),
        (
            "AwaitPayment",
            |shop, id| async move { shop.decide(&id, "cancel").await }.boxed(),
            "COMPENSATING",
            failed("OrderCancelled"),
        ),
        (
            "AwaitAudit",
            |shop, id| async move { shop.decide(&id, "cancel").await }.boxed(),
            "COMPENSATING",
            failed("OrderCancelled"),
        ),
        (
            "AwaitAudit",
            |shop, id| async move { shop.audit(&id, "APPROVE").await }.boxed(),
            "RESERVED",
            Token::Success,
        ),
        (
            "AwaitAudit",
            |shop, id| async move { shop.audit(&id, "REJECT").await }.boxed(),
            "COMPENSATING",
            failed("AuditRejected"),
        ),
    ]
}

fn order_for(state: &str) -> Value {
    if state == "AwaitAudit" { large() } else { small() }
}

#[tokio::test(start_paused = true)]
async fn a_decision_whose_answer_is_lost_is_the_callers_own() {
    for (state, decide, leads_to, told) in decisions() {
        let shop = Arc::new(Shop::retrying(&STOCK));
        let (id, ..) = waiting(&shop, order_for(state), state).await;
        shop.aws.outages([]);
        assert_eq!(decide(Arc::clone(&shop), id).await.status, 200);
        for (requests, forgets) in losses(shop.aws.requests()) {
            let at = format!("{leads_to} from {state}, lost {requests:?}, tokens forgotten: {forgets}");
            let shop = Arc::new(Shop::retrying(&STOCK));
            let (id, _, token) = waiting(&shop, order_for(state), state).await;
            shop.aws.outages(lost(requests));
            if forgets {
                shop.aws.forget_tokens();
            }
            let answer = decide(Arc::clone(&shop), id.clone()).await;
            assert_eq!(answer.status, 200, "{at}: {}", answer.body);
            assert_eq!(answer.body["state"], leads_to, "{at}");
            assert_eq!(answer.headers.get("idempotency-replayed"), None, "{at}");
            assert_eq!(shop.aws.answered(&token), Some(told.clone()), "{at}: it waits for the sweeper");
            let again = decide(Arc::clone(&shop), id).await;
            assert!(
                again.status == 409 || again.headers["idempotency-replayed"] == "true",
                "{at}: {again:?}"
            );
        }
    }
}

/// Lets the decision's write be made and its answer be lost, does `meanwhile`, and gives the answer to the decision. One
/// with an idempotency key looks for a kept answer first, at two places.
async fn decided_with(
    shop: &Arc<Shop>,
    id: &OrderId,
    (decide, keyed): (Decide, bool),
    meanwhile: impl AsyncFnOnce(),
) -> HttpAnswer {
    let version = |shop: &Shop| shop.item(id)["version"].clone();
    let (before, reads) = (version(shop), if keyed { 2 } else { 0 });
    shop.aws.outages(lost([reads]));
    let decided = tokio::spawn(decide(Arc::clone(shop), id.clone()));
    while version(shop) == before {
        yield_now().await;
    }
    // The SDK pauses before it sends the request again; no time passes until everybody waits.
    assert!(!decided.is_finished());
    meanwhile().await;
    decided.await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_payment_is_its_payers_own_also_when_the_order_is_completed_by_then() {
    for decide in [(decisions()[0].1, false), (decisions()[1].1, true)] {
        let shop = Arc::new(Shop::retrying(&STOCK));
        let (id, walk, _) = waiting(&shop, small(), "AwaitPayment").await;
        let complete = async || {
            shop.age_signal(&id).await;
            assert_eq!(shop.sweep().await, (1, 0, 0));
            walk.to_the_end(&shop).await.unwrap();
            assert_eq!(shop.order(&id).await.status(), Status::Completed);
        };
        let answer = decided_with(&shop, &id, decide, complete).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.body["state"], "PAYMENT_RECEIVED", "what was decided");
        assert_eq!(shop.order(&id).await.status(), Status::Completed);
        assert_eq!(shop.money(&id), (true, false));
    }
}

#[tokio::test(start_paused = true)]
async fn every_decision_is_its_makers_own_whatever_others_write_on_top() {
    for (index, (state, decide, leads_to, _)) in decisions().into_iter().enumerate() {
        let shop = Arc::new(Shop::retrying(&STOCK));
        let (id, ..) = waiting(&shop, order_for(state), state).await;
        let others = async || {
            for _ in 0..9 {
                shop.touch(&id);
            }
            shop.tamper(&id, |_| ()).await;
        };
        let answer = decided_with(&shop, &id, (decide, index == 1), others).await;
        assert_eq!((answer.status, &answer.body["state"]), (200, &json!(leads_to)), "{}", answer.body);
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_that_others_change_before_its_creation_is_answered_is_created_once() {
    let shop = Arc::new(Shop::retrying(&STOCK));
    // The requests before the write read the catalogue and the backlog, take numbers and note whose the number is.
    shop.aws.outages(lost([4]));
    let creator = Arc::clone(&shop);
    let created = tokio::spawn(async move { creator.http("POST", ORDERS, small()).await });
    while shop.items("OrdersTable").is_empty() {
        yield_now().await;
    }
    let id = shop.items("OrdersTable")[0]["order_id"]["S"].as_str().unwrap().to_owned();
    let id = OrderId::parse(&id).unwrap();
    shop.age_signal(&id).await;
    assert_eq!(shop.sweep().await, (1, 0, 0));
    Walk::of(&id).to_the_end(&shop).await.unwrap();
    let answer = created.await.unwrap();
    assert_eq!((answer.status, &answer.body["order_id"]), (201, &json!(id)), "{}", answer.body);
    assert_eq!(shop.items("OrdersTable").len(), 1);
    assert_eq!(shop.order(&id).await.status(), Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn of_equal_decisions_at_once_one_is_its_makers_own_whichever_answer_is_lost() {
    for seed in 0..30 {
        for (index, (state, decide, _, told)) in decisions().into_iter().enumerate() {
            let keyed = index == 1;
            let shop = Arc::new(Shop::retrying_and_shuffled(&STOCK, seed));
            let (id, _, token) = waiting(&shop, order_for(state), state).await;
            shop.aws.outages(lost([usize::try_from(seed % 6).unwrap(), 7]));
            let answers = join_all((0..3).map(|_| decide(Arc::clone(&shop), id.clone()))).await;
            let won = |answer: &&HttpAnswer| {
                answer.status == 200 && answer.headers.get("idempotency-replayed").is_none()
            };
            assert_eq!(answers.iter().filter(won).count(), 1, "{state}, seed {seed}: {answers:?}");
            let lost = answers.iter().filter(|answer| !won(answer));
            lost.for_each(|answer| assert_eq!(answer.status, if keyed { 200 } else { 409 }, "{answer:?}"));
            assert_eq!(shop.aws.answered(&token), Some(told.clone()), "{state}, seed {seed}");
        }
    }
}

/// The steps of an order that is reviewed, paid and completed, and those that undo it.
const FORWARD: [&str; 6] =
    ["ReserveStock", "AwaitAudit", "AwaitPayment", "CapturePayment", "ShipWarehouses", "CompleteOrder"];
const BACKWARD: [&str; 4] = ["CancelShipments", "RefundPayment", "ReleaseStock", "CloseOrder"];

async fn before(state: &str) -> (Shop, OrderId, Walk) {
    let shop = Shop::retrying(&STOCK);
    let id = shop.place(large()).await;
    if FORWARD.contains(&state) {
        let walk = Walk::until(&shop, &id, state).await;
        return (shop, id, walk);
    }
    let mut walk = Walk::until(&shop, &id, "CompleteOrder").await;
    assert_eq!(shop.decide(&id, "cancel").await.status, 200);
    walk.go_on(&shop, state).await;
    (shop, id, walk)
}

#[tokio::test(start_paused = true)]
async fn a_step_whose_answers_are_lost_does_what_it_does_otherwise() {
    for state in FORWARD.into_iter().chain(BACKWARD) {
        let (shop, id, mut walk) = before(state).await;
        shop.aws.outages([]);
        walk.step(&shop).await;
        let (requests, next, world) = (shop.aws.requests(), walk.at, shop.world(&id).await);
        for (requests, forgets) in losses(requests) {
            let at = format!("{state}, lost {requests:?}, tokens forgotten: {forgets}");
            let (shop, id, mut walk) = before(state).await;
            shop.aws.outages(lost(requests));
            if forgets {
                shop.aws.forget_tokens();
            }
            walk.step(&shop).await;
            match (&walk.at, &next) {
                (At::Waiting(state, _), At::Waiting(expected, _)) => assert_eq!(state, expected, "{at}"),
                (reached, expected) => assert_eq!(reached, expected, "{at}"),
            }
            assert_eq!(shop.world(&id).await, world, "{at}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_whose_answer_is_lost_is_told_to_the_workflow_at_once() {
    for request in 0..3 {
        let shop = Shop::retrying(&STOCK);
        let (id, _, token) = waiting(&shop, small(), "AwaitPayment").await;
        shop.pass_deadline(&id).await;
        shop.aws.outages(lost([request]));
        let closed = shop.forward("close-payment-window", &id).await.unwrap();
        assert_eq!(closed["state"], "COMPENSATING", "{request}");
        assert_eq!(shop.order(&id).await.pending_signal(), Some(Signal::TimedOut), "{request}");
        assert_eq!(shop.aws.answered(&token), Some(Token::Failure("PaymentTimeout".to_owned())), "{request}");
    }
}

/// The gateway and the warehouses that fail twice do so twice, also when the answer to their count is lost.
#[tokio::test(start_paused = true)]
async fn the_simulated_outside_counts_an_attempt_once() {
    let stock = [("fragile-lamp", "wh-east", 5)];
    for (product, method, state, binary, event) in [
        ("fragile-lamp", "pm_card", "ShipWarehouses", "ship-warehouse", json!({ "warehouse": "wh-east" })),
        ("fragile-lamp", "pm_timeout_twice", "CapturePayment", "capture-payment", json!({})),
    ] {
        for request in 0..4 {
            let shop = Shop::retrying(&stock);
            let id = shop.place(json!({ "items": [product], "payment": { "method": method } })).await;
            Walk::until(&shop, &id, state).await;
            let mut event = event.clone();
            event["order_id"] = json!(id);
            shop.aws.outages(lost([request]));
            let failed = async || shop.invoke(binary, event.clone()).await.is_err();
            assert_eq!(
                [failed().await, failed().await, failed().await],
                [true, true, false],
                "{state} {request}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_process_remembers_is_not_written_over_a_table_that_was_put_back() {
    let (shop, clock) = Shop::timed(&[("ring", "wh-east", 5)]);
    let id = shop.place_one("ring", 1).await;
    shop.forward("reserve-stock", &id).await.unwrap();
    let earlier = shop.items("OrdersTable").remove(0);
    shop.wait("open-payment-window", &id, "token").await.unwrap();
    let version = || shop.items("OrdersTable").remove(0)["version"].clone();
    let later = version();

    shop.put("OrdersTable", earlier);
    assert_eq!(shop.another_process().decide(&id, "cancel").await.status, 200);
    assert_eq!(version(), later, "another way to the same version");
    clock.advance(Duration::from_secs(6 * 60));
    assert_eq!(shop.pay(&id, "pm_card").await.status, 409);
    assert!(shop.order(&id).await.standing().is_undone());
}
