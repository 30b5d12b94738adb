//! `open-payment-window` and `close-payment-window`: the time in which the customer may pay.

use std::sync::Arc;
use std::time::Duration;

use ambient::Clock;
use chrono::{DateTime, TimeDelta, Utc};
use omniflow_domain::order::{Awaits, PaymentState};
use omniflow_domain::payment_gateway::{MoneyAt, RefundError, Silent};
use omniflow_domain::{ErrorName, Order, OrderId, PaymentGateway as _, Reason, Refusal, Status};
use omniflow_services::{ConfigError, Environment, Fault, Function, ServiceError, Services};
use omniflow_store as store;
use omniflow_store::Orders;
use omniflow_store::activity::{Activity, Done, StepEvent, TokenEvent};
use omniflow_store::windows::PaymentWindows;
use omniflow_store::workflow::{Tasks, Unsent};
use omniflow_stripe::StripeGateway;

use crate::provider::stripe;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the payment window could not be started: {0}")]
    NotStarted(#[from] ServiceError),
    #[error("the payment window could not be passed by: {0}")]
    NotPassed(#[from] Unsent),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::NotStarted(_) | Error::NotPassed(_) => {
                Self::new(ErrorName::PaymentWindowNotStarted, message)
            }
            Error::Store(error) => error.into(),
        }
    }
}

/// The function `open-payment-window`: sets the deadline, keeps the token that payment or timeout answers,
/// and starts the state machine that waits for the deadline. An order that must be reviewed first is turned
/// away, and one that brought its payment goes on at once.
pub struct OpenPaymentWindow {
    activity: Activity,
    tasks: Tasks,
    windows: PaymentWindows,
    length: TimeDelta,
}

impl Function for OpenPaymentWindow {
    const NAME: &'static str = "open-payment-window";
    const VARIABLES: &'static [&'static str] =
        &["ORDERS_TABLE", "EVENT_BUS", "PAYMENT_WINDOW_SECONDS", "PAYMENT_WINDOW_STATE_MACHINE"];
    const ACTIONS: &'static [&'static str] = &[
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "events:PutEvents",
        "states:SendTaskFailure",
        "states:SendTaskSuccess",
        "states:StartExecution",
    ];

    type Event = TokenEvent;
    type Answer = Done;
    type Error = Error;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            activity: Activity::new(services, environment)?,
            tasks: Tasks::new(services.step_functions()),
            windows: PaymentWindows::new(services, environment)?,
            length: TimeDelta::seconds(environment.parse("PAYMENT_WINDOW_SECONDS")?),
        })
    }

    async fn call(&self, step: TokenEvent) -> Result<Done, Error> {
        let now = self.activity.now();
        let (order, awaits) = self
            .activity
            .orders
            .update(&step.order_id, |order| {
                let token = step.token();
                order.take_up(now);
                order.open_window(token, now + self.length, now).map_err(store::Error::from)
            })
            .await?;
        // For the last two no signal is stored that the sweeper could send, so that a failure to send fails
        // the step, which is tried again.
        match awaits {
            Awaits::Payment => self.await_payment(&order, now).await?,
            Awaits::Review => drop(self.tasks.turn_away(&step.task_token).await?),
            Awaits::Nothing => drop(self.tasks.go_on(&order, &step.task_token).await?),
        }
        Ok((&order).into())
    }
}

impl OpenPaymentWindow {
    async fn await_payment(&self, order: &Order, now: DateTime<Utc>) -> Result<(), Error> {
        // Whoever finds the window's execution takes this for published, so that it is started after that.
        self.activity.publish(order).await?;
        if order.status() == Status::AwaitingPayment {
            // One that still waits after its deadline is paid at a provider, which must be asked.
            match order.deadline() {
                Some(deadline) if deadline <= now => self.windows.start_again(order, now).await?,
                _ => self.windows.start(order).await?,
            }
        }
        self.tasks.answer_or_leave(order).await;
        Ok(())
    }
}

/// The function `close-payment-window`: cancels the order that was not paid in time. An order that was paid
/// stays as it is; its workflow is told again, in case it hasn't heard.
///
/// Where customers pay at a provider, that one is asked first, since word of a payment may be late or lost: an
/// order whose money is held is paid. The payment of an order that was cancelled is voided then, so that nobody
/// pays what can't be had any more.
pub struct ClosePaymentWindow {
    orders: Orders,
    tasks: Tasks,
    clock: Arc<dyn Clock>,
    provider: Option<StripeGateway>,
}

