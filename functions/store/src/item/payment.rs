//! The history of a payment in an order's document.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use omniflow_domain::Currency;
use omniflow_domain::money::{self, Money};
use omniflow_domain::order::{PaymentEntry, PaymentNews};
use omniflow_domain::payment_gateway::Decline;

/// An entry of the history, whose amount is in the currency of its order.
#[derive(Serialize, Deserialize)]
pub(super) struct EntryOfPayment<'a> {
    news: PaymentNews,
    #[serde(with = "chrono::serde::ts_milliseconds")]
    at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    amount: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    declined: Option<Decline>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event: Option<Cow<'a, str>>,
}

impl<'a> From<&'a PaymentEntry> for EntryOfPayment<'a> {
    fn from(entry: &'a PaymentEntry) -> Self {
        Self {
            news: entry.news,
            at: entry.at,
            amount: entry.amount.map(|amount| amount.to_string()),
            declined: entry.declined,
            event: entry.event.as_deref().map(Cow::Borrowed),
        }
    }
}

impl EntryOfPayment<'_> {
    /// The entry, with its amount in this currency.
    pub(super) fn into_entry(self, currency: Currency) -> Result<PaymentEntry, money::Error> {
        Ok(PaymentEntry {
            news: self.news,
            at: self.at,
            amount: self.amount.map(|amount| Money::parse(&amount, currency)).transpose()?,
            declined: self.declined,
            event: self.event.map(Cow::into_owned),
        })
    }
}
