//! Which link leads to a warehouse: the one place that knows them all. The steps that ship and call back use it, and so does
//! whoever settles by hand an order whose goods are under way.

mod http;

use std::sync::Arc;
use std::time::Duration;

use omniflow_domain::WarehouseLink;
use omniflow_domain::warehouse::Link;
use omniflow_services::{ConfigError, Environment, Services};
use omniflow_simulated::{Ledger, SimulatedWarehouses};
use omniflow_store::{self as store, KnownWarehouses, Warehouses};

use crate::http::{HttpWarehouse, Outside};

/// The links to all warehouses.
#[derive(Clone)]
pub struct Links {
    warehouses: Warehouses,
    simulated: Arc<dyn WarehouseLink>,
    outside: Outside,
}

impl Links {
    /// The links, as the environment describes them: `WAREHOUSES_TABLE`, `LEDGER_TABLE`, `SIMULATED_LATENCY_MILLIS`,
    /// `WAREHOUSE_SECRET`, `ALLOW_PRIVATE_WAREHOUSES` and `PUBLIC_URL`.
    ///
    /// # Errors
    /// [`ConfigError`], when a variable is missing or wrong.
    pub fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        let latency = Duration::from_millis(environment.parse("SIMULATED_LATENCY_MILLIS")?);
        let ledger = Ledger::new(services, environment.require("LEDGER_TABLE")?, latency);
        Ok(Self {
            warehouses: Warehouses::new(services, environment)?,
            simulated: Arc::new(SimulatedWarehouses::new(ledger)),
            outside: Outside::new(services, environment)?,
        })
    }

    /// All warehouses as they are known.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn known(&self) -> Result<Arc<KnownWarehouses>, store::Error> {
        self.warehouses.known().await
    }

    /// The link to the warehouse of this id.
    ///
    /// # Errors
    /// A failure of DynamoDB, which knows how the warehouse is reached.
    pub async fn to(&self, warehouse: &str) -> Result<Arc<dyn WarehouseLink>, store::Error> {
        Ok(match self.known().await?.of(warehouse).link {
            Link::Simulated => Arc::clone(&self.simulated),
            Link::Http { endpoint } => Arc::new(HttpWarehouse { outside: self.outside.clone(), endpoint }),
        })
    }
}
