//! The calls that move stock, and list what was moved.

use std::time::Duration;

use omniflow_domain::Language;
use omniflow_domain::movement::{Impossible, MOST_PIECES, MovementKind};
use omniflow_domain::order::Actor;
use omniflow_domain::warehouse;
use omniflow_store as store;
use omniflow_store::movements::{Movement, NotMoved, RANDOM_BELOW, Wanted, new_id};
use serde::Serialize;
use serde_json::{Value, json};

use crate::admin::{Admin, limit, of_path, product_of_path};
use crate::create::text;
use crate::keep::Key;
use crate::problem::{Kind, Problem};
use crate::request::Request;
use crate::response::Response;
use crate::unavailable;
use crate::whole::{as_written, whole};

/// The largest number of movements on a page.
pub(crate) const MOST: usize = 100;
/// How often a movement is planned anew. Each time but the last an order or another movement came first.
const ATTEMPTS: u64 = 20;

/// A movement of the pieces of one product in one warehouse.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Movement"))]
pub(crate) struct MovementView<'a> {
    /// The id; both sides of a transfer have the same.
    movement_id: &'a str,
    product_id: &'a str,
    warehouse: &'a str,
    kind: MovementKind,
    /// The number of pieces that was given with it.
    quantity: i64,
    /// The number by which the available pieces changed.
    change: i64,
    reason: &'a str,
    /// A delivery note, an invoice, a count sheet; left out when none was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    /// The warehouse that the pieces went to; left out but for the beginning of a transfer.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    /// The warehouse that the pieces came from; left out but for the end of a transfer.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    by: &'a Actor,
    at: chrono::DateTime<chrono::Utc>,
    /// The pieces that were available after it.
    available: u32,
    /// The pieces that were set aside for orders then.
    reserved: u32,
}

impl<'a> MovementView<'a> {
    fn of(movement: &'a Movement, product_id: &'a str, warehouse: &'a str) -> Self {
        Self {
            movement_id: &movement.movement_id,
            product_id,
            warehouse,
            kind: movement.kind,
            quantity: movement.quantity,
            change: movement.change,
            reason: &movement.reason,
            reference: movement.reference.as_deref(),
            to: movement.to.as_deref(),
            from: movement.from.as_deref(),
            by: &movement.by,
            at: movement.at,
            available: movement.available,
            reserved: movement.reserved,
        }
    }
}

/// A page of the movements of a product in a warehouse.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct MovementList<'a> {
    /// The movements, newest first.
    movements: Vec<MovementView<'a>>,
    /// The `next` to ask for the following page with; null on the last page.
    next: Option<&'a str>,
}

/// `POST /api/v1/stock/{product}/{warehouse}/movements`
pub(crate) async fn move_stock(admin: &Admin, request: &Request) -> Result<Response, Problem> {
    let product = product_of_path(admin, request).await?;
    let warehouse = of_path(request, "warehouse");
    check_warehouse(warehouse)?;
    let key = Key::of(request, &format!("move#{}/{warehouse}", product.product_id))?;
    if let Some(key) = &key
        && let Some(kept) = admin.answers.kept(key).await?
    {
        return Ok(kept);
    }
    let wanted = wanted(admin, request, product.product_id, warehouse)?;
    let answer = |movement: &Movement| {
        json!(MovementView::of(movement, &wanted.product_id, &wanted.warehouse)).to_string()
    };
    for attempt in 0..ATTEMPTS {
        let plan =
            admin.movements.plan(&wanted).await.map_err(|refused| not_moved(refused, &wanted, request))?;
        let body = answer(&plan.movement);
        let mut writes = plan.writes;
        if let Some(key) = &key {
            writes.push(admin.answers.keep(key, 201, &body)?);
        }
        match admin.movements.make(writes).await {
            Ok(()) => {
                admin.low_stock.look([wanted.product_id.as_str()]).await;
                return Ok(Response::text(201, body));
            }
            Err(store::Error::Conflict | store::Error::Contention) => {}
            Err(error) => return Err(unavailable(&error)),
        }
        // What was in the way may be this very movement, sent twice, or the same request at the same moment.
        if let Some(made) = admin.movements.made(&wanted).await.map_err(|error| unavailable(&error))? {
            admin.low_stock.look([wanted.product_id.as_str()]).await;
            return Ok(Response::text(201, answer(&made)));
        }
        if let Some(key) = &key
            && let Some(kept) = admin.answers.kept(key).await?
        {
            return Ok(kept);
        }
        tokio::time::sleep(Duration::from_millis(attempt)).await;
    }
    Err(unavailable(&store::Error::Contention))
}

/// `GET /api/v1/stock/{product}/{warehouse}/movements?limit=&next=`
pub(crate) async fn list_movements(admin: &Admin, request: &Request) -> Result<Response, Problem> {
    let limit = limit(request, MOST)?;
    let product = product_of_path(admin, request).await?.product_id;
    let warehouse = of_path(request, "warehouse");
    check_warehouse(warehouse)?;
    let after = request.query("next").filter(|next| !next.is_empty());
    let page =
        admin.movements.list(&product, warehouse, limit, after).await.map_err(|error| unavailable(&error))?;
    let movements =
        page.movements.iter().map(|movement| MovementView::of(movement, &product, warehouse)).collect();
    let list = MovementList { movements, next: page.next.as_deref() };
    Ok(Response::json_unless_known(request, &json!(list)))
}

