//! Step Functions answers few questions a second. Those who look at an order's workflow share what it says, and whoever
//! asks how an order does is answered without it.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use omniflow_domain::OrderId;
use omniflow_testing::{At, HttpAnswer, Shop, Walk};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

const STOCK: [(&str, &str, u32); 1] = [("ring", "wh-east", 9)];
const READS: [&str; 3] = ["DescribeExecution", "GetExecutionHistory", "DescribeStateMachineForExecution"];

async fn waiting(shop: &Shop) -> (OrderId, Walk) {
    let id = shop.place_one("ring", 1).await;
    let mut walk = Walk::until(shop, &id, "AwaitPayment").await;
    walk.step(shop).await;
    (id, walk)
}

async fn workflow(shop: &Shop, id: &OrderId) -> HttpAnswer {
    shop.http("GET", &format!("/api/v1/orders/{id}/workflow"), Value::Null).await
}

/// How often each of [`READS`] was made.
fn reads(shop: &Shop) -> [usize; 3] {
    READS.map(|operation| shop.aws.calls(operation).len())
}

/// As often as the console looks.
#[tokio::test(start_paused = true)]
async fn fifty_who_watch_an_order_for_a_minute_cost_a_read_a_second() {
    let shop = Arc::new(Shop::stocked(&STOCK));
    let (id, _) = waiting(&shop).await;
    let mut viewers = JoinSet::new();
    for viewer in 0..50 {
        let (shop, id) = (Arc::clone(&shop), id.clone());
        viewers.spawn(async move {
            sleep(Duration::from_millis(37 * viewer)).await;
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_secs(60) {
                let answer = workflow(&shop, &id).await;
                assert_eq!(answer.status, 200, "{}", answer.body);
                assert_eq!(answer.body["executions"].as_array().unwrap().len(), 2);
                assert_eq!(answer.body["executions"][0]["status"], "RUNNING");
                sleep(Duration::from_millis(1500)).await;
            }
        });
    }
    viewers.join_all().await;
    let [described, histories, definitions] = reads(&shop);
    // The viewers come and go within 62 seconds; each of the two definitions is asked for once.
    assert!(described + histories <= 62, "{described} descriptions, {histories} histories");
    assert_eq!(definitions, 2);
}

#[tokio::test(start_paused = true)]
async fn executions_of_one_revision_have_one_definition_that_is_asked_for_once() {
    let shop = Shop::stocked(&STOCK);
    for _ in 0..5 {
        let (id, _) = waiting(&shop).await;
        let answer = workflow(&shop, &id).await;
        assert_eq!(answer.body["executions"][0]["definition"], json!({}));
    }
    assert_eq!(reads(&shop)[2], 2, "one of each machine");
}

/// A service that refuses is not asked by each of those who wait, one after the other.
#[tokio::test(start_paused = true)]
async fn a_refusal_is_shared_too() {
    let shop = Arc::new(Shop::stocked(&STOCK));
    let (id, _) = waiting(&shop).await;
    shop.aws.fail("GetExecutionHistory", "ThrottlingException");
    shop.aws.outages([]);
    let asked = futures::future::join_all((0..20).map(|_| workflow(&shop, &id))).await;
    assert!(asked.iter().all(|answer| answer.status == 503));
    // Twenty reads of the order's item, and one or two of Step Functions.
    assert!(shop.aws.requests() <= 22, "{}", shop.aws.requests());
    shop.aws.heal();
    sleep(Duration::from_secs(5)).await;
    assert_eq!(workflow(&shop, &id).await.status, 200);
}

