//! Which link leads to a warehouse.

use std::sync::Arc;
use std::time::Duration;

use crate::http::{HttpWarehouse, Outside};
use omniflow_domain::WarehouseLink;
use omniflow_domain::warehouse::Link;
use omniflow_services::{ConfigError, Environment, Services};
use omniflow_simulated::{Ledger, SimulatedWarehouses};
use omniflow_store::{self as store, KnownWarehouses, Warehouses};

/// The links to all warehouses.
#[derive(Clone)]
pub(crate) struct Links {
    warehouses: Warehouses,
    simulated: Arc<dyn WarehouseLink>,
    outside: Outside,
}

impl Links {
    pub(crate) fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        let latency = Duration::from_millis(environment.parse("SIMULATED_LATENCY_MILLIS")?);
        let ledger = Ledger::new(services, environment.require("LEDGER_TABLE")?, latency);
        Ok(Self {
            warehouses: Warehouses::new(services, environment)?,
            simulated: Arc::new(SimulatedWarehouses::new(ledger)),
            outside: Outside::new(services, environment)?,
        })
    }

    /// All warehouses as they are known.
    pub(crate) async fn known(&self) -> Result<Arc<KnownWarehouses>, store::Error> {
        self.warehouses.known().await
    }

    /// The link to the warehouse of this id.
    pub(crate) async fn to(&self, warehouse: &str) -> Result<Arc<dyn WarehouseLink>, store::Error> {
        Ok(match self.known().await?.of(warehouse).link {
            Link::Simulated => Arc::clone(&self.simulated),
            Link::Http { endpoint } => Arc::new(HttpWarehouse { outside: self.outside.clone(), endpoint }),
        })
    }
}
