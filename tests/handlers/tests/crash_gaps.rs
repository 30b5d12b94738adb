//! Between the write that decides and the word to the workflow anything can break. The decision stands, the caller hears
//! of it, and the sweeper brings the word later.

#![allow(clippy::unwrap_used, reason = "tests")]

use futures::FutureExt;
use futures::future::BoxFuture;
use omniflow_domain::order::Signal;
use omniflow_domain::{OrderId, Status};
use omniflow_testing::{At, HttpAnswer, Outage, Shop, Token, Walk};
use serde_json::json;

const STOCK: [(&str, &str, u32); 1] = [("ring", "wh-east", 9)];

async fn awaiting(shop: &Shop, state: &str) -> (OrderId, Walk, String) {
    let amount = if state == "AwaitAudit" { 20_000 } else { 20 };
    let id = shop.place(json!({ "items": ["ring"], "amount": amount })).await;
    let mut walk = Walk::until(shop, &id, state).await;
    walk.step(shop).await;
    let At::Waiting(_, token) = walk.at.clone() else { panic!("{:?}", walk.at) };
    (id, walk, token)
}

/// Decides while Step Functions does not answer, and checks that the word is kept and brought by the sweeper.
async fn decided_while_states_fail(
    state: &str,
    decide: impl AsyncFnOnce(&Shop, &OrderId) -> HttpAnswer,
    signal: Signal,
    told: Token,
) -> (Shop, Walk) {
    let shop = Shop::stocked(&STOCK);
    let (id, mut walk, token) = awaiting(&shop, state).await;
    for operation in ["SendTaskSuccess", "SendTaskFailure"] {
        shop.aws.fail(operation, "ThrottlingException");
    }
    let answer = decide(&shop, &id).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(shop.order(&id).await.pending_signal(), Some(signal));
    assert_eq!(shop.aws.answered(&token), None);
    assert!(!walk.step(&shop).await, "the workflow can't know");

    shop.age_signal(&id).await;
    assert_eq!(shop.sweep().await, (0, 0, 1), "still failing");
    assert_eq!(shop.order(&id).await.pending_signal(), Some(signal), "and still pending");
    shop.aws.heal();
    assert_eq!(shop.sweep().await, (1, 0, 0));
    assert_eq!(shop.aws.answered(&token), Some(told));
    (shop, walk)
}

/// Nothing is stored before its review, so the step itself brings the word and is tried again until it did.
#[tokio::test]
async fn an_order_that_must_be_reviewed_is_turned_away_whatever_fails_on_the_way() {
    for outage in [None, Some((0, false)), Some((1, false)), Some((1, true))] {
        let shop = Shop::stocked(&STOCK);
        let id = shop.place(json!({ "items": ["ring"], "amount": 20_000 })).await;
        let mut walk = Walk::of(&id);
        while walk.at != At::State("AwaitPayment".to_owned()) {
            walk.step(&shop).await;
        }
        shop.touch(&id);
        shop.aws.outages(outage.map(|(request, carried_out)| Outage { request, carried_out }));
        walk.step(&shop).await;
        assert_eq!(matches!(walk.at, At::State(_)), matches!(outage, Some((_, false))), "{outage:?}");
        assert_eq!(shop.order(&id).await.status(), Status::Reserved);
        shop.aws.heal();
        walk.go_on(&shop, "AwaitAudit").await;
        walk.to_the_end(&shop).await.unwrap();
        assert_eq!(shop.order(&id).await.status(), Status::Completed);
    }
}

/// No window opens for it, so the step itself brings the word and is tried again until it did.
#[tokio::test]
async fn an_order_that_brought_its_payment_passes_the_window_whatever_fails_on_the_way() {
    for outage in [None, Some((0, false)), Some((1, false)), Some((1, true))] {
        let shop = Shop::stocked(&STOCK);
        let order = json!({ "items": ["ring"], "payment": { "method": "pm_card" } });
        let id = shop.place(order).await;
        let mut walk = Walk::until(&shop, &id, "AwaitPayment").await;
        shop.touch(&id);
        shop.aws.outages(outage.map(|(request, carried_out)| Outage { request, carried_out }));
        walk.step(&shop).await;
        assert_eq!(matches!(walk.at, At::State(_)), matches!(outage, Some((_, false))), "{outage:?}");
        shop.aws.heal();
        walk.to_the_end(&shop).await.unwrap();
        assert_eq!(shop.order(&id).await.status(), Status::Completed);
        assert!(shop.aws.started("PaymentWindowStateMachine", id.as_str()).is_none());
    }
}

