//! Walks the order's state machine one step at a time, so that its steps can be repeated, held up and mixed
//! with other requests. The interpreter is the one of the local runtime.

use omniflow_domain::OrderId;
use omniflow_domain::order::returns::return_of_execution;
use omniflow_services::Fault;
use serde_json::{Value, json};

use std::thread::LocalKey;

use asl::Machine;

use crate::definitions::{Definition, ENTERED, MACHINE, RETURN, RETURNS};
use crate::execution::{Outside, Run};
use crate::shop::Shop;

/// The state that a walk has reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// The execution has not been started yet.
    NotStarted,
    /// The tasks of the state with this name are to be called next.
    State(String),
    /// The execution is in the state with this name and waits for an answer to this task token.
    Waiting(String, String),
    /// The execution has succeeded, or has failed with this error.
    Ended(Result<(), String>),
}

/// One execution of the order's state machine.
#[derive(Debug, Clone)]
pub struct Walk {
    /// The order whose execution this is.
    pub order_id: OrderId,
    /// The state that the walk has reached.
    pub at: At,
    /// The execution; `None` before it was started.
    run: Option<Run>,
    /// The name of the execution.
    name: String,
    machine: &'static LocalKey<Machine>,
    /// The name of the state machine.
    machine_name: &'static str,
}

impl Walk {
    /// A walk of the execution of this order, which is not started yet.
    pub fn of(order_id: &OrderId) -> Self {
        Self::of_execution(order_id, order_id.as_str())
    }

    /// A walk of the order's execution of this name, which is not started yet.
    pub fn of_execution(order_id: &OrderId, name: &str) -> Self {
        Self {
            order_id: order_id.clone(),
            at: At::NotStarted,
            run: None,
            name: name.to_owned(),
            machine: Definition::Present.machine(),
            machine_name: MACHINE,
        }
    }

    /// A walk of the execution of this return, which is not started yet.
    pub fn of_return(order_id: &OrderId, number: u32) -> Self {
        let name = format!("{order_id}-return-{number}");
        Self { machine: &RETURN, machine_name: RETURNS, ..Self::of_execution(order_id, &name) }
    }

    /// As [`Walk::of`], by this definition.
    pub fn by(definition: Definition, order_id: &OrderId) -> Self {
        Self { machine: definition.machine(), ..Self::of(order_id) }
    }

    /// Walks until `name` is the next state. An order that waits for a review or a payment on the way is
    /// approved or paid.
    ///
    /// By the present definition only an order comes to CompleteOrder whose last warehouse answers by a message. For
    /// any other the walk goes by the definition with which all of them came there.
    pub async fn until(shop: &Shop, order_id: &OrderId, name: &str) -> Self {
        let definition =
            if name == "CompleteOrder" { Definition::CompletingStep } else { Definition::Present };
        let mut walk = Self::by(definition, order_id);
        walk.go_on(shop, name).await;
        walk
    }

    /// As [`Walk::until`], from the state that the walk has reached.
    pub async fn go_on(&mut self, shop: &Shop, name: &str) {
        while !self.is_before(shop, name).await {
            assert!(!matches!(self.at, At::Ended(_)), "{:?} before {name}", self.at);
            self.favour(shop).await;
            self.step(shop).await;
        }
    }

    /// Whether `name` is the next state. AwaitPayment doesn't count when it only sends the order to its
    /// review.
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

    /// Walks to the end of the execution. An order that waits for a review or a payment on the way is
    /// approved or paid.
    pub async fn to_the_end(mut self, shop: &Shop) -> Result<(), String> {
        loop {
            self.favour(shop).await;
            if self.step(shop).await {
                continue;
            }
            match self.at {
                At::Ended(end) => return end,
                at => panic!("{} would be {at:?} for ever", self.name),
            }
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
            "AwaitReturnReview" | "AwaitReturnedGoods" => {
                let (_, number) = return_of_execution(&self.name).unwrap();
                shop.favour_return(&self.order_id, number).await
            }
            other => panic!("nobody knows what {other} waits for"),
        };
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// Goes to a compensation as after this error, whether or not the definition leads there from here.
    pub fn fail_into(&mut self, name: &str, error: &str) {
        let outside = self.run.take().map_or_else(|| Outside::of(&self.name), Run::into_outside);
        let failure = json!({ "Error": error, "Cause": "" });
        let input = json!({ "order_id": self.order_id, "failure": failure, "enter": name });
        self.enter(Run::start(&ENTERED, MACHINE, input, outside));
        assert_eq!(self.at, At::State(name.to_owned()));
    }

    fn enter(&mut self, run: Run) {
        self.at = run.at();
        self.run = Some(run);
    }

    /// Takes the next step: starts the execution, makes the calls that it wants, or brings it the answer to
    /// its token. When the execution fails, mark-needs-attention hears of it; when it was redriven, it goes on.
    /// Returns false when there is no such step, as for an execution that waits.
    pub async fn step(&mut self, shop: &Shop) -> bool {
        let Some(run) = &mut self.run else {
            let Some(input) = shop.aws.started(self.machine_name, &self.name) else { return false };
            let machine = self.machine;
            self.enter(Run::start(machine, self.machine_name, input, Outside::of(&self.name)));
            return true;
        };
        let went = match self.at {
            At::Ended(Err(_)) if shop.aws.take_redrive(&self.name) => {
                run.redrive();
                true
            }
            At::Ended(_) => false,
            At::Waiting(..) => run.hear(shop),
            At::NotStarted | At::State(_) => {
                run.perform(shop).await;
                true
            }
        };
        self.at = run.at();
        if let Some((error, cause)) = run.failure().filter(|_| went) {
            shop.aws.end_execution(&self.name, &error, cause.as_deref());
            shop.execution_failed(&self.name).await;
        }
        went
    }

    /// Takes the execution up again from the state that it was in, after stopping it unless it has ended, as
    /// somebody does who calls Step Functions and not the shop.
    pub fn redrive(&mut self, shop: &Shop) {
        let run = self.run.as_mut().unwrap_or_else(|| panic!("it was not started"));
        shop.aws.redrive(&self.name);
        run.redrive();
        self.at = run.at();
    }

    /// Invokes the function of the next state, and stays before that state.
    ///
    /// # Errors
    /// The error of the function.
    pub async fn invoke(&self, shop: &Shop) -> Result<Value, Fault> {
        match (&self.at, &self.run) {
            (At::State(_), Some(run)) => run.call(shop).await,
            _ => panic!("{:?} invokes nothing", self.at),
        }
    }
}
