//! Paying at a provider: the customer's page confirms the payment there, or the shop's server does it with a
//! method that the page has made.
//!
//! A payment's id is noted on the order before its secret is given to anybody, so that whoever undoes the order
//! knows which payment to void.

use chrono::{DateTime, Utc};
use omniflow_domain::order::PaymentState;
use omniflow_domain::payment_gateway::{AuthoriseError, Charge, OpenError, Opened};
use omniflow_domain::texts::decline_text;
use omniflow_domain::{Currency, Order, OrderId};
use omniflow_store as store;
use serde::Serialize;

use crate::decide::{decide, nothing_more};
use crate::keep::Key;
use crate::payment_method::Provider;
use crate::problem::{Kind, Problem};
use crate::refusals::refused as too_late;
use crate::request::Request;
use crate::response::Response;
use crate::view::Amount;
use crate::{Decisions, refused, unavailable};

/// What a page needs to have its customer confirm the payment.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "PaymentToConfirm"))]
pub(crate) struct PaymentToConfirm<'a> {
    order_id: &'a OrderId,
    /// Who holds and takes the money.
    provider: Provider,
    /// The id that the provider gave the payment; null with the simulated one, where nothing is confirmed.
    payment_id: Option<&'a str>,
    /// The secret with which the customer's page confirms this payment. It is for that page alone.
    client_secret: Option<&'a str>,
    /// The provider's key for pages.
    publishable_key: Option<&'a str>,
    amount: Amount,
    currency: Currency,
    /// The amount in the units that the provider counts in.
    amount_in_units: Option<u64>,
    /// The moment until which the customer may pay.
    deadline: Option<DateTime<Utc>>,
}

/// `POST /api/v1/orders/{order_id}/payment`
pub(crate) async fn open_payment(api: &Decisions, request: &Request) -> Result<Response, Problem> {
    let order = payable(api, request).await?;
    let (order, opened) = opened(api, request, order).await?;
    let of = |part: fn(&Opened) -> &str| opened.as_ref().map(part);
    let answer = PaymentToConfirm {
        order_id: order.id(),
        provider: api.provider,
        payment_id: of(|opened| &opened.payment),
        client_secret: of(|opened| opened.client_secret.reveal()),
        publishable_key: of(|opened| &opened.publishable_key),
        amount: Amount(order.amount()),
        currency: order.amount().currency(),
        amount_in_units: opened.as_ref().map(|opened| opened.units),
        deadline: order.deadline(),
    };
    Ok(Response::json(200, &serde_json::json!(answer)))
}

/// Pays at the provider: with the method, or, without one, if the customer's page has confirmed the payment.
pub(crate) async fn pay(
    api: &Decisions,
    request: &Request,
    key: Option<&Key>,
    method: Option<&str>,
) -> Result<Response, Problem> {
    let order = payable(api, request).await?;
    let (order, opened) = opened(api, request, order).await?;
    let charge = Charge { method, ..order.charge() };
    let held_by = match api.gateway.authorise(charge).await {
        Ok(held_by) => held_by,
        Err(error) => return Err(not_held(api, request, &order, opened.as_ref(), error)),
    };
    let now = api.now();
    let decision = |order: &mut Order| match order.payment().state {
        // The provider's word of this payment was faster.
        PaymentState::Authorised | PaymentState::Captured if order.check_not_undone().is_ok() => Ok(()),
        _ => {
            order.pay_at_provider(held_by.as_deref(), now)?;
            order.sign(request.caller.actor(), None);
            Ok(())
        }
    };
    let decided = decide(api, request, key, decision, nothing_more).await;
    if matches!(&decided, Err(problem) if problem.kind == Kind::WrongState) {
        // It was cancelled while the bank was asked. What is left is void when the provider sends word of it.
        if let Err(error) = api.gateway.refund(order.charge()).await {
            tracing::warn!(order_id = %order.id(), %error, "late money is left to the provider's word of it");
        }
    }
    decided
}

