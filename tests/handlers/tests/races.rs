//! Pay, timeout, cancel and review race for one order. Exactly one wins, the others hear what the order is now, and what
//! the workflow is told is what won.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use futures::future::join_all;
use omniflow_domain::order::{PaymentState, Signal};
use omniflow_domain::{OrderId, Reason, Status};
use omniflow_testing::{At, HttpAnswer, Shop, Token, Walk};
use serde_json::json;
use tokio::task::JoinSet;

const STOCK: [(&str, &str, u32); 1] = [("ring", "wh-east", 9)];

/// An order that waits for its payment, and the token that the workflow waits with.
async fn awaiting_payment(shop: &Shop) -> (OrderId, String) {
    let id = shop.place_one("ring", 1).await;
    (id.clone(), waiting_in(shop, &id, "AwaitPayment").await)
}

/// An order that waits for its review.
async fn awaiting_audit(shop: &Shop) -> (OrderId, String) {
    let id = shop.place(json!({ "items": ["ring"], "amount": 20_000 })).await;
    (id.clone(), waiting_in(shop, &id, "AwaitAudit").await)
}

async fn waiting_in(shop: &Shop, id: &OrderId, state: &str) -> String {
    let mut walk = Walk::until(shop, id, state).await;
    walk.step(shop).await;
    match walk.at {
        At::Waiting(_, token) => token,
        other => panic!("{other:?}"),
    }
}

/// A loser hears 409 and what the order is.
fn assert_lost(answer: &HttpAnswer, states: &[&str]) {
    assert_eq!(answer.status, 409, "{}", answer.body);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert_eq!(answer.body["type"], "urn:omniflow:problem:wrong-state");
    let state = answer.body["state"].as_str().unwrap();
    assert!(states.contains(&state), "{}", answer.body);
    assert!(answer.body["order_status"].is_string(), "{}", answer.body);
}

fn winners(answers: &[HttpAnswer]) -> usize {
    answers.iter().filter(|answer| answer.status == 200).count()
}

#[tokio::test]
async fn of_payments_and_cancellations_at_once_one_wins_or_the_payment_is_undone() {
    for seed in 0..40 {
        let shop = Shop::shuffled(&STOCK, seed);
        let (id, token) = awaiting_payment(&shop).await;
        let pays = join_all((0..4).map(|_| shop.pay(&id, "pm_card")));
        let cancels = join_all((0..4).map(|_| shop.decide(&id, "cancel")));
        let (pays, cancels) = futures::join!(pays, cancels);
        for lost in pays.iter().chain(&cancels).filter(|answer| answer.status != 200) {
            assert_lost(lost, &["PAYMENT_RECEIVED", "COMPENSATING"]);
        }
        assert!(winners(&pays) <= 1, "paid twice, seed {seed}");
        // A payment that is not captured yet can still be cancelled; so somebody always cancels.
        assert_eq!(winners(&cancels), 1, "seed {seed}");
        let order = shop.order(&id).await;
        assert_eq!((order.status(), order.reason()), (Status::Compensating, Some(Reason::Customer)));
        let paid_first = winners(&pays) == 1;
        let signal = if paid_first { Signal::Paid } else { Signal::Cancelled };
        assert_eq!(order.pending_signal(), Some(signal), "seed {seed}");
        let told = if paid_first { Token::Success } else { Token::Failure("OrderCancelled".to_owned()) };
        assert_eq!(shop.aws.answered(&token), Some(told), "seed {seed}");
    }
}

#[tokio::test]
async fn of_many_payments_at_once_one_is_accepted() {
    for seed in 0..20 {
        let shop = Shop::shuffled(&STOCK, seed);
        let (id, token) = awaiting_payment(&shop).await;
        let pays = join_all((0..8).map(|_| shop.pay(&id, "pm_card"))).await;
        assert_eq!(winners(&pays), 1, "seed {seed}");
        for lost in pays.iter().filter(|answer| answer.status != 200) {
            assert_lost(lost, &["PAYMENT_RECEIVED"]);
        }
        let order = shop.order(&id).await;
        assert_eq!((order.status(), order.pending_signal()), (Status::PaymentReceived, Some(Signal::Paid)));
        assert_eq!(shop.aws.answered(&token), Some(Token::Success));
        assert_eq!(shop.aws.calls("SendTaskSuccess").len(), 1, "only the winner tells the workflow");
    }
}

