//! A payment, and its history, in an order's document.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use omniflow_domain::Currency;
use omniflow_domain::money::{self, Money};
use omniflow_domain::order::{Payment, PaymentEntry, PaymentNews, PaymentState, Unknown};
use omniflow_domain::payment_gateway::{Decline, Dispute};

use super::document::{Time, is_default};

#[derive(Serialize, Deserialize)]
pub(super) struct PaymentDocument<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<Cow<'a, str>>,
    state: PaymentState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deadline: Option<Time>,
    #[serde(default, skip_serializing_if = "is_default")]
    prepaid: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider_id: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    returned: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dispute: Option<Dispute>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    history: Vec<EntryOfPayment<'a>>,
    #[serde(flatten)]
    unknown: Cow<'a, Unknown>,
}

impl<'a> From<&'a Payment> for PaymentDocument<'a> {
    fn from(payment: &'a Payment) -> Self {
        Self {
            method: payment.method.as_deref().map(Cow::Borrowed),
            state: payment.state,
            deadline: payment.deadline.map(Time::Milliseconds),
            prepaid: payment.prepaid,
            provider_id: payment.provider_id.as_deref().map(Cow::Borrowed),
            returned: payment.returned.map(|returned| returned.to_string()),
            dispute: payment.dispute,
            history: payment.history.iter().map(EntryOfPayment::from).collect(),
            unknown: Cow::Borrowed(&payment.unknown),
        }
    }
}

impl PaymentDocument<'_> {
    /// The payment, with its amounts in this currency.
    pub(super) fn into_payment(self, currency: Currency) -> Result<Payment, money::Error> {
        let history = self.history.into_iter().map(|entry| entry.into_entry(currency));
        Ok(Payment {
            method: self.method.map(Cow::into_owned),
            state: self.state,
            deadline: self.deadline.map(DateTime::from),
            prepaid: self.prepaid,
            provider_id: self.provider_id.map(Cow::into_owned),
            returned: self.returned.map(|returned| Money::parse(&returned, currency)).transpose()?,
            dispute: self.dispute,
            history: history.collect::<Result<_, _>>()?,
            unknown: self.unknown.into_owned(),
        })
    }
}

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
