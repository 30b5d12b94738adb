//! What the payment gateway and the warehouses have done, as their ledger says.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::orders::{against_the_outside, has_ended};
use super::{Books, returns};
use crate::invariant::Invariant;

/// What the payment gateway did for an order.
#[derive(Debug, Clone, Default)]
pub struct Money {
    /// The money that it took, if it did.
    pub captured: Option<String>,
    /// How often it took money.
    pub captures: u32,
    /// How often it gave money back.
    pub refunds: u32,
    /// Whether all of it was given back past the shop, in the provider's dashboard.
    pub returned_by_hand: bool,
    /// What was given back so, in the smallest unit of the currency.
    pub by_hand: u64,
    /// What it gave back for each return, by its number, in the smallest unit of the currency.
    pub for_returns: BTreeMap<u32, u64>,
}

impl Money {
    /// Whether money was taken and not given back.
    pub fn is_taken(&self) -> bool {
        self.captures > self.refunds && !self.returned_by_hand
    }

    /// Whether money was taken that the shop has not given back, whatever was done past it.
    pub fn is_shops(&self) -> bool {
        self.captures > self.refunds
    }
}

/// What a warehouse did for an order.
#[derive(Debug, Clone, Copy, Default)]
pub struct Goods {
    /// How often parcels left.
    pub shipped: u32,
    /// Whether the parcel was called back, or forbidden to leave.
    pub is_called_back: bool,
}

impl Goods {
    /// Whether a parcel has left and was not called back.
    pub fn is_on_its_way(&self) -> bool {
        self.shipped > 0 && !self.is_called_back
    }
}

/// A fact that stands in the ledger from now on.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// The customer's bank holds the money since then.
    Held(DateTime<Utc>),
    /// The bank has let go of the money by itself.
    HoldExpired,
    /// Money was taken.
    Captured(String),
    /// Money was given back.
    Refunded,
    /// Money was given back past the shop, in the provider's dashboard: so many of the smallest unit of the currency.
    #[allow(missing_docs, reason = "the text says it")]
    ReturnedByHand { units: u64, is_all: bool },
    /// Money was given back for the return of this number.
    #[allow(missing_docs, reason = "the text says it")]
    RefundedForReturn { number: u32, units: u64 },
    /// A parcel has left this warehouse.
    Shipped(String),
    /// A parcel of this warehouse was called back.
    CalledBack(String),
}

impl Books {
    /// Notes that a fact stands in the ledger that did not before.
    pub fn noted(&mut self, id: &str, fact: &Fact) {
        self.captured += u64::from(matches!(fact, Fact::Captured(_)));
        let Some(entry) = self.orders.get_mut(id) else {
            return self.violated(
                Invariant::MoneyMatches,
                Some(id),
                format!("{fact:?}, and there is no such order"),
            );
        };
        let mut wrong = Vec::new();
        match fact {
            Fact::Held(since) => entry.held_since = Some(*since),
            Fact::HoldExpired => entry.held_since = None,
            Fact::Captured(amount) => {
                entry.money.captured = Some(amount.clone());
                entry.money.captures += 1;
                if entry.money.captures > 1 {
                    wrong.push((Invariant::EffectOnce, "its money was taken twice".to_owned()));
                }
                if *amount != entry.order.amount().to_string() {
                    let found = format!("it costs {}, and {amount} was taken", entry.order.amount());
                    wrong.push((Invariant::MoneyMatches, found));
                }
                if !entry.asked_to_pay {
                    let found = "money was taken, and the customer has not asked to pay".to_owned();
                    wrong.push((Invariant::MoneyAskedFor, found));
                }
                if has_ended(entry.order.status()) {
                    let found = format!("it is {}, and its money was taken after that", entry.order.status());
                    wrong.push((Invariant::NoLateCapture, found));
                }
            }
            Fact::Refunded => {
                entry.money.refunds += 1;
                if entry.money.refunds > 1 {
                    wrong.push((Invariant::EffectOnce, "its money was given back twice".to_owned()));
                }
            }
            Fact::ReturnedByHand { units, is_all } => {
                entry.money.by_hand += units;
                entry.money.returned_by_hand |= is_all;
            }
            Fact::RefundedForReturn { number, units } => {
                wrong.extend(returns::refunded(entry, *number, *units))
            }
            Fact::Shipped(warehouse) => {
                let goods = entry.goods.entry(warehouse.clone()).or_default();
                goods.shipped += 1;
                if goods.shipped > 1 {
                    wrong.push((Invariant::EffectOnce, format!("two parcels have left {warehouse}")));
                }
                if goods.is_called_back {
                    let found = format!("a parcel has left {warehouse} that had been called back");
                    wrong.push((Invariant::GoodsMatch, found));
                }
            }
            Fact::CalledBack(warehouse) => {
                entry.goods.entry(warehouse.clone()).or_default().is_called_back = true;
            }
        }
        if has_ended(entry.order.status()) {
            wrong.extend(against_the_outside(entry));
        }
        for (invariant, found) in wrong {
            self.violated(invariant, Some(id), found);
        }
    }
}