fn failure(error: &str) -> Token {
    Token::Failure(error.to_owned())
}

#[tokio::test]
async fn a_payment_whose_word_is_lost_is_accepted_and_brought_by_the_sweeper() {
    let pay = async |shop: &Shop, id: &OrderId| shop.pay(id, "pm_card").await;
    let (shop, walk) = decided_while_states_fail("AwaitPayment", pay, Signal::Paid, Token::Success).await;
    let id = walk.order_id.clone();
    walk.to_the_end(&shop).await.unwrap();
    let order = shop.order(&id).await;
    assert_eq!((order.status(), order.pending_signal()), (Status::Completed, None));
    assert_eq!(shop.sweep().await, (0, 0, 0), "nothing is swept twice");
}

#[tokio::test]
async fn verdicts_whose_word_is_lost_are_brought_by_the_sweeper() {
    let approve = async |shop: &Shop, id: &OrderId| shop.audit(id, "APPROVE").await;
    let (shop, walk) =
        decided_while_states_fail("AwaitAudit", approve, Signal::Approved, Token::Success).await;
    walk.to_the_end(&shop).await.unwrap();
    let reject = async |shop: &Shop, id: &OrderId| shop.audit(id, "REJECT").await;
    let told = failure("AuditRejected");
    let (shop, walk) = decided_while_states_fail("AwaitAudit", reject, Signal::Rejected, told).await;
    let id = walk.order_id.clone();
    walk.to_the_end(&shop).await.unwrap();
    assert_eq!(shop.order(&id).await.status(), Status::Cancelled);
}

#[tokio::test]
async fn a_cancellation_whose_word_is_lost_is_brought_by_the_sweeper() {
    for state in ["AwaitAudit", "AwaitPayment"] {
        let cancel = async |shop: &Shop, id: &OrderId| shop.decide(id, "cancel").await;
        let told = failure("OrderCancelled");
        let (shop, walk) = decided_while_states_fail(state, cancel, Signal::Cancelled, told).await;
        let id = walk.order_id.clone();
        walk.to_the_end(&shop).await.unwrap();
        assert_eq!(shop.order(&id).await.status(), Status::Cancelled);
        assert_eq!(shop.stock().await[0].available, 9);
    }
}

#[tokio::test]
async fn a_timeout_whose_word_is_lost_is_brought_by_the_sweeper() {
    let shop = Shop::stocked(&STOCK);
    let (id, walk, token) = awaiting(&shop, "AwaitPayment").await;
    shop.pass_deadline(&id).await;
    shop.aws.fail("SendTaskFailure", "ServiceUnavailable");
    assert_eq!(shop.forward("close-payment-window", &id).await.unwrap()["state"], "COMPENSATING");
    shop.aws.heal();
    shop.age_signal(&id).await;
    assert_eq!(shop.sweep().await, (1, 0, 0));
    assert_eq!(shop.aws.answered(&token), Some(failure("PaymentTimeout")));
    walk.to_the_end(&shop).await.unwrap();
    assert_eq!(shop.order(&id).await.status(), Status::Cancelled);
}

#[tokio::test]
async fn a_closing_window_brings_the_word_of_a_payment_before_the_sweeper_does() {
    let shop = Shop::stocked(&STOCK);
    let (id, _, token) = awaiting(&shop, "AwaitPayment").await;
    shop.aws.fail("SendTaskSuccess", "ThrottlingException");
    assert_eq!(shop.pay(&id, "pm_card").await.status, 200);
    shop.aws.heal();
    assert_eq!(shop.forward("close-payment-window", &id).await.unwrap()["state"], "PAYMENT_RECEIVED");
    assert_eq!(shop.aws.answered(&token), Some(Token::Success));
}

#[tokio::test]
async fn an_order_whose_workflow_could_not_be_started_is_accepted_and_started_by_the_sweeper() {
    for code in ["ThrottlingException", "ExecutionLimitExceeded", "KmsThrottlingException"] {
        let shop = Shop::stocked(&STOCK);
        shop.aws.fail("StartExecution", code);
        let id = shop.place_one("ring", 1).await;
        let order = shop.order(&id).await;
        assert_eq!((order.status(), order.pending_signal()), (Status::Received, Some(Signal::Start)));
        let walk = Walk::of(&id);
        assert!(!walk.clone().step(&shop).await);
        shop.aws.heal();
        assert_eq!(shop.sweep().await, (0, 0, 0), "whoever decided sends at once: too young to sweep");
        shop.age_signal(&id).await;
        assert_eq!(shop.sweep().await, (1, 0, 0));
        walk.to_the_end(&shop).await.unwrap();
        assert_eq!(shop.order(&id).await.status(), Status::Completed);
    }
}

