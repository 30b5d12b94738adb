//! The calls about returns: customers ask for them, and those who run the shop decide and take the goods in.

pub(crate) mod open;
mod refusals;

use aws_sdk_dynamodb::types::TransactWriteItem;
use omniflow_domain::allocation::Line;
use omniflow_domain::order::returns::{Asked, MOST_LINES, ReceivedLine};
use omniflow_domain::{Order, Refusal};
use omniflow_store as store;
use omniflow_store::Decided;
use omniflow_store::movements::{Arrival, NotMoved, RANDOM_BELOW, new_id};
use serde_json::{Value, json};

use crate::admin::{Admin, of_path};
use crate::create::{MOST_OF_ONE, text};
use crate::decide::note;
use crate::keep::Key;
use crate::problem::{Kind, Problem};
use crate::request::Request;
use crate::response::Response;
use crate::return_view::{ReturnList, ReturnView};
use crate::whole::{as_written, whole};
use crate::{refused, unavailable};

/// The largest number of products in a request.
pub(crate) const MOST: usize = MOST_LINES;

/// `GET /api/v1/orders/{order_id}/returns`
pub(crate) async fn list_returns(admin: &Admin, request: &Request) -> Result<Response, Problem> {
    let order = order(admin, request).await?;
    let (for_operators, language) = (request.caller.is_operator(), request.language());
    let views = order.returns().iter().map(|it| ReturnView::of(it, for_operators, language));
    let list = ReturnList {
        returns: views.collect(),
        returnable: order.returnable(),
        until: order.returns_until(&admin.terms),
    };
    Ok(Response::json(200, &json!(list)))
}

/// `GET /api/v1/orders/{order_id}/returns/{number}`
pub(crate) async fn read_return(admin: &Admin, request: &Request) -> Result<Response, Problem> {
    let number = number(request)?;
    let order = order(admin, request).await?;
    let it = order.return_of(number).map_err(|_| unknown(request))?;
    Ok(Response::json(200, &json!(ReturnView::of(it, request.caller.is_operator(), request.language()))))
}

/// `POST /api/v1/orders/{order_id}/returns`
pub(crate) async fn request_return(admin: &Admin, request: &Request) -> Result<Response, Problem> {
    let key = Key::of(request, &format!("return#{}", request.order_id()?))?;
    if let Some(kept) = kept(admin, key.as_ref()).await? {
        return Ok(kept);
    }
    let (body, written) = request.json_and_as_written()?;
    let lines = items(&body["items"], &written["items"], &["quantity"])?;
    let lines = lines.into_iter().map(|(product_id, [quantity])| Line { product_id, quantity });
    let lines: Vec<_> = lines.collect();
    if lines.iter().any(|line| line.quantity == 0) {
        return Err(bad("'quantity' must be over 0: leave out what is not returned."));
    }
    let reason = text("reason", &body["reason"])?.ok_or_else(|| bad("'reason' is missing: say why."))?;
    let asked = Asked { lines, reason };
    let now = admin.now();
    let ask = |order: &mut Order| order.request_return(&asked, &admin.terms, request.caller.actor(), now);
    decide(admin, request, key.as_ref(), 201, ask, None).await
}

/// `POST /api/v1/orders/{order_id}/returns/{number}/audit`
pub(crate) async fn audit_return(admin: &Admin, request: &Request) -> Result<Response, Problem> {
    let number = number(request)?;
    let key = Key::of(request, &format!("audit-return#{}#{number}", request.order_id()?))?;
    if let Some(kept) = kept(admin, key.as_ref()).await? {
        return Ok(kept);
    }
    let body = request.json()?;
    let approve = match body["action"].as_str() {
        Some("APPROVE") => true,
        Some("REJECT") => false,
        _ => return Err(bad("'action' must be \"APPROVE\" or \"REJECT\".")),
    };
    let note = note(&body["note"])?;
    let now = admin.now();
    let review = |order: &mut Order| {
        order.review_return(number, approve, request.caller.actor(), note.clone(), now)?;
        Ok(number)
    };
    decide(admin, request, key.as_ref(), 200, review, None).await
}