fn bad(detail: String) -> Problem {
    Problem::new(Kind::BadRequest, detail)
}

fn check_warehouse(id: &str) -> Result<(), Problem> {
    warehouse::check_id(id).map_err(|error| bad(format!("'{id}' can't be a warehouse: {error}.")))
}

fn wanted(admin: &Admin, request: &Request, product_id: String, warehouse: &str) -> Result<Wanted, Problem> {
    let (body, written) = request.json_and_as_written()?;
    let kinds = MovementKind::ASKED.map(MovementKind::name).join(", ");
    let kind = body["kind"].as_str().and_then(MovementKind::parse);
    let kind = kind.ok_or_else(|| bad(format!("'kind' must be one of {kinds}, not {}.", body["kind"])))?;
    let quantity = pieces(&body["quantity"], &written["quantity"]);
    let quantity = quantity.filter(|quantity| kind.takes(*quantity)).ok_or_else(|| {
        let needed = match kind {
            MovementKind::Receive | MovementKind::Transfer | MovementKind::Return => "a whole number over 0",
            MovementKind::Adjust => "a whole number other than 0, with a minus for fewer pieces",
            MovementKind::Count => "the whole number of pieces on the shelf, with those that are set aside",
        };
        bad(format!(
            "'quantity' must be {needed} for '{}', and at most {MOST_PIECES}, not {}.",
            kind.name(),
            as_written(&body["quantity"], &written["quantity"])
        ))
    })?;
    let reason =
        text("reason", &body["reason"])?.ok_or_else(|| bad("'reason' is missing: say why.".to_owned()))?;
    let to = text("to", &body["to"])?;
    match (kind, &to) {
        (MovementKind::Transfer, Some(to)) if to == warehouse => {
            return Err(bad("'to' must be another warehouse.".to_owned()));
        }
        (MovementKind::Transfer, Some(to)) => check_warehouse(to)?,
        (MovementKind::Transfer, None) => {
            return Err(bad("'to' is missing: say which warehouse the pieces go to.".to_owned()));
        }
        (_, Some(_)) => return Err(bad(format!("'to' is for a transfer, not for '{}'.", kind.name()))),
        (_, None) => {}
    }
    let now = admin.now();
    Ok(Wanted {
        id: new_id(now, admin.randomness.below(RANDOM_BELOW)),
        kind,
        product_id,
        warehouse: warehouse.to_owned(),
        quantity,
        reason,
        reference: text("reference", &body["reference"])?,
        to,
        by: request.caller.actor(),
        at: now,
    })
}

/// A whole number of pieces, which may be negative.
fn pieces(value: &Value, written: &Value) -> Option<i64> {
    whole(value, written).filter(|number| number.unsigned_abs() <= u64::from(MOST_PIECES))
}

/// The problem of a movement that was not made.
pub(crate) fn not_moved(refused: NotMoved, wanted: &Wanted, request: &Request) -> Problem {
    match refused {
        NotMoved::Impossible { warehouse, why } => {
            impossible(&wanted.product_id, &warehouse, why, request.language_of_problems())
        }
        NotMoved::Store(error) => unavailable(&error),
    }
}

fn impossible(product: &str, warehouse: &str, why: Impossible, language: Language) -> Problem {
    match why {
        Impossible::TooFew { shelf, wanted } => {
            let (available, reserved) = (shelf.available, shelf.reserved);
            Problem::told(Kind::NotEnoughStock, language, [
                format!("Of '{product}' in {warehouse}, {available} pieces are available and {reserved} are set aside for orders; this would take {wanted} of those that are available. Take fewer, or cancel orders first."),
                format!("'{product}' 在 {warehouse} 的可用库存为 {available} 件，另有 {reserved} 件已为订单锁定；此操作需扣减可用库存 {wanted} 件。请减少数量，或先取消订单。"),
                format!("Товара '{product}' на складе {warehouse} доступно {available} шт., ещё {reserved} зарезервировано для заказов; эта операция взяла бы {wanted} из доступных. Возьмите меньше или сначала отмените заказы."),
            ])
            .with("available", available)
            .with("reserved", reserved)
            .with("wanted", wanted)
        }
        Impossible::TooMany => Problem::told(
            Kind::NotEnoughStock,
            language,
            [
                format!(
                    "There would be more than {MOST_PIECES} pieces of '{product}' in {warehouse}. Correct the quantity."
                ),
                format!("'{product}' 在 {warehouse} 的数量将超过 {MOST_PIECES} 件。请更正数量。"),
                format!(
                    "Товара '{product}' на складе {warehouse} стало бы больше {MOST_PIECES} шт. Исправьте количество."
                ),
            ],
        ),
    }
}