#[tokio::test]
async fn an_order_cancelled_before_its_workflow_was_started_is_started_and_closed() {
    let shop = Shop::stocked(&STOCK);
    shop.aws.fail("StartExecution", "ThrottlingException");
    let id = shop.place_one("ring", 1).await;
    assert_eq!(shop.decide(&id, "cancel").await.status, 200);
    shop.aws.heal();
    shop.age_signal(&id).await;
    assert_eq!(shop.sweep().await, (1, 0, 0));
    Walk::of(&id).to_the_end(&shop).await.unwrap();
    assert_eq!(shop.order(&id).await.status(), Status::Cancelled);
    assert_eq!((shop.stock().await[0].available, shop.money(&id)), (9, (false, false)));
}

#[tokio::test]
async fn signals_that_nobody_waits_for_are_settled_once_and_swept_no_more() {
    let shop = Shop::stocked(&STOCK);
    let (id, _, token) = awaiting(&shop, "AwaitPayment").await;
    shop.aws.forget(&token);
    assert_eq!(shop.pay(&id, "pm_card").await.status, 200, "a token that timed out is no failure");
    assert_eq!(shop.order(&id).await.pending_signal(), Some(Signal::Paid));
    shop.age_signal(&id).await;
    assert_eq!(shop.sweep().await, (0, 1, 0));
    let order = shop.order(&id).await;
    assert_eq!((order.pending_signal(), order.status()), (None, Status::PaymentReceived));
    assert_eq!(shop.sweep().await, (0, 0, 0));
}

#[tokio::test]
async fn a_workflow_that_runs_already_is_not_swept_for_ever() {
    let shop = Shop::stocked(&STOCK);
    let id = shop.place_one("ring", 1).await;
    shop.age_signal(&id).await;
    shop.aws.fail("StartExecution", "ExecutionAlreadyExists");
    assert_eq!(shop.sweep().await, (0, 1, 0));
    assert_eq!(shop.order(&id).await.pending_signal(), None);
}

#[tokio::test]
async fn a_sweep_that_was_overtaken_does_not_clear_the_word_for_a_new_token() {
    let shop = std::sync::Arc::new(Shop::stocked(&STOCK));
    let (id, _, token) = awaiting(&shop, "AwaitPayment").await;
    shop.aws.forget(&token);
    assert_eq!(shop.pay(&id, "pm_card").await.status, 200);
    shop.age_signal(&id).await;
    // Held up between sending, which nobody hears, and clearing the signal.
    let write = shop.aws.hold("PutItem");
    let sweeper = std::sync::Arc::clone(&shop);
    let sweep = tokio::spawn(async move { sweeper.sweep().await });
    write.arrived().await;
    shop.wait("open-payment-window", &id, "a new token").await.unwrap();
    write.release();
    sweep.await.unwrap();
    assert_eq!(shop.order(&id).await.pending_signal(), Some(Signal::Paid));
    assert_eq!(shop.aws.answered("a new token"), Some(Token::Success));
}

#[tokio::test]
async fn a_payment_is_told_to_the_token_of_a_window_that_is_opened_again() {
    let shop = Shop::stocked(&STOCK);
    let (id, _, token) = awaiting(&shop, "AwaitPayment").await;
    shop.aws.forget(&token);
    assert_eq!(shop.pay(&id, "pm_card").await.status, 200);
    shop.age_signal(&id).await;
    assert_eq!(shop.sweep().await, (0, 1, 0), "settled: nobody waits for the old token");
    shop.wait("open-payment-window", &id, "a new token").await.unwrap();
    assert_eq!(shop.aws.answered("a new token"), Some(Token::Success));
}

