//! What CloudWatch has counted, as operators are told it: gaps stay gaps, one bad metric hides no other, and each answer
//! is paid for once a minute.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use ambient::{Clock as _, ManualClock};
use omniflow_services::cloudwatch::MetricStatus;
use omniflow_testing::{HttpAnswer, Shop, customer, system};
use serde_json::{Value, json};
use tokio::time::sleep;

const PATH: &str = "/api/v1/metrics";

/// A shop, and the second since 1970 at which the present minute has begun.
fn shop() -> (Shop, ManualClock, i64) {
    let (shop, clock) = Shop::timed(&[]);
    let minute = clock.now().timestamp().div_euclid(60) * 60;
    (shop, clock, minute)
}

async fn told(shop: &Shop) -> Value {
    let answer = ask(shop).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

async fn ask(shop: &Shop) -> HttpAnswer {
    shop.http("GET", PATH, Value::Null).await
}

/// What the last hour has of this outcome, by the minutes before the present one.
fn outcome(told: &Value, name: &str, minutes_ago: usize) -> Value {
    told["minutes"][59 - minutes_ago]["outcomes"][name].clone()
}

/// The dead-letter queues, as the template names them.
fn queues() -> Vec<String> {
    let function = system().functions.values().find(|function| function.binary == "read-metrics").unwrap();
    function.environment["DEAD_LETTER_QUEUES"].split(',').map(str::to_owned).collect()
}

#[tokio::test]
async fn what_was_counted_is_told_and_what_has_not_arrived_is_a_gap() {
    let (shop, _, now) = shop();
    shop.aws.measure("OrdersCompleted", "Sum", &[(now - 3600, 9.0), (now - 1800, 5.0), (now - 60, 2.0)]);
    shop.aws.measure("StockConflicts", "Sum", &[(now - 600, 4.0)]);
    for (statistic, value) in [("SampleCount", 7.0), ("p50", 1.5), ("p95", 9.25)] {
        shop.aws.measure("SecondsToComplete", statistic, &[(now - 3540, value)]);
    }
    shop.aws.measure(&queues()[0], "Maximum", &[(now - 120, 5.0), (now - 60, 2.0)]);
    shop.aws.measure(&queues()[2], "Maximum", &[(now - 60, 1.0)]);
    let told = told(&shop).await;
    assert_eq!(told["minutes"].as_array().unwrap().len(), 60);
    let first = chrono::DateTime::from_timestamp(now - 3540, 0).unwrap();
    assert_eq!(told["minutes"][0]["at"], json!(first));
    assert_eq!(outcome(&told, "completed", 30), 5);
    assert_eq!((outcome(&told, "completed", 31), outcome(&told, "cancelled", 30)), (json!(0), json!(0)));
    // What has a value is told at once; that there is none is known only when none can come any more.
    assert_eq!((outcome(&told, "completed", 1), outcome(&told, "completed", 2)), (json!(2), Value::Null));
    assert_eq!((outcome(&told, "completed", 4), outcome(&told, "completed", 0)), (json!(0), Value::Null));
    assert_eq!(told["minutes"][49]["stock_conflicts"], 4);
    assert_eq!(told["phases"]["complete"], json!({ "count": 7, "p50": 1.5, "p95": 9.25 }));
    assert_eq!(told["phases"]["pay"], json!({ "count": 0, "p50": null, "p95": null }));
    assert_eq!(told["dead_letters"], 3, "the latest of each queue; an idle one is empty");
    assert_eq!((&told["open_executions"], &told["retries"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn one_bad_metric_hides_no_other_and_is_not_taken_for_none() {
    let (shop, _, now) = shop();
    for metric in ["OrdersCompleted", "OrdersCancelled", "OrdersRejected", "OrdersNeedingAttention"] {
        shop.aws.measure(metric, "Sum", &[(now - 1800, 3.0)]);
    }
    shop.aws.measure_badly("OrdersCancelled", "Sum", MetricStatus::PartialData);
    shop.aws.measure_badly("OrdersRejected", "Sum", MetricStatus::Unknown);
    shop.aws.silence("OrdersNeedingAttention");
    for phase in ["SecondsToReserve", "SecondsToPay", "SecondsToComplete"] {
        for (statistic, value) in [("SampleCount", 7.0), ("p50", 1.0), ("p95", 2.0)] {
            shop.aws.measure(phase, statistic, &[(now - 3540, value)]);
        }
    }
    shop.aws.measure_badly("SecondsToPay", "p95", MetricStatus::Unknown);
    shop.aws.measure_badly("SecondsToComplete", "SampleCount", MetricStatus::Unknown);
    shop.aws.measure_badly(&queues()[1], "Maximum", MetricStatus::Unknown);
    let told = told(&shop).await;
    for (name, there, elsewhere) in [
        ("completed", json!(3), json!(0)),
        ("cancelled", json!(3), Value::Null),
        ("rejected", Value::Null, Value::Null),
        ("needing_attention", Value::Null, Value::Null),
    ] {
        assert_eq!((outcome(&told, name, 30), outcome(&told, name, 20)), (there, elsewhere), "{name}");
    }
    assert_eq!(told["phases"]["reserve"]["count"], 7);
    assert_eq!((&told["phases"]["pay"], &told["phases"]["complete"]), (&Value::Null, &Value::Null));
    assert_eq!(told["dead_letters"], Value::Null, "what one queue holds is not known");
}

#[tokio::test]
async fn an_answer_in_pages_is_read_to_its_end() {
    let (shop, _, now) = shop();
    shop.aws.measure_in_pages();
    let values: Vec<_> =
        (1_u32..=8).map(|number| (now - 600 * i64::from(number), f64::from(number))).rev().collect();
    shop.aws.measure("OrdersCompleted", "Sum", &values);
    let told = told(&shop).await;
    let known: Vec<_> = (1..=5).map(|number| outcome(&told, "completed", 10 * number)).collect();
    assert_eq!(known, [1, 2, 3, 4, 5]);
    assert_eq!(outcome(&told, "completed", 15), 0);
    let asked = shop.aws.calls("GetMetricData");
    assert_eq!((asked.len(), &asked[1].body["next"]), (2, &json!("the second page")));
}

#[tokio::test]
async fn few_metrics_are_asked_for_and_those_are_the_stacks_own() {
    let (shop, _, now) = shop();
    told(&shop).await;
    let asked = &shop.aws.calls("GetMetricData")[0].body;
    assert_eq!((&asked["from"], &asked["to"]), (&json!(now - 3540), &json!(now + 60)));
    let queries = asked["queries"].as_array().unwrap();
    // The documentation says what this costs.
    assert_eq!(queries.len(), 17, "{asked}");
    for query in queries {
        let dimension = query["dimension"].as_str().unwrap();
        match query["metric"].as_str().unwrap().split_once(' ').unwrap() {
            ("OmniFlow", _) => assert!(dimension.starts_with("Stack="), "{query}"),
            ("AWS/SQS", name) => {
                assert_eq!(name, "ApproximateNumberOfMessagesVisible");
                assert!(queues().contains(&dimension.replace("QueueName=", "")), "{query}");
            }
            other => panic!("{other:?}"),
        }
        let id = query["id"].as_str().unwrap();
        assert!(id.starts_with(|letter: char| letter.is_ascii_lowercase()), "{id}");
        assert!(id.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_'), "{id}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_used_for_a_minute_and_a_failure_says_when_to_ask_again() {
    let (shop, _, _) = shop();
    let shop = Arc::new(shop);
    let calls = || shop.aws.calls("GetMetricData").len();
    let all = futures::future::join_all((0..20).map(|_| ask(&shop))).await;
    assert!(all.iter().all(|answer| answer.status == 200));
    let etag = all[0].headers["etag"].as_str().unwrap();
    assert_eq!(shop.http_knowing(etag, PATH).await.status, 304);
    sleep(Duration::from_secs(59)).await;
    ask(&shop).await;
    assert_eq!(calls(), 1, "one asks for all who come within a minute");
    sleep(Duration::from_secs(2)).await;
    ask(&shop).await;
    assert_eq!(calls(), 2);

    sleep(Duration::from_secs(61)).await;
    shop.aws.fail("GetMetricData", "ThrottlingException");
    for _ in 0..5 {
        let refused = ask(&shop).await;
        assert_eq!((refused.status, &refused.headers["retry-after"]), (503, &json!("15")));
        assert_eq!(refused.body["type"], "urn:omniflow:problem:unavailable");
    }
    assert_eq!(calls(), 3, "what is throttled is not asked again by each");
    shop.aws.heal();
    sleep(Duration::from_secs(16)).await;
    assert_eq!(ask(&shop).await.status, 200);
}

#[tokio::test]
async fn customers_are_not_told() {
    let shop = Shop::set_up(&[], &[("OPEN_ACCESS", "false")]);
    assert_eq!(shop.http_as(&customer("ann"), "GET", PATH, Value::Null).await.status, 403);
    assert_eq!(shop.http("GET", PATH, Value::Null).await.status, 401);
    assert!(shop.aws.calls("GetMetricData").is_empty());
}
