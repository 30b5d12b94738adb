//! The decisions that people make: they pay, review and cancel orders. Each is one conditional write; one
//! that comes too late is answered with 409 and the status of the order.

use std::future::ready;

use aws_sdk_dynamodb::types::TransactWriteItem;
use omniflow_domain::{Order, Refusal};
use omniflow_store as store;
use omniflow_store::Decided;
use serde_json::Value;

use crate::keep::Key;
use crate::payment_method::Provider;
use crate::problem::{Kind, Problem};
use crate::request::Request;
use crate::response::Response;
use crate::{Decisions, at_provider, refusals, refused, unavailable, view};

/// The length of the longest note of a reviewer, in characters.
pub(crate) const LONGEST_NOTE: usize = 1000;

pub(crate) async fn pay_order(api: &Decisions, request: &Request) -> Result<Response, Problem> {
    let body = request.optional_json()?;
    let method = match &body["method"] {
        Value::Null => api.provider.default_method().map(str::to_owned),
        Value::String(method) => Some(api.provider.check_method(method)?),
        other => {
            return Err(Problem::new(Kind::BadRequest, format!("'method' must be a text, not {other}.")));
        }
    };
    let scope = format!("pay#{}", request.order_id()?);
    let key = Key::of(request, &scope)?;
    if let Some(key) = &key
        && let Some(kept) = api.kept(key).await?
    {
        return Ok(kept);
    }
    let now = api.now();
    match (api.provider, &method) {
        (Provider::Simulated, Some(method)) => {
            let pay = |order: &mut Order| {
                order.pay(method, now)?;
                order.sign(request.caller.actor(), None);
                Ok(())
            };
            decide(api, request, key.as_ref(), pay, nothing_more).await
        }
        _ => at_provider::pay(api, request, key.as_ref(), method.as_deref()).await,
    }
}

pub(crate) async fn audit_order(api: &Decisions, request: &Request) -> Result<Response, Problem> {
    let key = Key::of(request, &format!("audit#{}", request.order_id()?))?;
    if let Some(key) = &key
        && let Some(kept) = api.kept(key).await?
    {
        return Ok(kept);
    }
    let body = request.json()?;
    let approved = match body["action"].as_str() {
        Some("APPROVE") => true,
        Some("REJECT") => false,
        _ => return Err(Problem::new(Kind::BadRequest, "'action' must be \"APPROVE\" or \"REJECT\".")),
    };
    let note = note(&body["note"])?;
    let now = api.now();
    let review = |order: &mut Order| {
        if approved {
            order.check_reviewer(&request.caller.actor())?;
        }
        order.review(approved, note.clone(), now)?;
        order.sign_review(request.caller.actor());
        if !approved {
            order.sign(request.caller.actor(), None);
        }
        Ok(())
    };
    decide(api, request, key.as_ref(), review, nothing_more).await
}

pub(crate) fn note(given: &Value) -> Result<Option<String>, Problem> {
    match given {
        Value::Null => Ok(None),
        Value::String(note) if note.chars().count() <= LONGEST_NOTE && !has_control(note) => {
            Ok(Some(note.clone()))
        }
        _ => {
            let detail = format!(
                "'note' must be a text of at most {LONGEST_NOTE} characters, without control characters other than line breaks and tabs."
            );
            Err(Problem::new(Kind::BadRequest, detail))
        }
    }
}

/// Whether there is a control character in the text other than a tab and the ends of lines. A terminal or a
/// log obeys the others; a carriage return alone lets what follows overwrite the line.
fn has_control(text: &str) -> bool {
    text.replace("\r\n", "\n").contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t'))
}

pub(crate) async fn cancel_order(api: &Decisions, request: &Request) -> Result<Response, Problem> {
    let key = Key::of(request, &format!("cancel#{}", request.order_id()?))?;
    if let Some(key) = &key
        && let Some(kept) = api.kept(key).await?
    {
        return Ok(kept);
    }
    let now = api.now();
    let cancel = |order: &mut Order| {
        order.cancel(now)?;
        order.sign(request.caller.actor(), None);
        Ok(())
    };
    decide(api, request, key.as_ref(), cancel, nothing_more).await
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

/// For decisions that write nothing but the order.
pub(crate) fn nothing_more(_: &Order, _: &Order) -> Result<Vec<TransactWriteItem>, store::Error> {
    Ok(Vec::new())
}

/// Makes a decision, writes the order with what `more` gives for the order before and after it, and tells the
/// workflow. The same request with the same key may have been made at the same moment and been faster; then its
/// answer is this one's, too.
pub(crate) async fn decide(
    api: &Decisions,
    request: &Request,
    key: Option<&Key>,
    decision: impl Fn(&mut Order) -> Result<(), Refusal>,
    more: impl Fn(&Order, &Order) -> Result<Vec<TransactWriteItem>, store::Error>,
) -> Result<Response, Problem> {
    let id = request.order_id()?;
    let is_possible = |order: &Order| decision(&mut order.clone()).is_ok();
    let decided = |order: Order| {
        let before = order.clone();
        let decided = decided(api, request, key, &decision, order).map_err(Undecided::Problem);
        ready(decided.and_then(|mut decided| {
            decided.with.extend(more(&before, &decided.order)?);
            Ok(decided)
        }))
    };
    match api.orders.update_with(&id, is_possible, decided).await {
        Ok((order, body)) => {
            api.tell(&order).await;
            Ok(Response::text(200, body))
        }
        Err(Undecided::Problem(problem)) => match key {
            Some(key) if problem.kind == Kind::WrongState => api.kept(key).await?.ok_or(problem),
            Some(_) | None => Err(problem),
        },
        Err(Undecided::Store(error)) => Err(refused(error, &request.caller)),
    }
}

/// The order as the decision leaves it, the answer's body, and the write that keeps the answer for the key.
fn decided(
    api: &Decisions,
    request: &Request,
    key: Option<&Key>,
    decision: impl Fn(&mut Order) -> Result<(), Refusal>,
    mut order: Order,
) -> Result<Decided<String>, Problem> {
    if !request.caller.sees(order.customer_id()) {
        return Err(unavailable(&store::Error::NoOrder(order.id().clone())));
    }
    decision(&mut order).map_err(|refusal| refusals::refused(&order, &refusal, request, api))?;
    let answer = view::answer(&order, request, api.now())?;
    let keep = key.map(|key| api.answers.keep(key, 200, &answer)).transpose()?;
    Ok(Decided { order, answer, with: keep.into_iter().collect() })
}
