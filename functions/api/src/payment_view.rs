//! The payment of an order as the routes show it.

use chrono::{DateTime, Utc};
use omniflow_domain::Language;
use omniflow_domain::order::{Payment, PaymentNews, PaymentState};
use omniflow_domain::payment_gateway::Dispute;
use omniflow_domain::texts::{decline_text, news_text};
use serde::Serialize;

use crate::view::Amount;

/// The payment of an order.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Payment"))]
pub(crate) struct PaymentView<'a> {
    /// Null until the customer pays.
    method: Option<&'a str>,
    state: PaymentState,
    /// The moment until which the customer may pay; null when they need not, or not yet.
    deadline: Option<DateTime<Utc>>,
    /// The id that the payment provider gave the payment; only for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_id: Option<&'a str>,
    /// What was given back at the payment provider, past this system.
    #[serde(skip_serializing_if = "Option::is_none")]
    returned: Option<Amount>,
    /// How the dispute about the payment stands; only for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    dispute: Option<Dispute>,
    /// What became known of the money beside the states of the order, oldest first. Customers are told of
    /// attempts that were declined and of what was given back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    history: Vec<PaymentEntryView>,
}

/// What became known of an order's money.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "PaymentEntry"))]
struct PaymentEntryView {
    news: PaymentNews,
    /// The news as people read it.
    status: &'static str,
    at: DateTime<Utc>,
    /// The money that it is about, where that is not the whole price.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<Amount>,
    /// Why the bank declined, as people read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl<'a> PaymentView<'a> {
    pub(crate) fn of(payment: &'a Payment, for_operators: bool, language: Language) -> Self {
        let is_shown = |news: PaymentNews| for_operators || news.is_told() || news == PaymentNews::Declined;
        let history = payment.history.iter().filter(|entry| is_shown(entry.news));
        Self {
            method: payment.method.as_deref(),
            state: payment.state,
            deadline: payment.deadline,
            provider_id: payment.provider_id.as_deref().filter(|_| for_operators),
            returned: payment.returned.map(Amount),
            dispute: payment.dispute.filter(|_| for_operators),
            history: history
                .map(|entry| PaymentEntryView {
                    news: entry.news,
                    status: news_text(entry.news, language),
                    at: entry.at,
                    amount: entry.amount.map(Amount),
                    reason: entry.declined.map(|decline| decline_text(decline, language)),
                })
                .collect(),
        }
    }
}
