//! What those who run the shop do with orders that need attention: they have the workflow go on, or say what
//! was done by hand.

use omniflow_domain::order::{Contradiction, Resolution, SettledMoney, SettledStock};
use omniflow_domain::{Order, Refusal, Status};
use serde_json::{Value, json};

use crate::decide::{decide, note};
use crate::keep::Key;
use crate::problem::{Kind, Problem};
use crate::request::Request;
use crate::response::Response;
use crate::{Decisions, refusals, refused, unavailable};

/// `POST /api/v1/orders/{order_id}/retry`
pub(crate) async fn retry_order(api: &Decisions, request: &Request) -> Result<Response, Problem> {
    let key = Key::of(request, &format!("retry#{}", request.order_id()?))?;
    if let Some(key) = &key
        && let Some(kept) = api.kept(key).await?
    {
        return Ok(kept);
    }
    let note = note(&request.optional_json()?["note"])?;
    let now = api.now();
    let retry = |order: &mut Order| order.retry(request.caller.actor(), note.clone(), now);
    decide(api, request, key.as_ref(), retry, |_, _| Ok(Vec::new())).await
}

/// `POST /api/v1/orders/{order_id}/resolve`
pub(crate) async fn resolve_order(api: &Decisions, request: &Request) -> Result<Response, Problem> {
    let id = request.order_id()?;
    let key = Key::of(request, &format!("resolve#{id}"))?;
    if let Some(key) = &key
        && let Some(kept) = api.kept(key).await?
    {
        return Ok(kept);
    }
    let resolution = resolution(&request.json()?)?;
    let order = api.orders.get(&id).await.map_err(|error| refused(error, &request.caller))?;
    let now = api.now();
    if order.status() == Status::NeedsAttention {
        let resolved = order.clone().resolve(resolution.clone(), request.caller.actor(), now);
        resolved.map_err(|refusal| refusals::refused(&order, &refusal, request, api))?;
        let known = match resolution.money {
            // A step of its workflow may be asking for the money at this moment, and must not get it any more.
            SettledMoney::None => api.gateway.void(order.charge()).await,
            SettledMoney::Refunded | SettledMoney::Kept => api.gateway.report(order.charge()).await,
        };
        let known = known.map_err(|error| {
            tracing::error!(order_id = %id, %error, "the payment gateway does not say where the money is");
            let detail = "The payment gateway does not say where the money is. Send the request again.";
            Problem::new(Kind::Unavailable, detail)
        })?;
        Order::check_money(resolution.money, known.money)
            .map_err(|contradiction| contradicted(&order, contradiction, request, api))?;
    }
    let held = api.stock.held_by(&order).await.map_err(|error| unavailable(&error))?;
    let resolve = |order: &mut Order| order.resolve(resolution.clone(), request.caller.actor(), now);
    let stock = |before: &Order, after: &Order| match before.reservation() == after.reservation() {
        true => Ok(Vec::new()),
        false => api.stock.settle(after, resolution.stock, &held),
    };
    decide(api, request, key.as_ref(), resolve, stock).await
}

fn contradicted(order: &Order, contradiction: Contradiction, request: &Request, api: &Decisions) -> Problem {
    refusals::refused(order, &Refusal::Contradiction(contradiction), request, api)
}

fn resolution(body: &Value) -> Result<Resolution, Problem> {
    let bad = |detail: &str| Problem::new(Kind::BadRequest, detail);
    let money = match body["money"].as_str() {
        Some("REFUNDED") => SettledMoney::Refunded,
        Some("KEPT") => SettledMoney::Kept,
        Some("NONE") => SettledMoney::None,
        _ => return Err(bad("'money' must be \"REFUNDED\", \"KEPT\" or \"NONE\".")),
    };
    let stock = match body["stock"].as_str() {
        Some("RELEASED") => SettledStock::Released,
        Some("SOLD") => SettledStock::Sold,
        Some("LOST") => SettledStock::Lost,
        _ => return Err(bad("'stock' must be \"RELEASED\", \"SOLD\" or \"LOST\".")),
    };
    let note = note(&body["note"])?.filter(|note| !note.is_empty());
    let note = note.ok_or_else(|| bad("'note' must say what was done and why."))?;
    Ok(Resolution { money, stock, note })
}

/// The facts about an order that needs attention, for problems that are about them.
pub(crate) fn facts(order: &Order) -> Value {
    let open = order.open();
    json!({ "money_taken": open.money_taken, "stock_held": open.stock_held, "shipments_out": open.shipments_out })
}