/// `POST /api/v1/orders/{order_id}/returns/{number}/received`
pub(crate) async fn receive_return(admin: &Admin, request: &Request) -> Result<Response, Problem> {
    let number = number(request)?;
    let key = Key::of(request, &format!("receive-return#{}#{number}", request.order_id()?))?;
    if let Some(kept) = kept(admin, key.as_ref()).await? {
        return Ok(kept);
    }
    let (body, written) = request.json_and_as_written()?;
    let lines = items(&body["items"], &written["items"], &["restock", "write_off"])?;
    let received = lines.into_iter().map(|(product_id, pieces)| {
        let [restock, write_off] = pieces;
        ReceivedLine { product_id, restock, write_off }
    });
    let received: Vec<_> = received.collect();
    let now = admin.now();
    let receive = |order: &mut Order| {
        order.receive_return(number, &received, request.caller.actor(), now)?;
        Ok(number)
    };
    let movement = new_id(now, admin.randomness.below(RANDOM_BELOW));
    let response = decide(admin, request, key.as_ref(), 200, receive, Some(&movement)).await?;
    let restocked = received.iter().filter(|line| line.restock > 0);
    admin.low_stock.look(restocked.map(|line| line.product_id.as_str())).await;
    Ok(response)
}

/// `POST /api/v1/orders/{order_id}/returns/{number}/retry`
pub(crate) async fn retry_return(admin: &Admin, request: &Request) -> Result<Response, Problem> {
    let number = number(request)?;
    let key = Key::of(request, &format!("retry-return#{}#{number}", request.order_id()?))?;
    if let Some(kept) = kept(admin, key.as_ref()).await? {
        return Ok(kept);
    }
    let note = note(&request.optional_json()?["note"])?;
    let now = admin.now();
    let retry = |order: &mut Order| {
        order.retry_return(number, request.caller.actor(), note.clone(), now)?;
        Ok(number)
    };
    decide(admin, request, key.as_ref(), 200, retry, None).await
}

/// `POST /api/v1/orders/{order_id}/returns/{number}/resolve`
pub(crate) async fn resolve_return(admin: &Admin, request: &Request) -> Result<Response, Problem> {
    let number = number(request)?;
    let key = Key::of(request, &format!("resolve-return#{}#{number}", request.order_id()?))?;
    if let Some(kept) = kept(admin, key.as_ref()).await? {
        return Ok(kept);
    }
    let note = note(&request.json()?["note"])?.filter(|note| !note.is_empty());
    let note = note.ok_or_else(|| bad("'note' must say how the money was given back, and why so."))?;
    let now = admin.now();
    let resolve = |order: &mut Order| {
        order.resolve_return(number, request.caller.actor(), note.clone(), now)?;
        Ok(number)
    };
    decide(admin, request, key.as_ref(), 200, resolve, None).await
}

/// The reason why nothing was decided.
enum Undecided {
    Problem(Problem),
    Store(store::Error),
}

