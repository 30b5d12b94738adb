//! The order's state machine, walked one step at a time, as its definition says: which function a state invokes, what is
//! retried, what is caught and where that leads. The engine is tested elsewhere; here the steps can be repeated, held up
//! and interleaved with whatever else happens.

use std::sync::OnceLock;

use futures::future::join_all;
use omniflow_domain::OrderId;
use omniflow_services::Fault;
use serde_json::{Value, json};

use crate::aws::Token;
use crate::failures;
use crate::shop::{Shop, system};

const MACHINE: &str = "OrderStateMachine";

/// Where a walk is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// The execution was not started yet.
    NotStarted,
    /// About to do what this state says.
    State(String),
    /// In this state, until the token is answered.
    Waiting(String, String),
    /// Over: succeeded, or failed with this error.
    Ended(Result<(), String>),
}

/// One execution of the order's state machine.
#[derive(Debug, Clone)]
pub struct Walk {
    /// Whose.
    pub order_id: OrderId,
    /// Where it is.
    pub at: At,
    warehouses: Vec<String>,
    failure: Value,
    /// Counts the states.
    visit: u64,
    attempt: u64,
}

fn definition() -> &'static Value {
    static DEFINITION: OnceLock<Value> = OnceLock::new();
    DEFINITION.get_or_init(|| {
        let machine = system().state_machines.iter().find(|machine| machine.name == MACHINE).unwrap();
        serde_json::from_str(&machine.definition).unwrap()
    })
}

fn state(name: &str) -> &'static Value {
    let state = &definition()["States"][name];
    assert!(state.is_object(), "the order's state machine has no state {name}");
    state
}

impl Walk {
    /// The execution of this order.
    pub fn of(order_id: &OrderId) -> Self {
        Self {
            order_id: order_id.clone(),
            at: At::NotStarted,
            warehouses: Vec::new(),
            failure: Value::Null,
            visit: 0,
            attempt: 0,
        }
    }

    /// Walks until `name` is the state to do next; what it waits for on the way is decided in its favour.
    pub async fn until(shop: &Shop, order_id: &OrderId, name: &str) -> Self {
        let mut walk = Self::of(order_id);
        walk.go_on(shop, name).await;
        walk
    }

    /// As [`Walk::until`], from where it is.
    pub async fn go_on(&mut self, shop: &Shop, name: &str) {
        while !self.is_before(shop, name).await {
            assert!(!matches!(self.at, At::Ended(_)), "{:?} before {name}", self.at);
            self.favour(shop).await;
            self.step(shop).await;
        }
    }

    /// Whether `name` is the state to do next. Where AwaitPayment only turns the order away to its review, it isn't yet.
    async fn is_before(&self, shop: &Shop, name: &str) -> bool {
        if self.at != At::State(name.to_owned()) {
            return false;
        }
        let order = shop.order(&self.order_id).await;
        name != "AwaitPayment"
            || !order.needs_audit()
            || order.audit().is_some()
            || order.status().is_undone()
    }

    /// Walks to the end; what it waits for on the way is decided in its favour.
    pub async fn to_the_end(mut self, shop: &Shop) -> Result<(), String> {
        loop {
            if let At::Ended(end) = self.at {
                return end;
            }
            self.favour(shop).await;
            self.step(shop).await;
        }
    }

