//! The answers of Stripe, as far as they are read (Stripe API Reference, "The PaymentIntent object", "The
//! Charge object", "The Refund object", "The Dispute object").

use std::collections::HashMap;

use omniflow_domain::payment_gateway::{ClientSecret, Decline, Dispute, MoneyAt, PaymentReport};
use omniflow_domain::{Currency, OrderId};
use serde::{Deserialize, Deserializer};

use crate::amount;
use crate::decline::reason;

/// A PaymentIntent, whose latest charge was asked for with it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Intent {
    pub(crate) id: String,
    pub(crate) status: Status,
    pub(crate) amount: u64,
    pub(crate) currency: String,
    #[serde(deserialize_with = "client_secret")]
    pub(crate) client_secret: ClientSecret,
    #[serde(default)]
    pub(crate) payment_method: Option<String>,
    #[serde(default)]
    pub(crate) metadata: HashMap<String, String>,
    #[serde(default)]
    pub(crate) cancellation_reason: Option<String>,
    #[serde(default)]
    pub(crate) last_payment_error: Option<Problem>,
    #[serde(default, deserialize_with = "expanded")]
    pub(crate) latest_charge: Option<Charge>,
}

fn client_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ClientSecret, D::Error> {
    String::deserialize(deserializer).map(ClientSecret::new)
}

/// The status of a PaymentIntent (Stripe documentation, "How PaymentIntents and SetupIntents work").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    RequiresPaymentMethod,
    RequiresConfirmation,
    RequiresAction,
    Processing,
    RequiresCapture,
    Succeeded,
    Canceled,
}

/// A charge. Where it was not asked for with its intent, only its id comes, and is passed over.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Charge {
    #[serde(default)]
    pub(crate) amount_refunded: u64,
    #[serde(default)]
    pub(crate) refunded: bool,
    #[serde(default)]
    pub(crate) disputed: bool,
}

fn expanded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Charge>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum IdOrCharge {
        Id(#[allow(dead_code, reason = "an id is passed over")] String),
        Charge(Charge),
        Nothing(()),
    }
    Ok(match IdOrCharge::deserialize(deserializer)? {
        IdOrCharge::Charge(charge) => Some(charge),
        IdOrCharge::Id(_) | IdOrCharge::Nothing(()) => None,
    })
}

/// What went wrong, as Stripe tells (Stripe API Reference, "Errors").
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Problem {
    #[serde(rename = "type", default)]
    pub(crate) kind: Option<String>,
    #[serde(default)]
    pub(crate) code: Option<String>,
    #[serde(default)]
    pub(crate) decline_code: Option<String>,
    #[serde(default)]
    pub(crate) message: Option<String>,
    #[serde(default)]
    pub(crate) param: Option<String>,
}

impl Problem {
    pub(crate) fn decline(&self) -> Decline {
        let code = self.decline_code.as_deref().or(self.code.as_deref());
        code.map_or(Decline::Refused, reason)
    }
}

/// A list of objects, whose first page holds all that are wanted here.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct List<T> {
    pub(crate) data: Vec<T>,
}

/// A refund.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Refund {
    /// It can't be told for some ways to pay.
    #[serde(default)]
    pub(crate) status: Option<String>,
    #[serde(default)]
    pub(crate) metadata: HashMap<String, String>,
}

impl Refund {
    /// Whether it is for this purpose of this system's.
    pub(crate) fn is_for(&self, purpose: &str) -> bool {
        self.metadata.get("purpose").is_some_and(|known| known == purpose)
    }

    /// Whether the money stays with the shop nevertheless.
    pub(crate) fn failed(&self) -> bool {
        matches!(self.status.as_deref(), Some("failed" | "canceled"))
    }
}

/// A dispute.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct DisputeObject {
    pub(crate) status: String,
}

impl Intent {
    /// The order that the payment was opened for.
    pub(crate) fn order(&self) -> Option<OrderId> {
        OrderId::parse(self.metadata.get("order_id")?).ok()
    }

    /// The number of attempts to confirm it that this system has made.
    pub(crate) fn attempts(&self) -> u32 {
        self.metadata.get("attempt").and_then(|number| number.parse().ok()).unwrap_or_default()
    }

    /// Why the last attempt failed.
    pub(crate) fn declined(&self) -> Option<Decline> {
        self.last_payment_error.as_ref().map(Problem::decline)
    }

    /// Whether it was cancelled because the bank's hold has run out (Stripe documentation, "Place a hold on a
    /// payment method").
    pub(crate) fn has_expired(&self) -> bool {
        matches!(self.cancellation_reason.as_deref(), Some("automatic" | "expired"))
    }

    pub(crate) fn is_returned(&self) -> bool {
        self.latest_charge
            .as_ref()
            .is_some_and(|charge| charge.refunded || charge.amount_refunded >= self.amount)
    }

    /// What it says of the order's money, with how disputes about it stand.
    pub(crate) fn report(&self, disputes: &[DisputeObject]) -> PaymentReport {
        let money = match self.status {
            Status::RequiresCapture => MoneyAt::Held,
            Status::Succeeded if self.is_returned() => MoneyAt::Returned,
            Status::Succeeded => MoneyAt::Shop,
            _ => MoneyAt::Customer,
        };
        let returned =
            self.latest_charge.as_ref().map(|charge| charge.amount_refunded).filter(|units| *units > 0);
        let currency: Option<Currency> = self.currency.to_ascii_uppercase().parse().ok();
        PaymentReport {
            money,
            method: self.payment_method.clone(),
            returned: returned.zip(currency).and_then(|(units, currency)| amount::money(units, currency)),
            dispute: dispute(disputes),
            declined: self.declined(),
            cancelled: self.status == Status::Canceled,
        }
    }
}

/// How disputes stand: one that is open counts most, then one that was lost.
fn dispute(disputes: &[DisputeObject]) -> Option<Dispute> {
    let each = disputes.iter().map(|dispute| match dispute.status.as_str() {
        "lost" => Dispute::Lost,
        // A bank's question that led to no dispute.
        "won" | "warning_closed" | "prevented" => Dispute::Won,
        _ => Dispute::Open,
    });
    each.min_by_key(|dispute| match dispute {
        Dispute::Open => 0,
        Dispute::Lost => 1,
        Dispute::Won => 2,
    })
}
