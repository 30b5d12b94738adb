//! A return as the routes show it.

use chrono::{DateTime, Utc};
use omniflow_domain::order::Actor;
use omniflow_domain::order::returns::{Return, ReturnLine, ReturnState};
use omniflow_domain::texts::return_text;
use omniflow_domain::{Currency, Language};
use serde::Serialize;

use crate::view::Amount;

/// A return of some of an order's goods.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Return"))]
pub(crate) struct ReturnView<'a> {
    /// The number of the return among those of its order, from 1.
    #[serde(rename = "return")]
    number: u32,
    /// The state as people read it, in their language.
    status: &'static str,
    /// The state as programs read it.
    state: ReturnState,
    /// Why, in the customer's words; empty once the customer was forgotten.
    reason: &'a str,
    /// The goods, by the warehouse that they come back to.
    items: &'a [ReturnLine],
    /// The price of what was asked to be returned.
    value: Amount,
    /// What is given back; left out until the goods have come.
    #[serde(skip_serializing_if = "Option::is_none")]
    refund: Option<Amount>,
    currency: Currency,
    /// Each state that the return came to, oldest first.
    history: Vec<ReturnEntry<'a>>,
    /// What failed, while the return needs attention; only for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
}

/// A state of a return, and the moment at which it began.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ReturnEntry<'a> {
    state: ReturnState,
    /// The state as people read it.
    status: &'static str,
    at: DateTime<Utc>,
    /// Who brought it there; left out where its workflow did. Only for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a Actor>,
    /// What they wrote about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

/// The returns of an order.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ReturnList<'a> {
    /// The returns, oldest first.
    pub(crate) returns: Vec<ReturnView<'a>>,
    /// The pieces of each product that may still be returned.
    pub(crate) returnable: Vec<omniflow_domain::allocation::Line>,
    /// The moment until which they may be; null for an order that was not completed.
    pub(crate) until: Option<DateTime<Utc>>,
}

impl<'a> ReturnView<'a> {
    pub(crate) fn of(it: &'a Return, for_operators: bool, language: Language) -> Self {
        let failure = it.attention.as_ref().filter(|_| it.state == ReturnState::NeedsAttention);
        let entries = it.history.iter().map(|change| ReturnEntry {
            state: change.state,
            status: return_text(change.state, language),
            at: change.at,
            by: change.by.as_ref().filter(|_| for_operators),
            note: change.note.as_deref(),
        });
        Self {
            number: it.number,
            status: return_text(it.state, language),
            state: it.state,
            reason: &it.reason,
            items: &it.lines,
            value: Amount(it.value),
            refund: it.refund.map(Amount),
            currency: it.value.currency(),
            history: entries.collect(),
            failure: failure.filter(|_| for_operators).map(|attention| attention.failed.text()),
        }
    }
}
