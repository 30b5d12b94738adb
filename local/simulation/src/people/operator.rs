//! The operator, who looks after the orders that need attention.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use crate::front::{Answer, Caller, Front, Request};
use crate::world::World;

/// How often the operator looks at the list.
const LOOK: Duration = Duration::from_secs(120);

/// Looks at the list of the orders that need attention, for ever.
pub async fn attend(front: Rc<Front>, world: Arc<World>) {
    let mut seen = BTreeSet::new();
    loop {
        sleep(LOOK).await;
        for order in in_need(&front).await {
            if !seen.insert(order.clone()) {
                continue;
            }
            world.note(&order, format_args!("the operator sees it in the list"));
        }
    }
}

/// The orders that an operator sees as needing attention; none when the list can't be had.
pub async fn in_need(front: &Front) -> Vec<String> {
    let request = Request {
        caller: Caller::Operator("operator"),
        method: "GET",
        path: "/api/v1/orders".to_owned(),
        query: "state=NEEDS_ATTENTION&limit=100",
        key: None,
        body: Value::Null,
    };
    match front.ask(&request).await {
        Answer::Http(200, list) => {
            let orders = list["orders"].as_array().into_iter().flatten();
            orders.filter_map(|order| order["order_id"].as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    }
}
