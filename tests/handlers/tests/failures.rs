//! Failures of the workflow's steps: those that no retry helps are made to happen, so that the list of them is complete
//! and lists nothing else; and the interpreter says of each whether the step is tried again.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use asl::test_state::{Mock, Request, TestExecutionStatus, run};
use asl::{Ambient, TaskId, Timestamp};
use omniflow_domain::OrderId;
use omniflow_services::Fault;
use omniflow_testing::{At, Shop, Token, Walk, failures, invoked_by_state_machines, system};
use serde_json::{Value, json};

/// The errors that were seen, by the binary of the function.
#[derive(Default)]
struct Seen(BTreeMap<&'static str, BTreeSet<String>>);

impl Seen {
    fn add(&mut self, binary: &'static str, error: &str) {
        self.0.entry(binary).or_default().insert(error.to_owned());
    }

    fn fault(&mut self, binary: &'static str, answer: Result<Value, Fault>) {
        self.add(binary, &answer.unwrap_err().error_type);
    }

    async fn token(&mut self, binary: &'static str, shop: &Shop, walk: &Walk) {
        let At::Waiting(_, token) = &walk.at else { panic!("{:?} waits for no token", walk.at) };
        let Some(Token::Failure(error)) = shop.aws.answered(token) else { panic!("{token} has not failed") };
        self.add(binary, &error);
    }
}

/// An event that every function takes: each reads of it what it needs.
fn event(id: &OrderId) -> Value {
    let failure = json!({ "Error": "OrderCancelled", "Cause": "" });
    json!({ "order_id": id, "task_token": "token", "warehouse": "wh-east", "failure": failure, "return": 1 })
}

/// A shop with one order, for one piece of this product that is paid in this way.
async fn ordered(product: &str, method: &str) -> (Shop, OrderId) {
    let shop = Shop::stocked(&[(product, "wh-east", 1)]);
    let id = shop.place(json!({ "items": [product], "payment": { "method": method } })).await;
    (shop, id)
}

/// An order that waits in this state; one over 10,000 is reviewed.
async fn waiting(state: &str, price: u32) -> (Shop, OrderId, Walk) {
    let shop = Shop::stocked(&[("ring", "wh-east", 1)]);
    let item = json!({ "product_id": "ring", "quantity": 1, "price": price });
    let id = shop.place(json!({ "items": [item], "customer_id": "c1" })).await;
    let mut walk = Walk::of(&id);
    while !matches!(&walk.at, At::Waiting(at, _) if at == state) {
        assert!(walk.step(&shop).await, "{:?} before {state}", walk.at);
    }
    (shop, id, walk)
}

#[tokio::test]
async fn what_no_retry_helps_is_what_the_functions_fail_with_and_their_tokens_are_answered_with() {
    let mut seen = Seen::default();
    any_function(&mut seen).await;
    stock(&mut seen).await;
    waits(&mut seen).await;
    payment_and_shipping(&mut seen).await;
    returns(&mut seen).await;
    for binary in invoked_by_state_machines() {
        let hopeless = failures(binary).unwrap().into_iter().filter(|error| !error.is_worth_a_retry());
        let expected: BTreeSet<_> = hopeless.map(String::from).collect();
        assert_eq!(seen.0[binary], expected, "{binary}");
    }
}

/// What happens to all of them: an event that is none, an order that isn't there, one that was cancelled, and one that
/// can't be read.
async fn any_function(seen: &mut Seen) {
    let shop = Shop::stocked(&[]);
    for binary in invoked_by_state_machines() {
        seen.fault(binary, shop.invoke(binary, json!({})).await);
        seen.fault(binary, shop.invoke(binary, event(&OrderId::parse("ORD-1").unwrap())).await);
        let (shop, id, _) = waiting("AwaitPayment", 10).await;
        assert_eq!(shop.decide(&id, "cancel").await.status, 200);
        // Compensations and the end of the window are not turned away.
        if let Err(fault) = shop.invoke(binary, event(&id)).await {
            seen.add(binary, &fault.error_type);
        }
        let shop = Shop::stocked(&[("ring", "wh-east", 1)]);
        let id = shop.place_one("ring", 1).await;
        shop.touch(&id);
        shop.spoil(&id);
        seen.fault(binary, shop.invoke(binary, event(&id)).await);
    }
}

async fn stock(seen: &mut Seen) {
    let shop = Shop::stocked(&[("ring", "wh-east", 1)]);
    let id = shop.place_one("ring", 2).await;
    seen.fault("reserve-stock", shop.forward("reserve-stock", &id).await);
    // Two warehouses must share each of fifty products: more places than a transaction takes.
    let products: Vec<_> = (0..50).map(|n| format!("part-{n}")).collect();
    let places: Vec<_> = products.iter().flat_map(|p| [(&**p, "wh-east", 1), (&**p, "wh-west", 1)]).collect();
    let shop = Shop::stocked(&places);
    let items: Vec<_> = products.iter().map(|p| json!({ "product_id": p, "quantity": 2 })).collect();
    let id = shop.place(json!({ "items": items })).await;
    seen.fault("reserve-stock", shop.forward("reserve-stock", &id).await);
}

async fn waits(seen: &mut Seen) {
    let (shop, _, walk) = waiting("AwaitPayment", 20_000).await;
    seen.token("open-payment-window", &shop, &walk).await;
    let (shop, id, walk) = waiting("AwaitPayment", 10).await;
    shop.pass_deadline(&id).await;
    shop.forward("close-payment-window", &id).await.unwrap();
    seen.token("open-payment-window", &shop, &walk).await;
    let (shop, id, walk) = waiting("AwaitAudit", 20_000).await;
    assert_eq!(shop.audit(&id, "REJECT").await.status, 200);
    seen.token("request-audit", &shop, &walk).await;
    for (state, price, binary) in
        [("AwaitPayment", 10, "open-payment-window"), ("AwaitAudit", 20_000, "request-audit")]
    {
        let (shop, id, walk) = waiting(state, price).await;
        assert_eq!(shop.decide(&id, "cancel").await.status, 200);
        seen.token(binary, &shop, &walk).await;
    }
}

async fn payment_and_shipping(seen: &mut Seen) {
    let (shop, id) = ordered("ring", "pm_declined").await;
    let walk = Walk::until(&shop, &id, "CapturePayment").await;
    seen.fault("capture-payment", walk.invoke(&shop).await);
    let (shop, id) = ordered("fragile-vase", "pm_card").await;
    Walk::until(&shop, &id, "ShipWarehouses").await;
    seen.fault("ship-warehouse", shop.invoke("ship-warehouse", event(&id)).await);
    let (shop, _) = Shop::with_far_warehouses(&[("ring", "wh-east", 1)], &["wh-east"]).await;
    let id = shop.place(json!({ "items": ["ring"], "payment": { "method": "pm_card" } })).await;
    let mut walk = Walk::until(&shop, &id, "ShipWarehouses").await;
    walk.step(&shop).await;
    assert_eq!(shop.say_of_shipment(&id, "wh-east", "SHIPPED").await.status, 200);
    seen.token("ship-warehouse", &shop, &walk).await;
    let compensations =
        [("cancel-shipments", "stuck-crate", "pm_card"), ("refund-payment", "ring", "pm_refund_fails")];
    for (compensation, product, method) in compensations {
        let (shop, id) = ordered(product, method).await;
        Walk::until(&shop, &id, "CompleteOrder").await;
        seen.fault(compensation, shop.undo(compensation, &id, "StoreUnavailable").await);
    }
}

async fn returns(seen: &mut Seen) {
    let (shop, id) = ordered("ring", "pm_card").await;
    shop.complete(&id).await;
    shop.ask_back(&id, &[("ring", 1)]).await;
    assert_eq!(shop.on_return(&id, 1, "audit", json!({ "action": "REJECT" })).await.status, 200);
    for binary in ["await-return-review", "await-returned-goods"] {
        seen.fault(binary, shop.invoke(binary, event(&id)).await);
    }
    let (shop, id) = ordered("ring", "pm_refund_fails").await;
    shop.complete(&id).await;
    shop.ask_back(&id, &[("ring", 1)]).await;
    let came = json!({ "items": [{ "product_id": "ring", "restock": 1 }] });
    assert_eq!(shop.on_return(&id, 1, "received", came).await.status, 200);
    seen.fault("refund-return", shop.invoke("refund-return", event(&id)).await);
}

/// What Lambda and Step Functions fail a call with by themselves.
const UNKNOWN: [&str; 8] = [
    "Lambda.AWSLambdaException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Sandbox.Timedout",
];

/// Time stands still, and nothing is drawn.
struct Still;

impl Ambient for Still {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn random(&mut self) -> u64 {
        0
    }

    fn task_token(&mut self, _: TaskId) -> String {
        "token".to_owned()
    }
}

/// Whether the interpreter tries this state of this machine again after this error.
fn retried(definition: &str, state: &str, error: &str) -> bool {
    let context = json!({
        "Execution": { "Id": "execution", "Input": { "order_id": "ORD-1", "return": 1 } },
        "State": { "Name": state, "RetryCount": 0 },
        "Task": { "Token": "token" },
    });
    let request = Request {
        definition,
        state_name: Some(state),
        input: Some(r#"{"order_id": "ORD-1", "warehouse": "wh-east"}"#),
        context: Some(&context.to_string()),
        variables: Some(r#"{"order_id": "ORD-1", "failure": {"Error": "OutOfStock"}}"#),
        mock: Some(Mock { error_output: Some((Some(error), Some("why"))), ..Mock::default() }),
        ..Request::default()
    };
    let result = run(&request, &mut Still, &mut |_, _| unreachable!("the error is given")).unwrap();
    assert_eq!(result.error.as_deref(), Some(error), "{state}: {result:?}");
    match result.status {
        TestExecutionStatus::Retriable => true,
        TestExecutionStatus::CaughtError | TestExecutionStatus::Failed => false,
        TestExecutionStatus::Succeeded => panic!("{state} succeeds after {error}"),
    }
}

/// The tasks of a machine, at its top and inside its Maps.
fn tasks(machine: &Value) -> Vec<(String, Value)> {
    let states = machine["States"].as_object().unwrap().iter();
    states
        .flat_map(|(name, state)| match state["Type"].as_str() {
            Some("Task") => vec![(name.clone(), state.clone())],
            Some("Map") => tasks(&state["ItemProcessor"]),
            _ => Vec::new(),
        })
        .collect()
}

#[test]
fn every_task_is_tried_again_after_what_may_pass_and_after_nothing_else() {
    for machine in &system().state_machines {
        for (name, task) in tasks(&serde_json::from_str(&machine.definition).unwrap()) {
            let arn = task["Arguments"]["FunctionName"].as_str().unwrap();
            let binary = &system().function(arn).unwrap().binary;
            let again = |error: &str| retried(&machine.definition, &name, error);
            for error in failures(binary).unwrap() {
                assert_eq!(again(error.as_str()), error.is_worth_a_retry(), "{name} after {error}");
            }
            for error in UNKNOWN {
                assert!(again(error), "{name} after {error}");
            }
            // An execution keeps its definition, so that an expression which can't be evaluated never can.
            assert!(!again("States.QueryEvaluationError"), "{name}");
            let waits = task["Resource"].as_str().unwrap().ends_with(".waitForTaskToken");
            // A warehouse that was silent until the deadline makes room for another one.
            let is_over = waits && name != "ShipWarehouse";
            assert_eq!(again("States.Timeout"), !is_over, "{name}: a wait that is over is over");
        }
    }
}
