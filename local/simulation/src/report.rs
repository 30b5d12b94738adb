//! What came of a run.

use std::collections::BTreeMap;
use std::time::Duration;

use omniflow_domain::{Reason, Status};

use crate::books::AFTER_A_DISTURBANCE;
use crate::fault::Fault;
use crate::invariant::Violation;
use crate::provider::Provider;

/// What came of a run.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Report {
    pub seed: u64,
    pub provider: Provider,
    pub violation: Option<Violation>,
    /// The lines about the order that the violation is about, or about the world.
    pub lines: Vec<String>,
    /// All lines, if they were kept.
    pub all: Option<Vec<String>>,
    /// The hash of all lines, and their number.
    pub hash: (u64, u64),
    /// How many orders have ended in each way.
    pub outcomes: BTreeMap<String, u64>,
    /// How many returns have ended in each way.
    pub returns: BTreeMap<&'static str, u64>,
    /// How often each fault has happened.
    pub faults: BTreeMap<Fault, u64>,
    pub orders: u64,
    pub writes: u64,
    /// How often money was taken.
    pub captured: u64,
    /// How often orders came to need attention because of a disturbance, and how often those whose money was taken did.
    pub attention: u64,
    pub attention_after_money: u64,
    pub invocations: u64,
    pub calls: u64,
    pub virtual_time: Duration,
    pub real_time: Duration,
}

impl Report {
    /// How many orders were completed.
    pub fn completed(&self) -> u64 {
        self.ended_as(|outcome| outcome == Status::Completed.name())
    }

    /// How many orders were undone for no reason of the customer's, the bank's, the stock's, a warehouse's or a person's.
    pub fn undone_by_faults(&self) -> u64 {
        let internal = format!("{:?}", Reason::InternalError);
        let undone = [Status::Cancelled.name(), Status::Rejected.name()];
        self.ended_as(|outcome| {
            outcome.ends_with(&internal)
                || outcome.ends_with(AFTER_A_DISTURBANCE)
                || undone.contains(&outcome)
        })
    }

    /// How many orders were undone because nobody had paid them in time.
    pub fn unpaid(&self) -> u64 {
        let unpaid = format!("{:?}", Reason::PaymentTimeout);
        self.ended_as(|outcome| outcome.ends_with(&unpaid))
    }

    fn ended_as(&self, is: impl Fn(&str) -> bool) -> u64 {
        self.outcomes.iter().filter(|(outcome, _)| is(outcome)).map(|(_, orders)| orders).sum()
    }
}