#[tokio::test]
async fn how_an_order_does_is_told_by_the_order_alone() {
    let shop = Shop::stocked(&STOCK);
    let status = async |id: &OrderId| {
        let mut told = Vec::new();
        for path in [format!("/api/workflows/{id}/status"), format!("/api/orders/state?workflow_id={id}")] {
            let answer = shop.http("GET", &path, Value::Null).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            told.push(answer.body);
        }
        assert_eq!(told[0], told[1]);
        let is = |name: &str| !told[0][name].is_null();
        (told[0]["status"].as_str().unwrap().to_owned(), is("started_at"), is("stopped_at"))
    };
    let id = shop.place_one("ring", 1).await;
    assert_eq!(status(&id).await, ("PENDING".to_owned(), false, false));
    let mut walk = Walk::until(&shop, &id, "AwaitPayment").await;
    walk.step(&shop).await;
    assert!(matches!(walk.at, At::Waiting(..)));
    assert_eq!(status(&id).await, ("RUNNING".to_owned(), true, false));
    walk.to_the_end(&shop).await.unwrap();
    assert_eq!(status(&id).await, ("SUCCEEDED".to_owned(), true, true));
    assert_eq!(reads(&shop), [0; 3]);
    let left = shop.place_one("ring", 1).await;
    let mut walk = Walk::until(&shop, &left, "CompleteOrder").await;
    shop.aws.fail("PutItem", "ThrottlingException");
    shop.aws.fail("TransactWriteItems", "ThrottlingException");
    while walk.step(&shop).await {}
    shop.aws.heal();
    shop.execution_failed(left.as_str()).await;
    let before = reads(&shop);
    assert_eq!(status(&left).await, ("FAILED".to_owned(), true, true));
    assert_eq!(reads(&shop), before);
}

/// The parts whose executions the answer has, and those that it leaves out.
fn parts(answer: &HttpAnswer) -> (Vec<&str>, Vec<&str>) {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let executions = answer.body["executions"].as_array().unwrap().iter();
    let further = answer.body["further"].as_array().map(Vec::as_slice).unwrap_or_default().iter();
    (
        executions.map(|execution| execution["part"].as_str().unwrap()).collect(),
        further.map(|part| part.as_str().unwrap()).collect(),
    )
}

#[tokio::test(start_paused = true)]
async fn returns_are_told_of_with_their_order_a_few_at_once_and_cost_nothing_where_there_are_none() {
    let shop = Shop::stocked(&STOCK);
    let items = json!([{ "product_id": "ring", "quantity": 7 }]);
    let id = shop.place(json!({ "items": items, "payment": { "method": "pm_card" } })).await;
    shop.complete(&id).await;
    let ended = async || sleep(Duration::from_secs(6)).await;
    let [described, histories, _] = reads(&shop);
    assert_eq!(parts(&workflow(&shop, &id).await), (vec!["order"], vec![]));
    // The order's own, and a payment window, which it turns out not to have.
    assert_eq!(reads(&shop)[..2], [described, histories + 2]);
    ended().await;
    for _ in 0..6 {
        shop.ask_back(&id, &[("ring", 1)]).await;
    }
    for number in 3..=6 {
        let rejected = shop.on_return(&id, number, "audit", json!({ "action": "REJECT" })).await;
        assert_eq!(rejected.status, 200, "{}", rejected.body);
    }
    let histories = reads(&shop)[1];
    let told = workflow(&shop, &id).await;
    // Those that are open come before those that are closed, and of these the newest.
    let shown = vec!["order", "return-1", "return-2", "return-5", "return-6"];
    assert_eq!(parts(&told), (shown, vec!["return-3", "return-4"]));
    assert_eq!(reads(&shop)[1], histories + 6);
    let first = &told.body["executions"][1];
    assert_eq!(first["input"], json!({ "order_id": id, "return": 1 }));
    assert!(first["execution_arn"].as_str().unwrap().ends_with(&format!(":{id}-return-1")), "{first}");
    assert_eq!(first["status"], "RUNNING");
    let ask = async |execution: &str| {
        shop.http("GET", &format!("/api/v1/orders/{id}/workflow?execution={execution}"), Value::Null).await
    };
    assert_eq!(parts(&ask("return-4").await), (vec!["return-4"], vec![]));
    assert_eq!(parts(&ask("return-7").await), (vec![], vec![]), "there is no such return");
    for name in ["return", "return-", "return-01", "returns"] {
        let refused = ask(name).await;
        assert_eq!(refused.status, 400, "{name}");
        assert!(refused.body["detail"].as_str().unwrap().contains("return-1, return-2"), "{}", refused.body);
    }
}
