//! The books: what the simulation knows of every order from watching the writes, the calls to the payment
//! gateway and the warehouses, the events, and the answers to customers. Each entry is checked against the
//! invariants when it is made.
//!
//! ```text
//!   writes of orders ────▶ orders ──┬─▶ stock     rows against what the orders say
//!   ledger entries ──────▶ outside ─┘             money and parcels against the orders
//!   events, messages ────▶ told
//!   answers ─────────────▶ promises
//! ```

mod orders;
mod outside;
mod returns;
mod stock;
mod told;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use chrono::{DateTime, Utc};
use omniflow_domain::{Order, OrderNumber, Status};

use crate::capacity::Times;
use crate::invariant::{Invariant, Violation};
pub use orders::is_settled;
pub use outside::{Fact, Goods, Money};
pub use returns::{Decision, Open, Returns, was_by_hand};
pub use stock::Place;
use stock::Stock;
pub use told::Mails;

/// How long an order lies at rest before it is checked and struck from the books, in milliseconds: longer
/// than anything that was begun for it can still be under way.
pub const AT_REST: u64 = 15 * 60 * 1000;

/// With which the outcome ends of an order that was ended by hand because of a disturbance.
pub const AFTER_A_DISTURBANCE: &str = " after a disturbance";

/// All that is known.
#[derive(Default)]
pub struct Books {
    orders: BTreeMap<String, Entry>,
    stock: Stock,
    /// The orders that were made under each idempotency key.
    keys: HashMap<String, String>,
    /// The orders that were given each number; those that were struck, too.
    numbers: HashMap<OrderNumber, String>,
    /// The orders that have ended, with the time at which they are to be checked.
    ended: VecDeque<(u64, String)>,
    violations: Vec<Violation>,
    /// How many orders have ended in each way: the status, and the reason if there is one.
    pub outcomes: BTreeMap<String, u64>,
    /// How many returns have ended in each way.
    pub returns: BTreeMap<&'static str, u64>,
    /// How long the orders took, if somebody wants to know.
    pub times: Option<Times>,
    /// The ids of the events that were among the dead letters, where operators saw them.
    pub dead_letters: BTreeSet<String>,
    /// How many orders were made.
    pub made: u64,
    /// How many writes of orders were watched.
    pub writes: u64,
    /// How often money was taken.
    pub captured: u64,
    /// How often orders came to need attention because of a disturbance.
    pub attention: u64,
    /// How often those did whose money was taken and not given back.
    pub attention_after_money: u64,
}

/// What is known of an order.
pub struct Entry {
    /// The order as it was last written.
    pub order: Order,
    /// When, in milliseconds since the beginning.
    pub written_at: u64,
    /// Whether the customer has asked to pay, whatever became of that.
    pub asked_to_pay: bool,
    /// The decisions that were answered with 2xx.
    pub promises: Vec<Promise>,
    /// What the payment gateway did.
    pub money: Money,
    /// Since when the customer's bank holds the money, as long as it did not let go of it by itself.
    pub held_since: Option<DateTime<Utc>>,
    /// What each warehouse did.
    pub goods: BTreeMap<String, Goods>,
    /// The ids of the events that were published, each when it was so first.
    pub published: Vec<String>,
    /// The statuses that the customer was told of.
    pub told: HashSet<Status>,
    /// The messages to the customer, by the ids of the events that they tell of.
    pub mails: BTreeMap<String, Mails>,
    /// What other tables hold because of the order: the table, and the key.
    pub left: BTreeSet<(&'static str, String)>,
    /// What was watched of its returns.
    pub returns: Returns,
    /// Whether it was a disturbance because of which it needed attention last.
    disturbed: bool,
    /// The idempotency key that made it.
    key: Option<String>,
}

/// A decision that was answered with 2xx.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Promise {
    Created,
    Paid,
    Cancelled,
    Approved,
    Rejected,
}

impl Books {
    /// Notes that an invariant did not hold.
    pub fn violated(&mut self, invariant: Invariant, order: Option<&str>, found: impl Into<String>) {
        self.violations.push(Violation { invariant, order: order.map(str::to_owned), found: found.into() });
    }

    /// The first invariant that did not hold.
    pub fn violation(&self) -> Option<&Violation> {
        self.violations.first()
    }

    /// What is known of an order.
    pub fn order(&self, id: &str) -> Option<&Entry> {
        self.orders.get(id)
    }

    /// What is known of all orders that were not struck from the books.
    pub fn orders(&self) -> impl Iterator<Item = (&String, &Entry)> {
        self.orders.iter()
    }

    /// The orders that have ended and are due to be checked.
    pub fn due(&mut self, now: u64) -> Vec<String> {
        let mut due = Vec::new();
        while let Some((at, _)) = self.ended.front()
            && *at <= now
        {
            due.extend(self.ended.pop_front().map(|(_, order)| order));
        }
        due
    }

    /// Notes that another table holds an item because of an order.
    pub fn left(&mut self, order: &str, item: (&'static str, String)) {
        if let Some(entry) = self.orders.get_mut(order) {
            entry.left.insert(item);
        }
    }

    /// Has an order checked later.
    pub fn check_later(&mut self, order: String, now: u64) {
        self.ended.push_back((now + AT_REST, order));
    }

    /// Strikes an order from the books. What it has bought is remembered.
    pub fn strike(&mut self, id: &str) {
        if let Some(entry) = self.orders.remove(id) {
            if let Some(key) = &entry.key {
                self.keys.remove(key);
            }
            let outcome = match entry.order.reason() {
                _ if is_settled(&entry.order) => {
                    let why = if entry.disturbed { AFTER_A_DISTURBANCE } else { "" };
                    format!("{} by hand{why}", entry.order.status())
                }
                Some(reason) => format!("{} {reason:?}", entry.order.status()),
                None => entry.order.status().to_string(),
            };
            *self.outcomes.entry(outcome).or_default() += 1;
            for outcome in returns::outcomes(&entry.order) {
                *self.returns.entry(outcome).or_default() += 1;
            }
            if let Some(times) = &mut self.times {
                times.add(&entry.order);
            }
        }
    }
}