impl Function for ClosePaymentWindow {
    const NAME: &'static str = "close-payment-window";
    const VARIABLES: &'static [&'static str] =
        &["ORDERS_TABLE", "PAYMENT_PROVIDER", "STRIPE_SECRET", "STRIPE_URL"];
    const ACTIONS: &'static [&'static str] = &[
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "secretsmanager:GetSecretValue",
        "states:SendTaskFailure",
        "states:SendTaskSuccess",
    ];

    type Event = StepEvent;
    type Answer = Done;
    type Error = CloseError;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            orders: Orders::new(services, environment)?,
            tasks: Tasks::new(services.step_functions()),
            clock: services.clock(),
            provider: stripe(services, environment)?.map(StripeGateway::new),
        })
    }

    async fn call(&self, step: StepEvent) -> Result<Done, CloseError> {
        if let Some(provider) = &self.provider {
            self.ask(provider, &step.order_id).await?;
        }
        loop {
            let now = self.clock.now_in_milliseconds();
            let close = |order: &mut Order| order.close_window(now).map_err(store::Error::from);
            let order = match self.orders.update(&step.order_id, close).await {
                Ok((order, ())) => order,
                // The clock here is behind the one that waited for the deadline.
                Err(store::Error::Refused(Refusal::TooEarly(deadline))) => {
                    let left = (deadline - now).to_std().unwrap_or_default();
                    tokio::time::sleep(left.min(Duration::from_secs(5))).await;
                    continue;
                }
                Err(store::Error::Refused(_)) => self.orders.get(&step.order_id).await?,
                Err(error) => return Err(error.into()),
            };
            if let Some(provider) = &self.provider {
                self.void(provider, &order).await?;
            }
            self.tasks.answer_or_leave(&order).await;
            return Ok((&order).into());
        }
    }
}

/// Why a payment window could not be closed.
#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    #[error(transparent)]
    Silent(#[from] Silent),
    #[error("the payment could not be voided: {0}")]
    NotVoided(#[from] RefundError),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<CloseError> for Fault {
    fn from(error: CloseError) -> Self {
        let message = error.to_string();
        match error {
            CloseError::Silent(_) | CloseError::NotVoided(_) => Self::new(ErrorName::GatewayTimeout, message),
            CloseError::Store(error) => error.into(),
        }
    }
}

impl ClosePaymentWindow {
    /// Asks the provider whether the order that waits for its payment, or did before it needed attention, has been paid
    /// there.
    async fn ask(&self, provider: &StripeGateway, id: &OrderId) -> Result<(), CloseError> {
        let order = self.orders.get(id).await?;
        if order.standing() != Status::AwaitingPayment || order.payment().provider_id.is_none() {
            return Ok(());
        }
        let report = provider.report(order.charge()).await?;
        if !matches!(report.money, MoneyAt::Held | MoneyAt::Shop) {
            return Ok(());
        }
        let now = self.clock.now_in_milliseconds();
        let learn = |order: &mut Order| {
            order.learn(&report, None, now);
            Ok::<_, store::Error>(())
        };
        self.orders.update(id, learn).await?;
        Ok(())
    }

    /// Voids the payment of an order that was not paid in time: its workflow passes by the step that would.
    /// Money that came in between goes back with it.
    async fn void(&self, provider: &StripeGateway, order: &Order) -> Result<(), CloseError> {
        let is_open = matches!(order.payment().state, PaymentState::Pending | PaymentState::Authorised);
        if order.standing() != Status::Compensating
            || order.reason() != Some(Reason::PaymentTimeout)
            || order.payment().provider_id.is_none()
            || !is_open
        {
            return Ok(());
        }
        let money_moved = provider.refund(order.charge()).await?;
        let refund = |order: &mut Order| {
            if order.status() == Status::Compensating {
                order.refund(money_moved)?;
            }
            Ok::<_, store::Error>(())
        };
        self.orders.update(order.id(), refund).await?;
        Ok(())
    }
}
