//! `reconcile-orders`: finds orders that stand still and that no event told of, and helps them on.

use std::sync::Arc;

use ambient::Clock;
use chrono::{TimeDelta, Timelike};
use omniflow_services::{ConfigError, Environment, Function, Services};
use omniflow_store as store;
use omniflow_store::reconcile::{Reconciler, Repaired, Scope, Trouble};
use omniflow_store::workflow::Workflow;
use omniflow_store::{Orders, Stock};
use serde_json::Value;

/// The minutes of each hour in which a run also checks the stock, for which it reads all open orders: as many
/// as lie between two runs (`Schedule` in `template.yaml`).
const STOCK_IS_CHECKED_BEFORE_MINUTE: u32 = 5;

/// The function `reconcile-orders`.
pub struct ReconcileOrders {
    reconciler: Reconciler,
    clock: Arc<dyn Clock>,
}

impl Function for ReconcileOrders {
    const NAME: &'static str = "reconcile-orders";
    const VARIABLES: &'static [&'static str] =
        &["ORDERS_TABLE", "STOCK_TABLE", "ORDER_STATE_MACHINE", "PAYMENT_WINDOW_SECONDS"];
    const ACTIONS: &'static [&'static str] = &[
        "dynamodb:BatchGetItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "states:DescribeExecution",
        "states:GetExecutionHistory",
        "states:RedriveExecution",
        "states:SendTaskFailure",
        "states:SendTaskSuccess",
        "states:StartExecution",
    ];

    type Event = Value;
    type Answer = Repaired;
    type Error = store::Error;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        let machine = environment.require("ORDER_STATE_MACHINE")?;
        Ok(Self {
            reconciler: Reconciler::new(
                Orders::new(services, environment)?,
                Stock::new(services.dynamodb(), environment.require("STOCK_TABLE")?),
                Workflow::new(services.step_functions(), machine),
                services.clock(),
                TimeDelta::seconds(environment.parse("PAYMENT_WINDOW_SECONDS")?),
            ),
            clock: services.clock(),
        })
    }

    async fn call(&self, _: Value) -> Result<Repaired, store::Error> {
        let checks_stock = self.clock.now().minute() < STOCK_IS_CHECKED_BEFORE_MINUTE;
        let scope = if checks_stock { Scope::OrdersAndStock } else { Scope::Orders };
        let found = self.reconciler.examine(scope).await?;
        for finding in &found.findings {
            if finding.trouble == Trouble::StockUnowned {
                tracing::error!(finding.detail, "stock and orders don't go together");
            }
        }
        let repaired = self.reconciler.repair(&found).await;
        tracing::info!(found = found.findings.len(), ?repaired, "reconciled");
        Ok(repaired)
    }
}
