//! The steps of a return's workflow that wait: for an operator who approves it, and for the goods.
//!
//! Whoever approves or receives may be faster than the workflow. So each step looks first whether what it is there for has
//! happened, and then answers its own token.

use omniflow_domain::Order;
use omniflow_domain::order::returns::{Passage, ReturnStep};
use omniflow_services::{ConfigError, Environment, Fault, Function, Services};
use omniflow_store as store;
use omniflow_store::activity::{Activity, Done, ReturnTokenEvent};
use omniflow_store::workflow::{Tasks, Unsent};

/// Why a step did not begin to wait.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Unsent(#[from] Unsent),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => error.into(),
            Error::Unsent(error) => {
                Self::new(omniflow_domain::ErrorName::StoreUnavailable, error.to_string())
            }
        }
    }
}

struct Wait {
    activity: Activity,
    tasks: Tasks,
}

impl Wait {
    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            activity: Activity::new(services, environment)?,
            tasks: Tasks::new(services.step_functions()),
        })
    }

    async fn at(&self, step: ReturnStep, event: &ReturnTokenEvent) -> Result<Done, Error> {
        let (now, number, token) = (self.activity.now(), event.number, event.token.token());
        let wait = |order: &mut Order| {
            order.await_return(number, step, token.clone(), now).map_err(store::Error::from)
        };
        let (order, passage) = self.activity.orders.update(&event.token.order_id, wait).await?;
        if passage == Passage::Open {
            self.tasks.go_on(&order, &event.token.task_token).await?;
        }
        self.activity.announce_returns_or_leave(&order).await;
        Ok((&order).into())
    }
}

const VARIABLES: &[&str] = &["ORDERS_TABLE", "EVENT_BUS"];
const ACTIONS: &[&str] =
    &["dynamodb:GetItem", "dynamodb:PutItem", "events:PutEvents", "states:SendTaskSuccess"];

/// The function `await-return-review`: keeps the token that an operator's verdict answers, or passes by a return that needs
/// none.
pub struct AwaitReturnReview(Wait);

impl Function for AwaitReturnReview {
    const NAME: &'static str = "await-return-review";
    const VARIABLES: &'static [&'static str] = VARIABLES;
    const ACTIONS: &'static [&'static str] = ACTIONS;

    type Event = ReturnTokenEvent;
    type Answer = Done;
    type Error = Error;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Wait::new(services, environment).map(Self)
    }

    async fn call(&self, event: ReturnTokenEvent) -> Result<Done, Error> {
        self.0.at(ReturnStep::Review, &event).await
    }
}

/// The function `await-returned-goods`: keeps the token that the arrival of the goods answers.
pub struct AwaitReturnedGoods(Wait);

impl Function for AwaitReturnedGoods {
    const NAME: &'static str = "await-returned-goods";
    const VARIABLES: &'static [&'static str] = VARIABLES;
    const ACTIONS: &'static [&'static str] = ACTIONS;

    type Event = ReturnTokenEvent;
    type Answer = Done;
    type Error = Error;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Wait::new(services, environment).map(Self)
    }

    async fn call(&self, event: ReturnTokenEvent) -> Result<Done, Error> {
        self.0.at(ReturnStep::Goods, &event).await
    }
}