/// The order, if the caller sees it and it can be paid now.
async fn payable(api: &Decisions, request: &Request) -> Result<Order, Problem> {
    let id = request.order_id()?;
    let order = api.orders.get(&id).await.map_err(|error| refused(error, &request.caller))?;
    if !request.caller.sees(order.customer_id()) {
        return Err(unavailable(&store::Error::NoOrder(id)));
    }
    let payable = order.clone().pay("", api.now());
    payable.map_err(|refusal| too_late(&order, &refusal, request, api))?;
    Ok(order)
}

/// The order with its payment opened at the provider, if there is something to open there.
async fn opened(
    api: &Decisions,
    request: &Request,
    order: Order,
) -> Result<(Order, Option<Opened>), Problem> {
    let not_opened = |order: &Order, error: OpenError| match error {
        OpenError::Amount(why) => {
            Problem::new(Kind::BadRequest, format!("The payment provider does not take the amount: {why}"))
        }
        OpenError::Cancelled => cancelled(api, request, order),
        OpenError::Unavailable(error) => silent(order, &*error),
    };
    let first = api.gateway.open(order.charge()).await.map_err(|error| not_opened(&order, error))?;
    let Some(first) = first else { return Ok((order, None)) };
    let note = |order: &mut Order| order.note_payment(&first.payment).map_err(store::Error::from);
    let order = match api.orders.update(order.id(), note).await {
        Ok((order, ())) => order,
        Err(store::Error::Refused(refusal)) => return Err(too_late(&order, &refusal, request, api)),
        Err(error) => return Err(refused(error, &request.caller)),
    };
    if order.payment().provider_id.as_deref() == Some(first.payment.as_str()) {
        return Ok((order, Some(first)));
    }
    // Another call has opened another payment in between, and that one counts.
    let other = api.gateway.open(order.charge()).await.map_err(|error| not_opened(&order, error))?;
    Ok((order, other))
}

fn not_held(
    api: &Decisions,
    request: &Request,
    order: &Order,
    opened: Option<&Opened>,
    error: AuthoriseError,
) -> Problem {
    match error {
        AuthoriseError::Declined(decline) => {
            let text = decline_text(decline, request.language_of_problems());
            Problem::new(Kind::PaymentDeclined, text)
                .about(order, request, api.now())
                .with("reason", serde_json::json!(decline))
        }
        AuthoriseError::ActionRequired(opened) => to_confirm(api, request, order, &opened),
        AuthoriseError::Unconfirmed => match opened {
            Some(opened) => to_confirm(api, request, order, opened),
            None => silent(order, &AuthoriseError::Unconfirmed),
        },
        AuthoriseError::BadMethod(why) => {
            Problem::new(Kind::BadRequest, format!("The payment provider does not take this 'method': {why}"))
        }
        AuthoriseError::Cancelled => cancelled(api, request, order),
        AuthoriseError::Timeout => Problem::new(
            Kind::Unavailable,
            "The bank has not answered yet, and may hold the money already. Send the request again.",
        ),
        AuthoriseError::Unavailable(error) => silent(order, &*error),
    }
}

fn to_confirm(api: &Decisions, request: &Request, order: &Order, opened: &Opened) -> Problem {
    let detail = "The customer has to confirm the payment on a page: with the client secret, as their bank asks. The order is paid then by itself, if that is before the deadline.";
    Problem::new(Kind::PaymentActionRequired, detail)
        .about(order, request, api.now())
        .with("payment_id", opened.payment.as_str())
        .with("client_secret", opened.client_secret.reveal())
        .with("publishable_key", opened.publishable_key.as_str())
}

fn cancelled(api: &Decisions, request: &Request, order: &Order) -> Problem {
    let detail = "The payment was cancelled at the payment provider and can't be confirmed any more. Cancel the order and create it again.";
    Problem::new(Kind::WrongState, detail).about(order, request, api.now())
}

fn silent(order: &Order, error: &(dyn std::error::Error + 'static)) -> Problem {
    tracing::error!(order_id = %order.id(), error, "the payment provider does not answer");
    Problem::new(Kind::Unavailable, "The payment provider does not answer. Send the request again.")
}
