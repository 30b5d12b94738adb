//! The function `warehouse-api`: the calls about warehouses, and what warehouses themselves say. It is a
//! function of its own, so that the one that customers wait for stays small.

mod described;
mod event;
mod said;

use std::sync::Arc;

use ambient::Clock;
use omniflow_domain::warehouse::check_id;
use omniflow_http_client::Reach;
use omniflow_services::{ConfigError, Environment, Fault, Function, Services};
use omniflow_store::workflow::Tasks;
use omniflow_store::{Orders, Stock, Warehouses};
use omniflow_webhooks::Keys;
use serde_json::Value;

use crate::caller::Doorkeeper;
use crate::problem::{Kind, Problem};
use crate::request::Request;
use crate::response::Response;
use crate::routes::{self, ApiCall};

#[cfg(test)]
pub(crate) use described::{LONGEST_ENDPOINT, MOST_RANK, WarehouseList, WarehouseView};
#[cfg(test)]
pub(crate) use event::ShipmentView;

/// The function `warehouse-api`, with what its calls use.
pub struct WarehouseApi {
    orders: Orders,
    stock: Stock,
    warehouses: Warehouses,
    tasks: Tasks,
    keys: Keys,
    reach: Reach,
    doorkeeper: Doorkeeper,
    clock: Arc<dyn Clock>,
}

impl Function for WarehouseApi {
    const NAME: &'static str = "warehouse-api";
    const VARIABLES: &'static [&'static str] = &[
        "ORDERS_TABLE",
        "STOCK_TABLE",
        "WAREHOUSES_TABLE",
        "ALLOW_PRIVATE_WAREHOUSES",
        "OPEN_ACCESS",
        "OPERATOR_CLAIM",
        "OPERATOR_SCOPE",
        "OPERATOR_VALUE",
        "WAREHOUSE_SECRET",
    ];
    const ACTIONS: &'static [&'static str] = &[
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Scan",
        "states:SendTaskFailure",
        "states:SendTaskSuccess",
    ];

    type Event = Value;
    type Answer = Value;
    type Error = Fault;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        let anywhere = environment.parse("ALLOW_PRIVATE_WAREHOUSES")?;
        Ok(Self {
            orders: Orders::new(services, environment)?,
            stock: Stock::new(services.dynamodb(), environment.require("STOCK_TABLE")?),
            warehouses: Warehouses::new(services, environment)?,
            tasks: Tasks::new(services.step_functions()),
            keys: Keys::new(services, environment)?,
            reach: if anywhere { Reach::Anywhere } else { Reach::Public },
            doorkeeper: Doorkeeper::new(environment)?,
            clock: services.clock(),
        })
    }

    async fn call(&self, event: Value) -> Result<Value, Fault> {
        Ok(routes::answered(&self.doorkeeper, &event, |request| self.answer(request)).await)
    }
}

impl WarehouseApi {
    async fn answer(&self, request: Request) -> Result<Response, Problem> {
        let (call, request) = routes::admit(request)?;
        match call {
            ApiCall::ListWarehouses => described::list(self, &request).await,
            ApiCall::ReadWarehouse => described::read(self, &request).await,
            ApiCall::PutWarehouse => described::put(self, &request).await,
            ApiCall::TakeShipmentEvent => event::take(self, &request).await,
            ApiCall::NoteShipmentEvent => event::note(self, &request).await,
            _ => Err(routes::elsewhere(&request.path, call.function())),
        }
    }
}

/// The id of the warehouse that the path names.
fn warehouse_id(request: &Request) -> Result<&str, Problem> {
    let id = request.parameters.get("warehouse").map(String::as_str).unwrap_or_default();
    match check_id(id) {
        Ok(()) => Ok(id),
        Err(bad) => Err(Problem::new(Kind::BadRequest, format!("'{id}' can't be a warehouse: {bad}."))),
    }
}