impl From<store::Error> for Undecided {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<Problem> for Undecided {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// Makes a decision about the return whose number it gives, writes it with the order, and with the goods that come back by
/// the movement of this id, if they do, and tells the return's workflow. The same request with the same key may have
/// been made at the same moment and been faster; then its answer is this one's, too.
async fn decide(
    admin: &Admin,
    request: &Request,
    key: Option<&Key>,
    status: u16,
    decision: impl Fn(&mut Order) -> Result<u32, Refusal>,
    movement: Option<&str>,
) -> Result<Response, Problem> {
    let id = request.order_id()?;
    let decision = &decision;
    let decided = |mut order: Order| async move {
        if !request.caller.sees(order.customer_id()) {
            return Err(unavailable(&store::Error::NoOrder(order.id().clone())).into());
        }
        let before = order.clone();
        let refused = |refusal: Refusal| refusals::refused(&before, &refusal, request, admin.now());
        let number = decision(&mut order).map_err(refused)?;
        let it = order.return_of(number).map_err(|refusal| refused(refusal.into()))?;
        let answer = json!(ReturnView::of(it, request.caller.is_operator(), request.language())).to_string();
        let mut with: Vec<TransactWriteItem> =
            key.map(|key| admin.answers.keep(key, status, &answer)).transpose()?.into_iter().collect();
        if let Some(movement) = movement {
            let (by, at) = (request.caller.actor(), admin.now());
            let arrival = Arrival { order: order.id(), returned: it, id: movement, by: &by, at };
            let back = admin.movements.of_return(&arrival).await;
            with.extend(back.map_err(|error| match error {
                NotMoved::Store(error) => Undecided::Store(error),
                NotMoved::Impossible { warehouse, why } => {
                    Problem::new(Kind::NotEnoughStock, format!("In {warehouse}: {why}.")).into()
                }
            })?);
        }
        Ok::<_, Undecided>(Decided { order, answer, with })
    };
    match admin.orders.update_with(&id, |order| decision(&mut order.clone()).is_ok(), decided).await {
        Ok((order, answer)) => {
            if let Err(error) = admin.returns.tell(&admin.orders, &order, admin.now()).await {
                tracing::warn!(order_id = %order.id(), %error, "left to the sweeper");
            }
            Ok(Response::text(status, answer))
        }
        Err(Undecided::Problem(problem)) => match key {
            Some(key) if problem.kind.status() == 409 => admin.answers.kept(key).await?.ok_or(problem),
            Some(_) | None => Err(problem),
        },
        Err(Undecided::Store(error)) => match (key, &error) {
            // The same request may have kept its answer at the same moment, again and again in the way of this one.
            (Some(key), store::Error::Contention) => {
                let kept = admin.answers.kept(key).await?;
                kept.ok_or_else(|| refused(error, &request.caller))
            }
            _ => Err(refused(error, &request.caller)),
        },
    }
}

async fn kept(admin: &Admin, key: Option<&Key>) -> Result<Option<Response>, Problem> {
    match key {
        Some(key) => admin.answers.kept(key).await,
        None => Ok(None),
    }
}

/// The order that the path names, if the caller may see it.
async fn order(admin: &Admin, request: &Request) -> Result<Order, Problem> {
    let id = request.order_id()?;
    let order = admin.orders.get(&id).await.map_err(|error| refused(error, &request.caller))?;
    match request.caller.sees(order.customer_id()) {
        true => Ok(order),
        false => Err(unavailable(&store::Error::NoOrder(id))),
    }
}

fn number(request: &Request) -> Result<u32, Problem> {
    of_path(request, "number").parse().map_err(|_| unknown(request))
}

fn unknown(request: &Request) -> Problem {
    refusals::unknown(of_path(request, "number"), request)
}

fn bad(detail: &str) -> Problem {
    Problem::new(Kind::BadRequest, detail)
}

/// The products of a request, each once with the sums of the numbers of these names, which are 0 where they are left out.
/// `written` is the same value with numbers as the texts that they were written as.
fn items<const N: usize>(
    given: &Value,
    written: &Value,
    names: &[&str; N],
) -> Result<Vec<(String, [u32; N])>, Problem> {
    let given = given.as_array().filter(|items| (1..=MOST).contains(&items.len()));
    let given = given.ok_or_else(|| {
        bad(&format!(
            "'items' must be a list of 1 to {MOST} products, such as {{\"product_id\": \"teapot\", \"{}\": 1}}.",
            names[0]
        ))
    })?;
    let mut items: Vec<(String, [u32; N])> = Vec::new();
    for (place, item) in given.iter().enumerate() {
        let product = text("product_id", &item["product_id"])?
            .ok_or_else(|| bad("Each item must have a 'product_id', as the order's items have it."))?;
        let mut numbers = [0; N];
        for (number, name) in numbers.iter_mut().zip(names) {
            *number = match &item[*name] {
                Value::Null => 0,
                value => whole(value, &written[place][*name])
                    .filter(|number| *number <= MOST_OF_ONE.into())
                    .and_then(|number| u32::try_from(number).ok())
                    .ok_or_else(|| {
                        bad(&format!(
                            "'{name}' must be a whole number from 0 to {MOST_OF_ONE}, not {}.",
                            as_written(value, &written[place][*name])
                        ))
                    })?,
            };
        }
        match items.iter_mut().find(|(known, _)| *known == product) {
            Some((_, sums)) => {
                for (sum, number) in sums.iter_mut().zip(numbers) {
                    *sum = sum.saturating_add(number);
                }
            }
            None => items.push((product, numbers)),
        }
    }
    Ok(items)
}
