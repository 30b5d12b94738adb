//! What those who run the shop do with orders that need attention: they have the workflow go on, or say what
//! was done by hand.

use futures::future::join_all;
use omniflow_domain::order::{Contradiction, Resolution, SettledMoney, SettledStock};
use omniflow_domain::warehouse_link::LinkError;
use omniflow_domain::{Order, Refusal, Status};
use omniflow_links::Links;
use omniflow_store as store;
use omniflow_store::LowStock;
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
///
/// What is said is checked against the order, then against the payment gateway; and last the warehouses are asked to keep
/// what has not left, since that can't be taken back. Whatever is refused before has had no effect on them.
pub(crate) async fn resolve_order(
    api: &Decisions,
    links: &Links,
    low_stock: &LowStock,
    request: &Request,
) -> Result<Response, Problem> {
    let id = request.order_id()?;
    let key = Key::of(request, &format!("resolve#{id}"))?;
    if let Some(key) = &key
        && let Some(kept) = api.kept(key).await?
    {
        return Ok(kept);
    }
    let resolution = resolution(&request.json()?)?;
    let mut order = api.orders.get(&id).await.map_err(|error| refused(error, &request.caller))?;
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
        order = stop_shipments(api, links, order, &resolution, request).await?;
    }
    let held = api.stock.held_by(&order, resolution.stock).await.map_err(|error| unavailable(&error))?;
    let resolve = |order: &mut Order| order.resolve(resolution.clone(), request.caller.actor(), now);
    let stock = |before: &Order, after: &Order| {
        if before.status() == Status::NeedsAttention && before.shipments() != order.shipments() {
            // A step has asked a warehouse meanwhile, or has heard from one: the request must be sent again.
            return Err(store::Error::Conflict);
        }
        match before.reservation() == after.reservation() {
            true => Ok(Vec::new()),
            false => api.stock.settle(after, resolution.stock, &held),
        }
    };
    let response = decide(api, request, key.as_ref(), resolve, stock).await?;
    low_stock.look(order.items().iter().map(|item| item.product_id.as_str())).await;
    Ok(response)
}

/// Has the warehouses keep what has not left, and gives the order with what they say has left before.
///
/// # Errors
/// When goods have left that the resolution says have not, and when a warehouse does not answer whose goods are to be
/// ordered again.
async fn stop_shipments(
    api: &Decisions,
    links: &Links,
    order: Order,
    resolution: &Resolution,
    request: &Request,
) -> Result<Order, Problem> {
    let calls = order.open_shipments().map(async |shipment| {
        let link = links.to(&shipment.warehouse).await.map_err(|error| unavailable(&error))?;
        Ok((shipment.warehouse.clone(), link.call_back(&order, shipment).await))
    });
    let (mut gone, mut silent) = (Vec::new(), None);
    for answered in join_all(calls).await {
        match answered? {
            (_, Ok(())) => {}
            (warehouse, Err(LinkError::NotCancellable(_))) => gone.push(warehouse),
            (warehouse, Err(error)) => {
                tracing::error!(order_id = %order.id(), %error, "a warehouse does not say what has left");
                silent.get_or_insert(warehouse);
            }
        }
    }
    let order = if gone.is_empty() { order } else { note_gone(api, &order, &gone, request).await? };
    let now = api.now();
    let resolved = order.clone().resolve(resolution.clone(), request.caller.actor(), now);
    resolved.map_err(|refusal| refusals::refused(&order, &refusal, request, api))?;
    // Where nothing has left, all that is lost is written off, so that it makes no difference whether it leaves.
    let is_written_off = resolution.stock == SettledStock::Lost && order.open().shipments_out.is_empty();
    match silent.filter(|_| !is_written_off) {
        Some(warehouse) => Err(does_not_say(&warehouse, &order, request, api)),
        None => Ok(order),
    }
}

/// Writes on the order that goods have left which it took to be in these warehouses.
async fn note_gone(
    api: &Decisions,
    order: &Order,
    gone: &[String],
    request: &Request,
) -> Result<Order, Problem> {
    let note = |order: &mut Order| {
        if order.status() == Status::NeedsAttention {
            gone.iter().for_each(|warehouse| order.note_gone(warehouse));
        }
        Ok::<_, store::Error>(())
    };
    let noted = api.orders.update(order.id(), note).await;
    noted.map(|(order, ())| order).map_err(|error| refused(error, &request.caller))
}

fn does_not_say(warehouse: &str, order: &Order, request: &Request, api: &Decisions) -> Problem {
    let texts = [
        format!(
            "The warehouse {warehouse} does not say whether the goods have left. Send the request again later, or say LOST if they are not to be ordered again."
        ),
        format!("仓库 {warehouse} 未答复货物是否已发出。请稍后重新发送请求；若货物不再出售，请填写 LOST。"),
        format!(
            "Склад {warehouse} не отвечает, отправлены ли товары. Повторите запрос позже или укажите LOST, если продавать их больше не нужно."
        ),
    ];
    let problem = Problem::told(Kind::Unavailable, request.language_of_problems(), texts);
    problem.about(order, request, api.now()).with("open", facts(order))
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
