//! `ship-warehouse`: has a warehouse ship what it holds for an order, or another one in its place.
//!
//! ```text
//!   PENDING ── ask ──► the answer comes in the call ──► SHIPPED: the task's token is answered
//!              └─────► DISPATCHED: the token is kept, and whoever hears from the warehouse answers it
//!   REJECTED, or DISPATCHED for too long ── another warehouse that has all of it ──► PENDING there
//! ```
//!
//! The write by which the last shipment of an order is on its way also completes the order and sells its stock, so that
//! no further step is needed for it.

use chrono::{DateTime, TimeDelta, Utc};
use omniflow_domain::allocation::one_with_all;
use omniflow_domain::order::{Order, OrderId, Parcel, Shipment, ShipmentSignal, ShipmentState, Token};
use omniflow_domain::warehouse_link::{LinkError, Shipping};
use omniflow_domain::{Refusal, Status};
use omniflow_links::Links;
use omniflow_services::{ConfigError, Environment, Fault, Function, Services};
use omniflow_store::activity::Activity;
use omniflow_store::workflow::Tasks;
use omniflow_store::{self as store, Decided, Stock, metrics};
use serde::{Deserialize, Serialize};

use crate::Error;

/// The largest number of changes of a shipment in one call: each warehouse is asked and replaced once. What is
/// left after these is for the next attempt.
const MOST_ROUNDS: usize = 20;

#[derive(Debug, Clone, Deserialize)]
pub struct Ship {
    order_id: OrderId,
    /// The warehouse that the stock was first set aside in.
    warehouse: String,
    /// The token of the task that waits. Executions that began under an earlier release don't wait: they take
    /// the answer of the call.
    #[serde(default)]
    task_token: Option<String>,
    #[serde(default)]
    redrive: u64,
    #[serde(default)]
    attempt: u64,
    /// Whether the order is completed here when this shipment is the last. Executions that began under an
    /// earlier release come to a step of their own for that.
    #[serde(default)]
    completes: bool,
}

impl Ship {
    fn token(&self) -> Option<&str> {
        self.task_token.as_deref()
    }

    fn task(&self) -> Option<Token> {
        let token = self.task_token.clone()?;
        Some(Token { token, redrive: self.redrive, attempt: self.attempt })
    }
}

#[derive(Debug, Serialize)]
pub struct Asked {
    warehouse: String,
    state: ShipmentState,
    #[serde(skip_serializing_if = "Option::is_none")]
    tracking: Option<String>,
}

impl From<&Shipment> for Asked {
    fn from(shipment: &Shipment) -> Self {
        Self {
            warehouse: shipment.warehouse.clone(),
            state: shipment.state,
            tracking: shipment.tracking.clone(),
        }
    }
}

/// The function `ship-warehouse`.
pub struct ShipWarehouse {
    activity: Activity,
    stock: Stock,
    links: Links,
    tasks: Tasks,
    deadline: TimeDelta,
}

impl Function for ShipWarehouse {
    const NAME: &'static str = "ship-warehouse";
    const VARIABLES: &'static [&'static str] = &[
        "ORDERS_TABLE",
        "STOCK_TABLE",
        "WAREHOUSES_TABLE",
        "LEDGER_TABLE",
        "EVENT_BUS",
        "ALLOW_PRIVATE_WAREHOUSES",
        "PUBLIC_URL",
        "WAREHOUSE_SECRET",
        "SIMULATED_LATENCY_MILLIS",
        "SHIPMENT_DEADLINE_HOURS",
    ];
    const ACTIONS: &'static [&'static str] = &[
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "dynamodb:UpdateItem",
        "events:PutEvents",
        "states:SendTaskFailure",
        "states:SendTaskSuccess",
    ];

    type Event = Ship;
    type Answer = Asked;
    type Error = Fault;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            activity: Activity::new(services, environment)?,
            stock: Stock::new(services.dynamodb(), environment.require("STOCK_TABLE")?),
            links: Links::new(services, environment)?,
            tasks: Tasks::new(services.step_functions()),
            deadline: TimeDelta::hours(environment.parse::<u32>("SHIPMENT_DEADLINE_HOURS")?.into()),
        })
    }

    async fn call(&self, event: Ship) -> Result<Asked, Fault> {
        let asked = self.ship(&event).await.map_err(Fault::from);
        // Step Functions fails the task because its function failed, but not every emulator of it does.
        if let (Err(fault), Some(token)) = (&asked, &event.task_token)
            && let Err(error) = self.tasks.report(token, fault).await
        {
            tracing::debug!(order_id = %event.order_id, %error, "the failure was told by the answer alone");
        }
        asked
    }
}