    async fn favour(&self, shop: &Shop) {
        let At::Waiting(state, token) = &self.at else { return };
        if shop.aws.answered(token).is_some() {
            return;
        }
        let answer = match state.as_str() {
            "AwaitAudit" => shop.audit(&self.order_id, "APPROVE").await,
            "AwaitPayment" => shop.pay(&self.order_id, "pm_card").await,
            other => panic!("nobody knows what {other} waits for"),
        };
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// Goes to a compensation as after this error.
    pub fn fail_into(&mut self, name: &str, error: &str) {
        self.failure = json!({ "Error": error, "Cause": "" });
        self.go(name);
    }

    /// Does the next thing. Whether there was one: a walk that waits can't go on.
    pub async fn step(&mut self, shop: &Shop) -> bool {
        match self.at.clone() {
            At::Ended(_) => return false,
            At::NotStarted => {
                if shop.aws.started(MACHINE, self.order_id.as_str()).is_none() {
                    return false;
                }
                self.go(definition()["StartAt"].as_str().unwrap());
            }
            At::Waiting(name, token) => match shop.aws.answered(&token) {
                None => return false,
                Some(Token::Success) => self.advance(&name),
                Some(Token::Failure(error)) => {
                    failures::check(binary(state(&name)), &error);
                    self.fail(&name, json!({ "Error": error, "Cause": "" }));
                }
            },
            At::State(name) => self.enter(shop, &name).await,
        }
        true
    }

    async fn enter(&mut self, shop: &Shop, name: &str) {
        match state(name)["Type"].as_str().unwrap() {
            "Fail" => self.at = At::Ended(Err(state(name)["Error"].as_str().unwrap().to_owned())),
            "Map" => self.map(shop, name).await,
            _ => self.task(shop, name).await,
        }
    }

    async fn task(&mut self, shop: &Shop, name: &str) {
        match self.invoke(shop).await {
            Ok(answer) => {
                if let Some(warehouses) = answer["warehouses"].as_array() {
                    let text = |warehouse: &Value| warehouse.as_str().unwrap().to_owned();
                    self.warehouses = warehouses.iter().map(text).collect();
                }
                match self.token() {
                    Some(token) => self.at = At::Waiting(name.to_owned(), token),
                    None => self.advance(name),
                }
            }
            Err(fault) => {
                if let Some(token) = self.token() {
                    // Answered already, the task has ended whatever becomes of the invocation; else its token ends here.
                    if shop.aws.answered(&token).is_some() {
                        self.at = At::Waiting(name.to_owned(), token);
                        return;
                    }
                    shop.aws.forget(&token);
                }
                self.fail(name, caught(&fault));
            }
        }
    }

    /// Invokes the function of the state that is next, and stays there.
    ///
    /// # Errors
    /// The function's.
    pub async fn invoke(&self, shop: &Shop) -> Result<Value, Fault> {
        let At::State(name) = &self.at else { panic!("{:?} invokes nothing", self.at) };
        self.call(shop, state(name), "").await
    }

    /// All warehouses at once, each with its own retries.
    async fn map(&mut self, shop: &Shop, name: &str) {
        let processor = &state(name)["ItemProcessor"];
        let task = &processor["States"][processor["StartAt"].as_str().unwrap()];
        let walk = &*self;
        let ships = self.warehouses.iter().map(|warehouse| async move {
            let mut attempt = 0;
            loop {
                match walk.call(shop, task, warehouse).await {
                    Ok(_) => return Ok(()),
                    Err(fault) if attempt < attempts(task, &fault.error_type) => attempt += 1,
                    Err(fault) => return Err(fault),
                }
            }
        });
        match join_all(ships).await.into_iter().collect::<Result<Vec<()>, _>>() {
            Ok(_) => self.advance(name),
            Err(fault) => self.catch(name, caught(&fault)),
        }
    }

    async fn call(&self, shop: &Shop, task: &Value, warehouse: &str) -> Result<Value, Fault> {
        let mut event = json!({});
        for (name, expression) in task["Arguments"]["Payload"].as_object().unwrap() {
            event[name] = match expression.as_str().unwrap() {
                "{% $order_id %}" | "{% $states.input.order_id %}" => json!(self.order_id),
                "{% $states.context.Execution.Id %}" => json!(format!("OrderStateMachine:{}", self.order_id)),
                "{% $failure %}" => self.failure.clone(),
                "{% $states.input.warehouse %}" => json!(warehouse),
                "{% $states.context.State.RetryCount %}" => json!(self.attempt),
                "{% $states.context.Task.Token %}" => json!(self.token()),
                other => panic!("a state passes on what the tests don't know: {other}"),
            };
        }
        shop.invoke(binary(task), event).await
    }

    /// Each attempt of a task that waits has a token of its own, and so has the task when it comes again.
    fn token(&self) -> Option<String> {
        match &self.at {
            At::State(name) if state(name)["Resource"].as_str()?.ends_with(".waitForTaskToken") => {
                Some(format!("{}/{name}/{}/{}", self.order_id, self.visit, self.attempt))
            }
            _ => None,
        }
    }

    fn go(&mut self, name: &str) {
        self.visit += 1;
        self.attempt = 0;
        self.at = At::State(name.to_owned());
    }

    fn advance(&mut self, name: &str) {
        match state(name)["Next"].as_str() {
            Some(next) => self.go(next),
            None => self.at = At::Ended(Ok(())),
        }
    }

    /// What a failed attempt leads to: the next one, if the state's Retry allows it, else what its Catch says.
    fn fail(&mut self, name: &str, failure: Value) {
        if self.attempt < attempts(state(name), failure["Error"].as_str().unwrap()) {
            self.attempt += 1;
            self.at = At::State(name.to_owned());
        } else {
            self.catch(name, failure);
        }
    }

    fn catch(&mut self, name: &str, failure: Value) {
        let error = failure["Error"].as_str().unwrap();
        let catchers = state(name)["Catch"].as_array().unwrap();
        let catcher = catchers.iter().find(|catcher| takes(catcher, error));
        let next = catcher.unwrap()["Next"].as_str().unwrap();
        self.failure = failure;
        self.go(next);
    }
}

/// Whether a retrier or a catcher takes this error.
fn takes(rule: &Value, error: &str) -> bool {
    rule["ErrorEquals"].as_array().unwrap().iter().any(|name| name == error || name == "States.ALL")
}

/// How often the state tries again after this error: what the first retrier says that takes it.
fn attempts(state: &Value, error: &str) -> u64 {
    let retriers = state["Retry"].as_array().unwrap();
    let retrier = retriers.iter().find(|retrier| takes(retrier, error));
    retrier.map_or(0, |retrier| retrier["MaxAttempts"].as_u64().unwrap())
}

/// The binary of the function that this task invokes.
fn binary(task: &Value) -> &'static str {
    let arn = task["Arguments"]["FunctionName"].as_str().unwrap();
    &system().functions[arn.rsplit(':').next().unwrap()].binary
}

/// A fault as Lambda gives it to a state machine.
fn caught(fault: &Fault) -> Value {
    let cause = json!({ "errorType": fault.error_type, "errorMessage": fault.message });
    json!({ "Error": fault.error_type, "Cause": cause.to_string() })
}
