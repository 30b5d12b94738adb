//! What outages do: each dependency is down for a minute, for ten minutes and for three hours while many orders are under
//! way, and nothing else goes wrong.

use std::fmt;

use crate::fault::Fault;
use crate::profile::Outage;
use crate::report::Report;
use crate::run::{Error, Settings, Systems, run};

/// How long outages last, in seconds.
const LENGTHS: [u64; 3] = [60, 600, 3 * 3600];
/// For less than so many seconds no order whose money was taken may come to need attention.
const HOUR: u64 = 3600;

/// What came of an outage.
#[derive(Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Row {
    /// What was down; nothing in the row that the others are compared with.
    pub down: Vec<Fault>,
    pub seconds: u64,
    pub report: Report,
}

impl Row {
    /// Whether nothing was undone because of the outage, no order whose money was taken came to need attention in one
    /// of less than an hour, and all invariants held.
    pub fn is_as_wanted(&self) -> bool {
        let Report { violation, attention_after_money, .. } = &self.report;
        violation.is_none()
            && self.report.undone_by_faults() == 0
            && (self.seconds >= HOUR || *attention_after_money == 0)
    }

    /// The names of the columns.
    pub const HEAD: &str = "| down | for | orders | completed | not paid in time | undone because of it | came to need attention | … after the money was taken |\n| --- | --- | --- | --- | --- | --- | --- | --- |";
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { down, seconds, report } = self;
        let down: Vec<_> = down.iter().map(|fault| fault.name().trim_end_matches("-out")).collect();
        let down = if down.is_empty() { "nothing".to_owned() } else { down.join(", ") };
        write!(
            f,
            "| {down} | {seconds} s | {} | {} | {} | {} | {} | {} |",
            report.orders,
            report.completed(),
            report.unpaid(),
            report.undone_by_faults(),
            report.attention,
            report.attention_after_money
        )
    }
}

/// Makes a run for each dependency and each length, with the customers of these settings and an outage that begins when
/// half of them have come, and one for the gateway and the warehouses together. `told` gets each row when it is there.
///
/// # Errors
/// When a run can't be made.
pub fn outages(settings: &Settings, system: &Systems, told: &mut dyn FnMut(&Row)) -> Result<(), Error> {
    let alone = Fault::OUTAGES.map(|fault| vec![fault]);
    let together = vec![Fault::GatewayOut, Fault::WarehousesOut];
    let mut cases = vec![(Vec::new(), 0)];
    for down in alone.into_iter().chain([together]) {
        cases.extend(LENGTHS.map(|seconds| (down.clone(), seconds)));
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let at = (settings.orders as f64 / settings.a_second / 2.0) as u64;
    for (down, seconds) in cases {
        let outages = down.iter().map(|fault| Outage { fault: *fault, at, seconds }).collect();
        let mut settings = settings.clone();
        settings.profile.outages = outages;
        let report = run(&settings, system)?;
        told(&Row { down, seconds, report });
    }
    Ok(())
}
