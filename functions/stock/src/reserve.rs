//! `reserve-stock`: sets the stock aside that an order wants, in the fewest warehouses, in one transaction
//! with the order.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use omniflow_domain::allocation::{Available, Line, Missing, Share, allocate};
use omniflow_domain::{ErrorName, Order, Reason, Status};
use omniflow_services::{ConfigError, Environment, Fault, Function, Services};
use omniflow_store as store;
use omniflow_store::activity::{Activity, StepEvent};
use omniflow_store::{Attempt, Decided, LowStock, Moves, Place, Shelves, Stock, Warehouses, metrics};
use serde::Serialize;

use crate::crowding::Crowding;
use crate::emptied::Emptied;

/// An order that has to plan its reservation anew so often counts as one that others got in the way of.
const OFTEN: u32 = 2;
/// An order counts as at most so many attempts, so that one alone makes no crowd, and as so many when DynamoDB throttled
/// the row.
const MOST_OF_ONE: u32 = 3;

/// The answer: the warehouses that the workflow has to ship from.
#[derive(Debug, Serialize)]
pub struct Reserved {
    warehouses: Vec<String>,
}

impl From<&Order> for Reserved {
    fn from(order: &Order) -> Self {
        Self { warehouses: order.first_warehouses().map(str::to_owned).collect() }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("not enough in stock: {}", list(.0))]
    OutOfStock(Vec<Missing>),
    #[error("the order was cancelled")]
    Cancelled,
    #[error(transparent)]
    Store(#[from] store::Error),
}

fn list(missing: &[Missing]) -> String {
    let each =
        missing.iter().map(|m| format!("{} (wanted {}, available {})", m.product_id, m.wanted, m.available));
    each.collect::<Vec<_>>().join(", ")
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let name = match error {
            Error::OutOfStock(_) => ErrorName::OutOfStock,
            Error::Cancelled => ErrorName::OrderCancelled,
            Error::Store(error) => return error.into(),
        };
        Self::new(name, message)
    }
}

/// The function `reserve-stock`.
pub struct ReserveStock {
    activity: Activity,
    stock: Stock,
    warehouses: Warehouses,
    crowding: Crowding,
    emptied: Emptied,
    most_buckets: u8,
    low_stock: LowStock,
}

impl Function for ReserveStock {
    const NAME: &'static str = "reserve-stock";
    const VARIABLES: &'static [&'static str] = &[
        "ORDERS_TABLE",
        "STOCK_TABLE",
        "WAREHOUSES_TABLE",
        "PRODUCTS_TABLE",
        "REGISTER_TABLE",
        "EVENT_BUS",
        "MOST_STOCK_BUCKETS",
    ];
    const ACTIONS: &'static [&'static str] = &[
        "dynamodb:BatchGetItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "dynamodb:UpdateItem",
        "events:PutEvents",
    ];

    type Event = StepEvent;
    type Answer = Reserved;
    type Error = Error;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            activity: Activity::new(services, environment)?,
            stock: Stock::new(services.dynamodb(), environment.require("STOCK_TABLE")?),
            warehouses: Warehouses::new(services, environment)?,
            crowding: Crowding::default(),
            emptied: Emptied::default(),
            most_buckets: environment.parse("MOST_STOCK_BUCKETS")?,
            low_stock: LowStock::new(services, environment)?,
        })
    }

    async fn call(&self, step: StepEvent) -> Result<Reserved, Error> {
        let orders = &self.activity.orders;
        let (moves, places) = (&self.stock.moves(), &Mutex::new(Vec::new()));
        let lock = || places.lock().unwrap_or_else(PoisonError::into_inner);
        let plan = |order: Order| async move {
            let attempt = moves.attempt(order.id());
            let plan = self.plan(order, attempt, moves).await?;
            *lock() = store::places_of(&plan.with);
            // Each further plan means that the one before was overtaken by an order that took stock
            // meanwhile.
            if attempt.number > 0 && !matches!(plan.answer, Plan::MadeBefore(_)) {
                metrics::count("StockConflicts", plan.order.id());
            }
            Ok::<_, Error>(plan)
        };
        let is_new = |order: &Order| order.status() == Status::Received;
        let reserved = orders.update_with(&step.order_id, is_new, plan).await;
        let (again, places) = (moves.again(), std::mem::take(&mut *lock()));
        if let Err(Error::Store(store::Error::Throttled { writes, .. })) = &reserved {
            // The first write of the transaction is that of the order.
            let place = |write: &usize| places.get(write.checked_sub(1)?).cloned().flatten();
            self.relieve(writes.iter().filter_map(place), MOST_OF_ONE).await;
        } else if again >= OFTEN {
            self.relieve(places.into_iter().flatten(), again.min(MOST_OF_ONE)).await;
        }
        match reserved? {
            (order, Plan::MadeBefore(reserved)) => {
                self.activity.publish(&order).await?;
                self.low_stock.look(products(&order)).await;
                Ok(reserved)
            }
            (order, Plan::Reserved) => {
                metrics::phase("SecondsToReserve", &order, Status::Received, Status::Reserved);
                self.activity.publish(&order).await?;
                self.low_stock.look(products(&order)).await;
                Ok((&order).into())
            }
            // The workflow closes the order at once, and announces with that what came before it.
            (_, Plan::Missing(missing)) => Err(Error::OutOfStock(missing)),
        }
    }
}

