//! What the web console reads: the workflow of an order, the counts, the search, and its own files.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use omniflow_e2e::{EVERYWHERE, Runtime, Shop, eventually};
use reqwest::Method;
use serde_json::{Value, json};

async fn workflow(shop: &Shop, id: &str) -> Value {
    shop.get(&format!("/api/v1/orders/{id}/workflow")).await.success()
}

fn part<'a>(workflow: &'a Value, part: &str) -> &'a Value {
    let executions = workflow["executions"].as_array().unwrap();
    executions
        .iter()
        .find(|execution| execution["part"] == part)
        .unwrap_or_else(|| panic!("no {part}: {workflow:#}"))
}

fn events<'a>(execution: &'a Value, kind: &str) -> Vec<&'a Value> {
    execution["events"].as_array().unwrap().iter().filter(|event| event["type"] == kind).collect()
}

fn entered(execution: &Value) -> Vec<&str> {
    let events = execution["events"].as_array().unwrap().iter();
    let entered = events.filter(|event| event["type"].as_str().unwrap().ends_with("StateEntered"));
    entered.map(|event| event["state"].as_str().unwrap()).collect()
}

fn one_for(customer: &str) -> Value {
    json!({ "customer_id": customer, "items": [{ "product_id": EVERYWHERE, "quantity": 1 }] })
}

#[tokio::test]
async fn the_workflow_shows_both_executions_and_keeps_the_token_to_itself() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let id = shop.place_unpaid(&one_for("customer-001")).await;
    let waiting = eventually("both executions are there", async || {
        let workflow = workflow(&shop, &id).await;
        let text = workflow.to_string();
        if text.contains("waitForTaskToken") && text.contains("WaitStateEntered") {
            Ok(workflow)
        } else {
            Err(workflow)
        }
    })
    .await;
    let order = part(&waiting, "order");
    assert_eq!(order["status"], "RUNNING");
    assert_eq!(order["definition"]["StartAt"], "ReserveStock");
    assert_eq!(entered(order).last(), Some(&"AwaitPayment"));
    let scheduled = events(order, "TaskScheduled");
    let asked = scheduled.last().unwrap();
    assert_eq!(asked["resource"], "lambda:invoke.waitForTaskToken");
    assert_eq!(asked["input"]["Payload"]["task_token"], "(hidden)");
    let window = part(&waiting, "payment-window");
    assert_eq!((window["status"].as_str(), entered(window)), (Some("RUNNING"), vec!["AwaitDeadline"]));
    assert_eq!(window["input"]["deadline"], shop.read(&id).await.0["payment"]["deadline"]);

    shop.pay(&id).await.success();
    shop.reaches(&id, "COMPLETED").await;
    let done = eventually("the executions have ended", async || {
        let workflow = workflow(&shop, &id).await;
        let ended = part(&workflow, "order")["status"] == "SUCCEEDED"
            // What is known of it may be five seconds old.
            && part(&workflow, "payment-window")["status"] == "ABORTED";
        if ended { Ok(workflow) } else { Err(workflow) }
    })
    .await;
    assert_eq!(part(&done, "order")["next"], Value::Null);
    assert!(entered(part(&done, "order")).ends_with(&["ShipWarehouses", "ShipWarehouse"]));
    // Nothing happens there any more: who has it already gets it no second time.
    let path = format!("/api/v1/orders/{id}/workflow");
    let etag = shop.get(&path).await.header("etag").to_owned();
    let again = shop.send(Method::GET, &path, &[("if-none-match", &etag)], None).await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
}

#[tokio::test]
async fn a_failed_attempt_is_in_the_history() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let mut order = one_for("customer-001");
    order["payment"] = json!({ "method": "pm_declined" });
    let id = shop.place(&order).await;
    shop.ends(&id).await;
    let workflow = workflow(&shop, &id).await;
    assert_eq!(workflow["executions"].as_array().unwrap().len(), 1, "prepaid: no payment window");
    let failed = events(part(&workflow, "order"), "TaskFailed");
    assert_eq!(failed[0]["error"], "PaymentDeclined", "{failed:#?}");
}

#[tokio::test]
async fn a_workflow_that_cannot_be_read_says_why() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    shop.get("/api/v1/orders/ORD-1/workflow").await.problem(404);
    let id = shop.place(&one_for("customer-001")).await;
    for (query, status) in [("execution=other", 400), ("next=x", 404), ("execution=order&next=x", 404)] {
        shop.get(&format!("/api/v1/orders/{id}/workflow?{query}")).await.problem(status);
    }
}

#[tokio::test]
async fn orders_are_counted_by_state_and_found_by_what_is_in_them() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let id = shop.place_unpaid(&one_for("Searched For GmbH")).await;
    let other = shop.place_unpaid(&one_for("somebody-else")).await;
    let count = |summary: &Value| {
        let states = summary["states"].as_array().unwrap().clone();
        let state = states.into_iter().find(|state| state["state"] == "AWAITING_PAYMENT").unwrap();
        (state["count"].as_u64().unwrap(), state["status"].clone(), state["more"].clone())
    };
    let english = [("accept-language", "en")];
    let summary = shop.send(Method::GET, "/api/v1/summary", &english, None).await.success();
    let (waiting, status, more) = count(&summary);
    assert!(waiting >= 2, "{summary}");
    assert_eq!((status, more), (json!("Awaiting payment"), json!(false)));

    let found = async |search: &str| {
        let page = shop.get(&format!("/api/v1/orders?limit=100&search={search}")).await.success();
        let orders = page["orders"].as_array().unwrap().clone();
        orders.iter().map(|order| order["order_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found(&id).await, std::slice::from_ref(&id));
    assert_eq!(found("searched%20for").await, std::slice::from_ref(&id));
    let by_product = found(EVERYWHERE).await;
    assert!(by_product.contains(&id) && by_product.contains(&other), "{by_product:?}");
    assert_eq!(found("nobody%20has%20this").await, Vec::<String>::new());
    let first = shop.get(&format!("/api/v1/orders?limit=1&search={EVERYWHERE}")).await.success();
    let next = first["next"].as_str().expect("a next page");
    let second = shop.get(&format!("/api/v1/orders?limit=1&search={EVERYWHERE}&next={next}")).await.success();
    assert!(second["orders"][0]["order_id"].as_str() < first["orders"][0]["order_id"].as_str());
}

#[tokio::test]
async fn the_console_is_served_with_nothing_from_elsewhere() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let page = shop.get("/web").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"), "{page:?}");
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{policy}");
    let etag = page.header("etag").to_owned();
    let again = shop.send(Method::GET, "/web/", &[("if-none-match", &etag)], None).await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    shop.get("/web/nothing.js").await.problem(404);
}
