//! The order's state machine, walked one step at a time, so that its steps can be repeated, held up and interleaved with
//! whatever else happens. The interpreter that runs it on one machine runs it here.

use omniflow_domain::OrderId;
use omniflow_services::Fault;
use serde_json::{Value, json};

use crate::execution::{ENTERED, MACHINE, ORDER, Outside, Run};
use crate::shop::Shop;

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
    /// None before it was started.
    run: Option<Run>,
}

impl Walk {
    /// The execution of this order.
    pub fn of(order_id: &OrderId) -> Self {
        Self { order_id: order_id.clone(), at: At::NotStarted, run: None }
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

    /// Goes to a compensation as after this error, whether or not the definition leads from here to there.
    pub fn fail_into(&mut self, name: &str, error: &str) {
        let outside = self.run.take().map_or_else(|| Outside::of(&self.order_id), Run::into_outside);
        let failure = json!({ "Error": error, "Cause": "" });
        let input = json!({ "order_id": self.order_id, "failure": failure, "enter": name });
        self.enter(Run::start(&ENTERED, input, outside));
        assert_eq!(self.at, At::State(name.to_owned()));
    }

    fn enter(&mut self, run: Run) {
        self.at = run.at();
        self.run = Some(run);
    }

    /// Does the next thing: starts the execution, makes the calls that it wants, or brings it the answer that it waits
    /// for. Whether there was one: a walk that waits can't go on.
    pub async fn step(&mut self, shop: &Shop) -> bool {
        let Some(run) = &mut self.run else {
            let Some(input) = shop.aws.started(MACHINE, self.order_id.as_str()) else { return false };
            self.enter(Run::start(&ORDER, input, Outside::of(&self.order_id)));
            return true;
        };
        let went = match self.at {
            At::Ended(_) => false,
            At::Waiting(..) => run.hear(shop),
            At::NotStarted | At::State(_) => {
                run.perform(shop).await;
                true
            }
        };
        self.at = run.at();
        went
    }

    /// Invokes the function of the state that is next, and stays there.
    ///
    /// # Errors
    /// The function's.
    pub async fn invoke(&self, shop: &Shop) -> Result<Value, Fault> {
        match (&self.at, &self.run) {
            (At::State(_), Some(run)) => run.call(shop).await,
            _ => panic!("{:?} invokes nothing", self.at),
        }
    }
}