impl ShipWarehouse {
    async fn ship(&self, event: &Ship) -> Result<Asked, Error> {
        let mut order =
            self.activity.orders.recall(&event.order_id, |order| order.status() == Status::Shipping).await?;
        for _ in 0..MOST_ROUNDS {
            order.check_not_undone().map_err(store::Error::from)?;
            let shipment = order.shipment_for(&event.warehouse);
            let shipment = shipment.ok_or_else(|| Error::NoShipment(event.warehouse.clone()))?;
            let went_on = match shipment.state {
                ShipmentState::Shipped | ShipmentState::Delivered => {
                    let asked = shipment.into();
                    let order = self.announce_completion(order, event).await?;
                    self.answer(&order, event).await?;
                    return Ok(asked);
                }
                // Only an order that is undone or was settled by hand calls its shipments back.
                ShipmentState::Cancelled => {
                    let called_back = Refusal::Undone(order.standing());
                    return Err(store::Error::from(called_back).into());
                }
                ShipmentState::Rejected => self.give_to_another(&order, shipment).await?,
                ShipmentState::Dispatched if shipment.is_overdue(self.deadline, self.now()) => {
                    self.take_back(&order, shipment, event).await?
                }
                ShipmentState::Pending | ShipmentState::Dispatched => {
                    match self.ask(&order, shipment, event).await? {
                        Some(answered) => answered,
                        None if event.task_token.is_none() => {
                            return Err(Error::CantWait(shipment.warehouse.clone()));
                        }
                        None => return Ok(shipment.into()),
                    }
                }
            };
            order = went_on;
        }
        Err(LinkError::Rejected { warehouse: event.warehouse.clone(), reason: None }.into())
    }

    fn now(&self) -> DateTime<Utc> {
        self.activity.now()
    }

    /// Tells the task that the goods are on their way: the one that called, and the one that an attempt which
    /// overtook this one left waiting.
    async fn answer(&self, order: &Order, event: &Ship) -> Result<(), Error> {
        if let Some(token) = &event.task_token {
            self.tasks.go_on(order, token).await?;
        }
        for (token, signal) in order.pending_shipments() {
            if signal == ShipmentSignal::Shipped
                && event.task_token.as_deref() != Some(token)
                && let Err(error) = self.tasks.go_on(order, token).await
            {
                tracing::warn!(order_id = %order.id(), %error, "left to the sweeper");
            }
        }
        Ok(())
    }

