//! `reconcile-orders`: finds orders that stand still and that no event told of, and helps them on.

use std::time::Duration;

use chrono::TimeDelta;
use omniflow_services::{ConfigError, Environment, Function, Services};
use omniflow_store as store;
use omniflow_store::reconcile::{Reconciler, Repaired, Scope, Trouble};
use omniflow_store::returns::ReturnWorkflow;
use omniflow_store::windows::PaymentWindows;
use omniflow_store::workflow::Workflow;
use omniflow_store::{Orders, Stock};
use serde::Deserialize;

/// The longest times that a run looks for what stands still, and takes care of it. Both end within the function's timeout
/// (`template.yaml`), with time left for what is under way.
const LOOKS_FOR: Duration = Duration::from_secs(60);
const REPAIRS_FOR: Duration = Duration::from_secs(40);

/// The event of a run. EventBridge's scheduled events have members of their own, which don't matter here.
#[derive(Debug, Deserialize)]
pub struct Run {
    /// Whether the stock is checked as well, for which all open orders are read, and put together where it was split
    /// for orders that have gone. `template.yaml` says how often.
    #[serde(default)]
    check_stock: bool,
    /// Whether orders whose keys have shards are written anew, and nothing else is done: for those who go back to a
    /// release that knows no shards (docs/scale.md).
    #[serde(default)]
    plain_keys: bool,
}

/// The function `reconcile-orders`.
pub struct ReconcileOrders(Reconciler);

impl Function for ReconcileOrders {
    const NAME: &'static str = "reconcile-orders";
    const VARIABLES: &'static [&'static str] = &[
        "ORDERS_TABLE",
        "STOCK_TABLE",
        "ORDER_STATE_MACHINE",
        "RETURN_STATE_MACHINE",
        "PAYMENT_WINDOW_STATE_MACHINE",
        "PAYMENT_WINDOW_SECONDS",
    ];
    const ACTIONS: &'static [&'static str] = &[
        "dynamodb:BatchGetItem",
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "dynamodb:UpdateItem",
        "states:DescribeExecution",
        "states:GetExecutionHistory",
        "states:RedriveExecution",
        "states:SendTaskFailure",
        "states:SendTaskSuccess",
        "states:StartExecution",
    ];

    type Event = Run;
    type Answer = Repaired;
    type Error = store::Error;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        let machine = environment.require("ORDER_STATE_MACHINE")?;
        Ok(Self(Reconciler::new(
            Orders::new(services, environment)?,
            Stock::new(services.dynamodb(), environment.require("STOCK_TABLE")?),
            Workflow::new(services.step_functions(), machine),
            ReturnWorkflow::new(services.step_functions(), environment.require("RETURN_STATE_MACHINE")?),
            PaymentWindows::new(services, environment)?,
            services.clock(),
            TimeDelta::seconds(environment.parse("PAYMENT_WINDOW_SECONDS")?),
        )))
    }

    async fn call(&self, run: Run) -> Result<Repaired, store::Error> {
        if run.plain_keys {
            return self.0.write_plainly().await;
        }
        let scope = if run.check_stock { Scope::OrdersAndStock } else { Scope::Orders };
        let found = self.0.examine(scope, LOOKS_FOR).await?;
        for finding in &found.findings {
            if finding.trouble == Trouble::StockUnowned {
                tracing::error!(finding.detail, "stock and orders don't go together");
            }
        }
        let repaired = self.0.repair(&found, REPAIRS_FOR).await;
        if run.check_stock {
            let together = self.0.put_quiet_places_together().await?;
            tracing::info!(together, "places in the stock are split no more");
        }
        tracing::info!(found = found.findings.len(), ?repaired, "reconciled");
        Ok(repaired)
    }
}