#[tokio::test]
async fn of_the_deadline_and_cancellations_at_once_one_wins() {
    let mut reasons = Vec::new();
    for seed in 0..40 {
        let shop = Shop::shuffled(&STOCK, seed);
        let (id, token) = awaiting_payment(&shop).await;
        shop.pass_deadline(&id).await;
        let expire = join_all((0..2).map(|_| shop.forward("close-payment-window", &id)));
        let (expired, cancel, pay) =
            futures::join!(expire, shop.decide(&id, "cancel"), shop.pay(&id, "pm_card"));
        for expired in expired {
            assert_eq!(expired.unwrap()["state"], "COMPENSATING", "a window that closes late is no failure");
        }
        assert_lost(&pay, &["AWAITING_PAYMENT", "COMPENSATING"]);
        let order = shop.order(&id).await;
        let (reason, signal, error) = match cancel.status {
            200 => (Reason::Customer, Signal::Cancelled, "OrderCancelled"),
            _ => (Reason::PaymentTimeout, Signal::TimedOut, "PaymentTimeout"),
        };
        assert_eq!((order.status(), order.reason()), (Status::Compensating, Some(reason)), "seed {seed}");
        assert_eq!(order.pending_signal(), Some(signal), "seed {seed}");
        assert_eq!(shop.aws.answered(&token), Some(Token::Failure(error.to_owned())), "seed {seed}");
        reasons.push(reason);
    }
    assert!(reasons.contains(&Reason::Customer) && reasons.contains(&Reason::PaymentTimeout), "{reasons:?}");
}