/// The ids of the products that the order has.
fn products(order: &Order) -> impl Iterator<Item = &str> {
    order.items().iter().map(|item| item.product_id.as_str())
}

/// The result of the step.
enum Plan {
    MadeBefore(Reserved),
    Reserved,
    Missing(Vec<Missing>),
}

/// Which warehouse ships what, or what is missing.
type Allocated = Result<Vec<Share>, Vec<Missing>>;

impl ReserveStock {
    /// Splits those of these places at which orders get into each other's way, now that one had to plan anew so often.
    async fn relieve(&self, places: impl Iterator<Item = Place>, again: u32) {
        if self.most_buckets > 1 {
            let (places, now) = (places.collect::<BTreeSet<_>>(), self.activity.now());
            for place in self.crowding.note(places, again, now) {
                self.stock.relieve(&place, self.most_buckets, now).await;
            }
        }
    }

    async fn plan(
        &self,
        mut order: Order,
        attempt: Attempt,
        moves: &Moves<'_>,
    ) -> Result<Decided<Plan>, Error> {
        if let Some(reserved) = made_before(&order)? {
            return Ok(Decided { order, answer: Plan::MadeBefore(reserved), with: Vec::new() });
        }
        let now = self.activity.now();
        order.take_up(now);
        let (allocated, shelves) = self.allocate(&order.wanted(), attempt).await?;
        match allocated {
            Ok(shares) => {
                order.reserve(shares, now).map_err(store::Error::from)?;
                let with = moves.reserve(&order, &shelves, attempt).await?;
                Ok(Decided { order, answer: Plan::Reserved, with })
            }
            Err(missing) => {
                order.run_out_of_stock(missing.clone(), now).map_err(store::Error::from)?;
                Ok(Decided { order, answer: Plan::Missing(missing), with: Vec::new() })
            }
        }
    }

    /// Chooses the warehouses by one bucket of each place, if with all the others full the choice would be the same:
    /// then it needs no more warehouses, and none further away, than by all buckets. Else by all of them.
    async fn allocate(
        &self,
        wanted: &[Line],
        attempt: Attempt,
    ) -> Result<(Allocated, Shelves), store::Error> {
        let known = self.warehouses.known().await?;
        let allocated = |mut available: Available| {
            for by_warehouse in available.values_mut() {
                by_warehouse.retain(|id, _| known.is_active(id));
            }
            allocate(wanted, &available, |id| known.rank(id))
        };
        let products: Vec<_> = wanted.iter().map(|line| line.product_id.as_str()).collect();
        let glimpse = match attempt.number {
            0 => self.stock.quick_glimpse(&products, attempt.first).await?,
            // What overtook the attempt before has to be seen.
            _ => self.stock.glimpse(&products, attempt.first).await?,
        };
        let shares = allocated(glimpse.at_least());
        let now = self.activity.now();
        let is_empty = |place: &Place| self.emptied.contains(place, now);
        if shares.is_ok() && shares == allocated(glimpse.at_most(is_empty)) {
            return Ok((shares, glimpse.into_shelves()));
        }
        let mut shelves = self.stock.shelves(wanted).await?;
        let mut shares = allocated(shelves.available());
        // Pieces that went from one bucket to another meanwhile may have been in neither when it was read. Where none were
        // before, none went.
        let all_were_empty = shelves.places().all(|(place, _)| is_empty(place));
        if shares.is_err() && shelves.any_is_split() && !all_were_empty {
            shelves = self.stock.shelves(wanted).await?;
            shares = allocated(shelves.available());
        }
        self.emptied.note(&shelves, now);
        Ok((shares, shelves))
    }
}

/// The answer that this step gave when it ran before, if it did.
fn made_before(order: &Order) -> Result<Option<Reserved>, Error> {
    match (order.standing(), order.reason()) {
        (Status::Received, _) => Ok(None),
        (status, Some(Reason::OutOfStock)) if status.is_undone() => {
            Err(Error::OutOfStock(order.missing().to_vec()))
        }
        (status, _) if status.is_undone() => Err(Error::Cancelled),
        _ => Ok(Some(order.into())),
    }
}
