//! An execution that was stopped or has failed is taken up again, and counts the attempts of its tasks from 0 again. Its
//! new tokens come after all that it had before, whichever attempt those were of.

#![allow(clippy::unwrap_used, reason = "tests")]

use omniflow_domain::{OrderId, Status};
use omniflow_testing::{At, HttpAnswer, Shop, Token, Walk};
use serde_json::{Value, json};

const STOCK: [(&str, &str, u32); 1] = [("ring", "wh-east", 9)];

/// The states that wait for somebody, the function of each, and the status in which its order waits.
const WAITS: [(&str, &str, Status); 2] = [
    ("AwaitPayment", "open-payment-window", Status::AwaitingPayment),
    ("AwaitAudit", "request-audit", Status::AwaitingAudit),
];

async fn answer(shop: &Shop, id: &OrderId, state: &str) -> HttpAnswer {
    if state == "AwaitAudit" { shop.audit(id, "APPROVE").await } else { shop.pay(id, "pm_card").await }
}

/// An order whose workflow waits in this state, after `failures` attempts that failed before one succeeded.
async fn waiting(shop: &Shop, state: &str, failures: u64) -> (OrderId, Walk) {
    let amount = if state == "AwaitAudit" { 20_000 } else { 20 };
    let id = shop.place(json!({ "items": ["ring"], "amount": amount })).await;
    let mut walk = Walk::until(shop, &id, state).await;
    shop.touch(&id);
    shop.aws.throttle("GetItem", usize::try_from(failures).unwrap());
    while !matches!(walk.at, At::Waiting(..)) {
        walk.step(shop).await;
    }
    assert_eq!(shop.order(&id).await.record().token_attempt, failures);
    (id, walk)
}

fn token(walk: &Walk) -> String {
    match &walk.at {
        At::Waiting(_, token) => token.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_wait_that_was_redriven_is_answered() {
    for (state, ..) in WAITS {
        for failures in [0, 2] {
            let shop = Shop::stocked(&STOCK);
            let (id, mut walk) = waiting(&shop, state, failures).await;
            let before = token(&walk);
            walk.redrive(&shop);
            assert_eq!(walk.at, At::State(state.to_owned()));
            walk.step(&shop).await;
            let redriven = token(&walk);
            assert_ne!(redriven, before);
            assert_eq!(shop.order(&id).await.task_token(), Some(redriven.as_str()), "{state}, {failures}");
            assert_eq!(answer(&shop, &id, state).await.status, 200);
            assert_eq!(shop.aws.answered(&redriven), Some(Token::Success), "{state}, {failures}");
            assert_eq!(shop.aws.answered(&before), None);
            walk.to_the_end(&shop).await.unwrap();
            assert_eq!(shop.order(&id).await.status(), Status::Completed);
        }
    }
}

#[tokio::test]
async fn a_token_of_before_a_redrive_that_arrives_late_is_not_taken() {
    for (state, function, status) in WAITS {
        let shop = Shop::stocked(&STOCK);
        let (id, mut walk) = waiting(&shop, state, 1).await;
        walk.redrive(&shop);
        walk.step(&shop).await;
        let redriven = token(&walk);
        let late = |redrive: Value, attempt: u64| json!({ "order_id": id, "task_token": "late", "redrive": redrive, "attempt": attempt });
        // The last is what an execution sends that began under an earlier release.
        for event in [late(json!(0), 5), late(json!(0), 0), late(Value::Null, 7)] {
            shop.invoke(function, event).await.unwrap();
            let order = shop.order(&id).await;
            assert_eq!((order.task_token(), order.status()), (Some(redriven.as_str()), status), "{state}");
        }
        shop.invoke(function, late(json!(2), 0)).await.unwrap();
        assert_eq!(
            shop.order(&id).await.task_token(),
            Some("late"),
            "a second redrive comes after the first"
        );
    }
}