#[tokio::test]
async fn of_verdicts_and_cancellations_at_once_one_verdict_wins_at_most() {
    for seed in 0..40 {
        let shop = Shop::shuffled(&STOCK, seed);
        let (id, token) = awaiting_audit(&shop).await;
        let approve = join_all((0..3).map(|_| shop.audit(&id, "APPROVE")));
        let reject = join_all((0..3).map(|_| shop.audit(&id, "REJECT")));
        let (approved, rejected, cancelled) = futures::join!(approve, reject, shop.decide(&id, "cancel"));
        assert!(winners(&approved) + winners(&rejected) <= 1, "two verdicts, seed {seed}");
        for lost in approved.iter().chain(&rejected).filter(|answer| answer.status != 200) {
            assert_lost(lost, &["RESERVED", "COMPENSATING"]);
        }
        let order = shop.order(&id).await;
        let failed = |error: &str| Token::Failure(error.to_owned());
        let (reason, signal) = match cancelled.status {
            200 => (Reason::Customer, Signal::Cancelled),
            _ => (Reason::AuditRejected, Signal::Rejected),
        };
        assert_eq!((order.status(), order.reason()), (Status::Compensating, Some(reason)), "seed {seed}");
        assert_eq!(order.pending_signal(), Some(signal), "seed {seed}");
        assert_eq!(winners(&rejected) == 1, reason == Reason::AuditRejected, "seed {seed}");
        // An approval that came first may have been sent before the cancellation or not; a rejection is final.
        let told = shop.aws.answered(&token).unwrap();
        match reason {
            Reason::AuditRejected => assert_eq!(told, failed("AuditRejected"), "seed {seed}"),
            _ if winners(&approved) == 1 => {
                assert!([Token::Success, failed("OrderCancelled")].contains(&told))
            }
            _ => assert_eq!(told, failed("OrderCancelled"), "seed {seed}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_several_threads_too_an_order_is_paid_or_expired_and_never_both() {
    let shop = Arc::new(Shop::stocked(&STOCK));
    for _ in 0..8 {
        let (id, token) = awaiting_payment(&shop).await;
        // The deadline falls into the middle of the race; the window's function waits for what is left of it.
        shop.tamper(&id, |order| order.payment.deadline = Some(Utc::now() + TimeDelta::milliseconds(8)))
            .await;
        let mut racers = JoinSet::new();
        for _ in 0..6 {
            let (shop, id) = (Arc::clone(&shop), id.clone());
            racers.spawn(async move { shop.pay(&id, "pm_card").await.status });
        }
        let (closer, closes) = (Arc::clone(&shop), id.clone());
        let closed = tokio::spawn(async move { closer.forward("close-payment-window", &closes).await });
        let paid = racers.join_all().await.into_iter().filter(|status| *status == 200).count();
        let closed = closed.await.unwrap().unwrap();
        let order = shop.order(&id).await;
        assert_eq!(closed["state"], order.status().name());
        let told = shop.aws.answered(&token).unwrap();
        match order.status() {
            Status::PaymentReceived => {
                assert_eq!((paid, order.pending_signal(), told), (1, Some(Signal::Paid), Token::Success));
            }
            Status::Compensating => {
                assert_eq!((paid, order.pending_signal()), (0, Some(Signal::TimedOut)));
                assert_eq!(told, Token::Failure("PaymentTimeout".to_owned()));
            }
            other => panic!("{other}"),
        }
        shop.decide(&id, "cancel").await;
        shop.undo("release-stock", &id, "OrderCancelled").await.unwrap();
    }
}

#[tokio::test]
async fn a_payment_held_up_until_the_deadline_has_passed_is_refused() {
    let shop = Arc::new(Shop::stocked(&STOCK));
    let (id, token) = awaiting_payment(&shop).await;
    let write = shop.aws.hold("PutItem");
    let (payer, pays) = (Arc::clone(&shop), id.clone());
    let pay = tokio::spawn(async move { payer.pay(&pays, "pm_card").await });
    write.arrived().await;
    shop.pass_deadline(&id).await;
    shop.forward("close-payment-window", &id).await.unwrap();
    write.release();
    assert_lost(&pay.await.unwrap(), &["COMPENSATING"]);
    let order = shop.order(&id).await;
    assert_eq!(
        (order.reason(), order.payment().state),
        (Some(Reason::PaymentTimeout), PaymentState::Pending)
    );
    assert_eq!(shop.aws.answered(&token), Some(Token::Failure("PaymentTimeout".to_owned())));
}

#[tokio::test]
async fn a_timeout_held_up_until_the_order_is_paid_leaves_it_alone() {
    let shop = Arc::new(Shop::stocked(&STOCK));
    let (id, token) = awaiting_payment(&shop).await;
    let deadline = shop.order(&id).await.payment().deadline;
    shop.pass_deadline(&id).await;
    let write = shop.aws.hold("PutItem");
    let (closer, closes) = (Arc::clone(&shop), id.clone());
    let close = tokio::spawn(async move { closer.forward("close-payment-window", &closes).await });
    write.arrived().await;
    shop.tamper(&id, |order| order.payment.deadline = deadline).await;
    assert_eq!(shop.pay(&id, "pm_card").await.status, 200);
    write.release();
    assert_eq!(close.await.unwrap().unwrap()["state"], "PAYMENT_RECEIVED");
    let order = shop.order(&id).await;
    assert_eq!((order.status(), order.reason()), (Status::PaymentReceived, None));
    assert_eq!(shop.aws.answered(&token), Some(Token::Success));
    assert!(shop.aws.calls("SendTaskFailure").is_empty());
}

#[tokio::test]
async fn an_order_cancelled_while_its_money_is_taken_gets_it_back() {
    let shop = Arc::new(Shop::stocked(&STOCK));
    let id = shop.place_one("ring", 1).await;
    let mut walk = Walk::until(&shop, &id, "CapturePayment").await;
    let write = shop.aws.hold("PutItem");
    let (runner, run) = (Arc::clone(&shop), walk.clone());
    let capture = tokio::spawn(async move { run.invoke(&runner).await });
    write.arrived().await;
    assert_eq!(shop.money(&id), (true, false), "the gateway has the money, the order does not say so yet");
    assert_eq!(shop.decide(&id, "cancel").await.status, 200);
    write.release();
    assert_eq!(capture.await.unwrap().unwrap_err().error_type, "OrderCancelled");
    walk.step(&shop).await;
    assert_eq!(walk.at, At::State("CancelShipments".to_owned()));
    walk.to_the_end(&shop).await.unwrap();
    assert_eq!(shop.money(&id), (true, true));
    let order = shop.order(&id).await;
    assert_eq!((order.status(), order.reason()), (Status::Cancelled, Some(Reason::Customer)));
}
