//! What came of a run within quotas, as a table for people.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use omniflow_domain::{Reason, Status};

use super::Quotas;
use super::customer::Visit;
use super::run::Settings;
use super::tally::Tally;
use super::throughput::{Kind, Used};
use super::times::{Times, percentile};
use super::units::Partition;
use crate::invariant::Violation;
use crate::world::World;

/// How many of the busiest keys, and of the places that refused most, are told of.
const TOLD: usize = 12;
/// The rates of orders for which it is told what they need.
const RATES: [f64; 5] = [50.0, 150.0, 300.0, 500.0, 1_500.0];
/// By how much more a quota should be than what is used on average, so that a busy minute finds room.
const ROOM: f64 = 1.25;

/// What became of the customers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Visits {
    /// Those whom the shop took no order of.
    pub turned_away: u64,
    /// Those whose payments were turned away to the last.
    pub could_not_pay: u64,
    /// When the last order had ended, or was given up waiting for.
    pub settled: Duration,
}

impl Visits {
    pub fn add(&mut self, visit: Visit) {
        match visit {
            Visit::Served => {}
            Visit::TurnedAway => self.turned_away += 1,
            Visit::CouldNotPay => self.could_not_pay += 1,
        }
    }
}

/// What came of a run.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Report {
    pub quotas: Quotas,
    pub visits: Visits,
    /// How many orders the shop took.
    pub accepted: u64,
    /// How many orders have ended in each way, or stand in each.
    pub outcomes: BTreeMap<String, u64>,
    /// The pieces that there were to sell, if that was less than what was wanted.
    pub pieces: Option<u64>,
    pub times: Times,
    pub tally: Tally,
    /// The most functions that worked at once, and the most of each.
    pub concurrency: (u64, Vec<(&'static str, u64)>),
    /// The busiest keys of tables and indexes.
    pub keys: Vec<(Kind, Partition, f64)>,
    /// What tables and indexes took.
    pub tables: Vec<Used>,
    pub violation: Option<Violation>,
    /// The hash of all that happened, and the number of its lines.
    pub hash: (u64, u64),
    pub virtual_time: Duration,
    pub real_time: Duration,
}

impl Report {
    /// What came of the run in this world.
    pub(super) fn new(settings: &Settings, world: &World, visits: Visits) -> Self {
        let (violation, accepted, times, outcomes) = world.books(|books| {
            for id in books.orders().map(|(id, _)| id.clone()).collect::<Vec<_>>() {
                books.strike(&id);
            }
            let times = books.times.take().unwrap_or_default();
            (books.violation().cloned(), books.made, times, books.outcomes.clone())
        });
        let mut report = Self {
            quotas: settings.quotas.clone(),
            visits,
            accepted,
            outcomes,
            pieces: settings.pieces,
            times,
            tally: Tally::default(),
            concurrency: (0, Vec::new()),
            keys: Vec::new(),
            tables: Vec::new(),
            violation,
            hash: world.trace.hash(),
            virtual_time: world.clock.elapsed(),
            real_time: Duration::ZERO,
        };
        if let Some(account) = &world.capacity {
            let mut state = account.state();
            report.tally = state.tally.clone();
            report.concurrency = (state.environments.most(), state.environments.most_of_each().collect());
            report.keys = state.throughput.busiest(TOLD);
            report.tables = state.throughput.used();
        }
        report
    }

    fn ended_as(&self, is: impl Fn(&str) -> bool) -> u64 {
        self.outcomes.iter().filter(|(outcome, _)| is(outcome)).map(|(_, orders)| orders).sum()
    }

    /// How many orders were completed.
    pub fn completed(&self) -> u64 {
        self.ended_as(|outcome| outcome == Status::Completed.name())
    }

    /// How many were refused because nothing was left.
    pub fn sold_out(&self) -> u64 {
        let reason = format!("{:?}", Reason::OutOfStock);
        self.ended_as(|outcome| outcome.ends_with(&reason))
    }

    /// How many were undone for any other reason. All customers pay, so nothing but throttling undoes an order.
    pub fn undone(&self) -> u64 {
        let ended = [Status::Cancelled.name(), Status::Rejected.name()];
        let undone = self.ended_as(|outcome| ended.iter().any(|status| outcome.starts_with(status)));
        undone - self.sold_out()
    }

    /// How many were taken and came to no end by themselves.
    pub fn lost(&self) -> u64 {
        self.accepted.saturating_sub(self.completed() + self.sold_out() + self.undone())
    }

    /// How many pieces were sold that were not there, or not sold while others were told that nothing was left.
    pub fn missold(&self) -> u64 {
        let Some(pieces) = self.pieces else { return self.sold_out() };
        let sold = self.completed() + self.undone() + self.lost();
        if self.sold_out() == 0 { sold.saturating_sub(pieces) } else { sold.abs_diff(pieces) }
    }

    /// Whether no order was lost, undone by throttling or sold without stock, and all that must hold did.
    pub fn is_as_wanted(&self) -> bool {
        self.violation.is_none() && self.lost() == 0 && self.undone() == 0 && self.missold() == 0
    }

    #[allow(clippy::cast_precision_loss)]
    fn of_each(&self, count: f64) -> f64 {
        count / self.completed().max(1) as f64
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.orders(f)?;
        self.latencies(f)?;
        self.refusals(f)?;
        self.busiest(f)?;
        self.bill(f)?;
        self.needs(f)
    }
}

impl Report {
    fn orders(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "orders: {} accepted, {} completed, {} refused as sold out, {} lost, {} undone by throttling, {} sold without stock or not sold with it; {} customers were turned away, {} could not pay",
            self.accepted,
            self.completed(),
            self.sold_out(),
            self.lost(),
            self.undone(),
            self.missold(),
            self.visits.turned_away,
            self.visits.could_not_pay
        )?;
        writeln!(
            f,
            "all settled after {} s of virtual time; {:.0} s of real time; trace {:016x}; outcomes {:?}",
            self.visits.settled.as_secs(),
            self.real_time.as_secs_f64(),
            self.hash.0,
            self.outcomes
        )?;
        match &self.violation {
            Some(violation) => writeln!(f, "broken: {violation}"),
            None => Ok(()),
        }
    }

    fn latencies(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n| seconds | half of the orders | 90 % | 99 % | the slowest |\n| --- | --- | --- | --- | --- |"
        )?;
        let times = &self.times;
        let rows = [
            ("from the order to the reservation", &times.to_reserved),
            ("from the payment to its capture", &times.to_paid),
            ("from the payment to the end", &times.to_completed),
        ];
        for (name, times) in rows {
            let mut times = times.clone();
            let mut at = |share| {
                percentile(&mut times, share).map_or_else(|| "-".to_owned(), |time| format!("{time:.1}"))
            };
            writeln!(f, "| {name} | {} | {} | {} | {} |", at(0.5), at(0.9), at(0.99), at(1.0))?;
        }
        Ok(())
    }

    fn refusals(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut refused: Vec<_> = self.tally.refused.iter().collect();
        refused.sort_by_key(|(_, times)| std::cmp::Reverse(**times));
        writeln!(f, "\n| throttled | where | times |\n| --- | --- | --- |")?;
        for ((what, place), times) in refused.into_iter().take(TOLD) {
            writeln!(f, "| {what} | {place} | {times} |")?;
        }
        Ok(())
    }

    fn busiest(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (most, of_each) = &self.concurrency;
        let of_each: Vec<_> = of_each.iter().map(|(function, most)| format!("{function} {most}")).collect();
        writeln!(f, "\nfunctions at work at once: {most} at most; of each: {}", of_each.join(", "))?;
        writeln!(f, "\n| busiest keys | what | units in the busiest second |\n| --- | --- | --- |")?;
        for (kind, Partition { of, key }, most) in &self.keys {
            writeln!(f, "| {of} {key} | {} | {most:.0} |", kind.name())?;
        }
        for used in self.tables.iter().filter(|used| used.busiest >= 100.0) {
            writeln!(f, "| {} as a whole | {} | {:.0} |", used.of, used.kind.name(), used.busiest)?;
        }
        Ok(())
    }

    fn bill(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dollars = self.tally.dollars();
        writeln!(f, "\n| billed | count | for each completed order | dollars |\n| --- | --- | --- | --- |")?;
        for (price, count) in self.tally.bill() {
            let each = self.of_each(count);
            writeln!(f, "| {} | {count:.0} | {each:.2} | {:.2} |", price.thing, price.of(count))?;
        }
        let million = self.of_each(dollars) * 1e6;
        writeln!(f, "| all | | | {dollars:.2}, which is {million:.0} for a million completed orders |")
    }

    /// What so many orders a second need, by what an order has used in this run.
    fn needs(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rates: Vec<_> = RATES.iter().map(|rate| format!("{rate:.0}/s")).collect();
        writeln!(
            f,
            "\n| quota | by default | {} |\n| --- | --- |{}",
            rates.join(" | "),
            " --- |".repeat(rates.len())
        )?;
        let row = |f: &mut fmt::Formatter<'_>, name: &str, default: f64, each: f64| {
            let needs = RATES.iter().map(|rate| {
                let needed = (rate * each * ROOM).ceil();
                if needed > default { format!("**{needed:.0}**") } else { format!("{needed:.0}") }
            });
            writeln!(f, "| {name} | {default:.0} | {} |", needs.collect::<Vec<_>>().join(" | "))
        };
        for (name, _, a_second) in &self.quotas.calls {
            if let Some(asked) = self.tally.asked.get(*name).filter(|asked| asked.all > 0.0) {
                row(f, &format!("{name} a second"), *a_second, self.of_each(asked.all))?;
            }
        }
        #[allow(clippy::cast_precision_loss)]
        let (limit, average) = (self.quotas.concurrency as f64, self.tally.seconds);
        row(f, "functions at work at once", limit, self.of_each(average))?;
        for Used { kind, of, all, .. } in &self.tables {
            let (default, each) = (kind.of(self.quotas.warm), self.of_each(*all));
            // Others need no thought at these rates.
            if each * RATES[RATES.len() - 1] * ROOM > default {
                row(f, &format!("{} of {of} a second", kind.name()), default, each)?;
            }
        }
        Ok(())
    }
}