#[tokio::test]
async fn a_verdict_is_told_to_the_token_of_a_review_that_is_requested_again() {
    let shop = Shop::stocked(&STOCK);
    let (id, _, token) = awaiting(&shop, "AwaitAudit").await;
    shop.aws.forget(&token);
    assert_eq!(shop.audit(&id, "APPROVE").await.status, 200);
    shop.age_signal(&id).await;
    assert_eq!(shop.sweep().await, (0, 1, 0), "settled: nobody waits for the old token");
    shop.wait("request-audit", &id, "a new token").await.unwrap();
    assert_eq!(shop.aws.answered("a new token"), Some(Token::Success), "an accepted verdict was lost");
}

#[tokio::test]
async fn a_payment_whose_answer_was_lost_is_found_by_asking_again() {
    for request in 0..3 {
        for carried_out in [false, true] {
            let shop = Shop::stocked(&STOCK);
            let (id, walk, _) = awaiting(&shop, "AwaitPayment").await;
            let path = format!("/api/v1/orders/{id}/pay");
            shop.aws.outages([Outage { request, carried_out }]);
            let first = shop.http_once("k", &path, json!({ "method": "pm_card" })).await;
            assert!([200, 503].contains(&first.status), "{}", first.body);
            shop.aws.heal();
            let second = shop.http_once("k", &path, json!({ "method": "pm_card" })).await;
            assert_eq!(
                (second.status, &second.body["state"]),
                (200, &json!("PAYMENT_RECEIVED")),
                "{}",
                second.body
            );
            if shop.order(&id).await.pending_signal().is_some() {
                shop.age_signal(&id).await;
                shop.sweep().await;
            }
            walk.to_the_end(&shop).await.unwrap();
            assert_eq!(shop.order(&id).await.status(), Status::Completed);
        }
    }
}

#[tokio::test]
async fn a_decision_that_breaks_at_any_request_is_made_or_not_and_asking_again_tells() {
    let approve = |shop: Shop, id: OrderId| async move { (shop.audit(&id, "APPROVE").await, shop) }.boxed();
    let reject = |shop: Shop, id: OrderId| async move { (shop.audit(&id, "REJECT").await, shop) }.boxed();
    let pay = |shop: Shop, id: OrderId| async move { (shop.pay(&id, "pm_card").await, shop) }.boxed();
    let cancel = |shop: Shop, id: OrderId| async move { (shop.decide(&id, "cancel").await, shop) }.boxed();
    type Decide = fn(Shop, OrderId) -> BoxFuture<'static, (HttpAnswer, Shop)>;
    let decisions: [(&str, Decide, &str, Status); 5] = [
        ("AwaitAudit", approve, "RESERVED", Status::Completed),
        ("AwaitAudit", reject, "COMPENSATING", Status::Cancelled),
        ("AwaitPayment", pay, "PAYMENT_RECEIVED", Status::Completed),
        ("AwaitPayment", cancel, "COMPENSATING", Status::Cancelled),
        ("AwaitAudit", cancel, "COMPENSATING", Status::Cancelled),
    ];
    for (waits_in, decide, state, end) in decisions {
        // Writing the order, which this process has seen before, and telling the workflow.
        for request in 0..2 {
            for carried_out in [false, true] {
                let at = format!("{state} from {waits_in}, request {request}, carried out: {carried_out}");
                let shop = Shop::stocked(&STOCK);
                let (id, walk, _) = awaiting(&shop, waits_in).await;
                shop.aws.outages([Outage { request, carried_out }]);
                let (first, shop) = decide(shop, id.clone()).await;
                assert_eq!(first.status, if request == 0 { 503 } else { 200 }, "{at}: {}", first.body);
                shop.aws.heal();
                let (second, shop) = decide(shop, id.clone()).await;
                let made = request == 1 || carried_out;
                assert_eq!(second.status, if made { 409 } else { 200 }, "{at}: {}", second.body);
                assert_eq!(second.body["state"], state, "{at}");
                shop.age_signal(&id).await;
                shop.sweep().await;
                walk.to_the_end(&shop).await.unwrap();
                let order = shop.order(&id).await;
                assert_eq!((order.status(), order.pending_signal()), (end, None), "{at}");
            }
        }
    }
}

#[tokio::test]
async fn a_workflow_that_runs_hears_nothing_of_an_order_that_could_not_be_written() {
    let shop = Shop::stocked(&STOCK);
    shop.aws.fail("PutItem", "ProvisionedThroughputExceededException");
    let answer = shop.http("POST", "/api/v1/orders", json!({ "items": ["ring"] })).await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(!answer.body.to_string().contains("Throughput"), "internal words stay inside: {}", answer.body);
    assert!(shop.aws.calls("StartExecution").is_empty());
}