    /// Asks the warehouse to ship. The order as it is then, or `None` when the answer comes later.
    async fn ask(&self, order: &Order, shipment: &Shipment, event: &Ship) -> Result<Option<Order>, Error> {
        let link = self.links.to(&shipment.warehouse).await?;
        let warehouse = shipment.warehouse.as_str();
        let dispatched;
        let (order, shipment) = if link.answers_at_once(shipment) {
            (order, shipment)
        } else {
            // The warehouse may answer before the request to it is answered, so that what waits for it is
            // stored before.
            let now = self.now();
            let dispatch = |order: &mut Order| order.dispatch(warehouse, event.task(), now);
            dispatched = self.decide(order.id(), dispatch).await?;
            match dispatched.shipment(warehouse) {
                Some(shipment) if shipment.state == ShipmentState::Dispatched => (&dispatched, shipment),
                _ => return Ok(Some(dispatched)),
            }
        };
        let now = || self.now();
        match link.ship(order, shipment).await {
            Ok(Shipping::Later) => Ok(None),
            Ok(Shipping::Shipped(parcel)) => {
                let ship = |order: &mut Order| order.ship(warehouse, parcel.clone(), now());
                self.decide_and_complete(order.id(), event, ship).await.map(Some)
            }
            Err(LinkError::Rejected { reason, .. }) => {
                let reject = |order: &mut Order| order.reject(warehouse, reason.as_deref(), now());
                self.decide(order.id(), reject).await.map(Some)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Calls an overdue shipment back, so that another warehouse may ship its goods. One that has left all the
    /// same counts as shipped.
    async fn take_back(&self, order: &Order, shipment: &Shipment, event: &Ship) -> Result<Order, Error> {
        let warehouse = shipment.warehouse.as_str();
        let link = self.links.to(warehouse).await?;
        let is_gone = match link.call_back(order, shipment).await {
            Ok(()) => false,
            Err(LinkError::NotCancellable(_)) => true,
            Err(error) => return Err(error.into()),
        };
        let now = self.now();
        let decide = |order: &mut Order| {
            if is_gone {
                order.ship(warehouse, Parcel::default(), now)
            } else {
                order.reject(warehouse, Some(OVERDUE), now)
            }
        };
        self.decide_and_complete(order.id(), event, decide).await
    }

    /// Has another warehouse ship what this one doesn't: the stock moves in the transaction that says so.
    async fn give_to_another(&self, order: &Order, shipment: &Shipment) -> Result<Order, Error> {
        let from = shipment.warehouse.as_str();
        let now = self.now();
        let move_on = |mut order: Order| async move {
            order.take_up(now);
            let Some(shipment) = order.shipment(from).filter(|it| it.state == ShipmentState::Rejected) else {
                return Ok(Decided { order, answer: (), with: Vec::new() });
            };
            let to = self.another(&order, shipment).await?;
            let to = to.ok_or_else(|| Error::NobodyShips(from.to_owned()))?;
            let with = match self.stock.move_to(&order, shipment, &to).await {
                // So many places can't be moved at once.
                Err(store::Error::TooLarge(_)) => return Err(Error::NobodyShips(from.to_owned())),
                with => with?,
            };
            match order.reallocate(from, &to) {
                Ok(()) => Ok(Decided { order, answer: (), with }),
                // Another attempt was faster.
                Err(Refusal::ReallocatedBefore(_)) => Ok(Decided { order, answer: (), with: Vec::new() }),
                Err(refusal) => Err(store::Error::from(refusal).into()),
            }
        };
        let is_rejected =
            |order: &Order| order.shipment_for(from).is_some_and(|it| it.state == ShipmentState::Rejected);
        let (order, ()) = self.activity.orders.update_with(order.id(), is_rejected, move_on).await?;
        Ok(order)
    }

    /// The warehouse that has all of a shipment and has not been asked for the order yet.
    async fn another(&self, order: &Order, shipment: &Shipment) -> Result<Option<String>, Error> {
        let known = self.links.known().await?;
        let mut available = self.stock.shelves(&shipment.items).await?.available();
        for by_warehouse in available.values_mut() {
            by_warehouse.retain(|id, _| known.is_active(id) && order.shipment(id).is_none());
        }
        Ok(one_with_all(&shipment.items, &available, |id| known.rank(id)))
    }

    /// Makes a decision by which a shipment may be on its way. If it was the last one, the same transaction
    /// completes the order and sells its stock.
    async fn decide_and_complete(
        &self,
        id: &OrderId,
        event: &Ship,
        decide: impl Fn(&mut Order) -> Result<(), Refusal>,
    ) -> Result<Order, Error> {
        let now = self.now();
        let change = |order: &mut Order| {
            order.take_up(now);
            decide(order)?;
            if event.completes { order.complete_with_last_shipment(event.token(), now) } else { Ok(false) }
        };
        let changes = |known: &Order| {
            let mut order = known.clone();
            change(&mut order).is_ok() && order != *known
        };
        let (change, moves) = (&change, &self.stock.moves());
        let decided = |mut order: Order| async move {
            let is_completed_now = change(&mut order).map_err(store::Error::from)?;
            let with = if is_completed_now { moves.sell(&order).await? } else { Vec::new() };
            Ok::<_, Error>(Decided { order, answer: is_completed_now, with })
        };
        let (order, is_completed_now) = self.activity.orders.update_with(id, changes, decided).await?;
        if is_completed_now {
            metrics::completed(&order);
        }
        Ok(order)
    }

    /// Announces that the order is completed, if it is: by the write of this call, or of an earlier attempt
    /// that may not have come to that. An order of which all is shipped, as messages of warehouses said, is
    /// completed before.
    async fn announce_completion(&self, order: Order, event: &Ship) -> Result<Order, Error> {
        if !event.completes {
            return Ok(order);
        }
        let order = if order.is_all_shipped() {
            self.decide_and_complete(order.id(), event, |_| Ok(())).await?
        } else {
            order
        };
        if order.status() == Status::Completed {
            self.activity.publish(&order).await?;
        }
        Ok(order)
    }

    async fn decide(
        &self,
        id: &OrderId,
        decide: impl Fn(&mut Order) -> Result<(), Refusal>,
    ) -> Result<Order, Error> {
        let now = self.now();
        let decide = |order: &mut Order| {
            order.take_up(now);
            decide(order).map_err(store::Error::from)
        };
        let (order, ()) = self.activity.orders.update(id, decide).await?;
        Ok(order)
    }
}

/// The reason for which a shipment is given to another warehouse that was not shipped in time.
const OVERDUE: &str = "overdue";
