//! Shrinking: from a run that breaks an invariant to one with fewer orders and fewer kinds of faults that
//! breaks it, too.

use std::collections::BTreeSet;

use crate::report::Report;
use crate::run::{Error, Settings, Systems, run};

/// Shrinks a run that breaks an invariant. `tell` hears of each step that succeeded.
///
/// # Errors
/// When a run can't be made.
pub fn shrink(
    settings: &Settings,
    failed: &Report,
    system: &Systems,
    tell: &mut dyn FnMut(&Settings),
) -> Result<(Settings, Report), Error> {
    let mut best = (settings.clone(), failed.clone());
    loop {
        let before = size(&best.0);
        fewer_orders(&mut best, system, tell)?;
        fewer_faults(&mut best, system, tell)?;
        if size(&best.0) == before {
            return Ok(best);
        }
    }
}

fn customers(settings: &Settings) -> BTreeSet<u64> {
    settings.only.clone().unwrap_or_else(|| (0..settings.orders).collect())
}

fn size(settings: &Settings) -> (usize, usize) {
    (customers(settings).len(), settings.profile.faults().len() + settings.profile.outages.len())
}

/// Takes the smaller run in place of the best one, if it breaks the same invariant.
fn try_out(
    best: &mut (Settings, Report),
    smaller: Settings,
    system: &Systems,
    tell: &mut dyn FnMut(&Settings),
) -> Result<bool, Error> {
    let report = run(&smaller, system)?;
    let invariant = |report: &Report| report.violation.as_ref().map(|violation| violation.invariant);
    if invariant(&report).is_none() || invariant(&report) != invariant(&best.1) {
        return Ok(false);
    }
    tell(&smaller);
    *best = (smaller, report);
    Ok(true)
}

/// Sends customers home: half of them, a quarter, and so on to single ones (Zeller and Hildebrandt,
/// "Simplifying and Isolating Failure-Inducing Input", 2002).
fn fewer_orders(
    best: &mut (Settings, Report),
    system: &Systems,
    tell: &mut dyn FnMut(&Settings),
) -> Result<(), Error> {
    let mut parts = 2;
    loop {
        let all: Vec<_> = customers(&best.0).into_iter().collect();
        if all.len() < 2 {
            return Ok(());
        }
        let length = all.len().div_ceil(parts);
        let mut found = false;
        for part in all.chunks(length) {
            let rest: BTreeSet<_> = all.iter().copied().filter(|number| !part.contains(number)).collect();
            let smaller = Settings { only: Some(rest), ..best.0.clone() };
            if try_out(best, smaller, system, tell)? {
                found = true;
                break;
            }
        }
        parts = match found {
            true => 2.max(parts - 1),
            false if length == 1 => return Ok(()),
            false => (parts * 2).min(all.len()),
        };
    }
}

fn fewer_faults(
    best: &mut (Settings, Report),
    system: &Systems,
    tell: &mut dyn FnMut(&Settings),
) -> Result<(), Error> {
    for fault in best.0.profile.faults() {
        let mut kept = best.0.profile.faults();
        kept.remove(&fault);
        let smaller = Settings { profile: best.0.profile.only(&kept), ..best.0.clone() };
        try_out(best, smaller, system, tell)?;
    }
    Ok(())
}
