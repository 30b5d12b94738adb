//! The report of costs as a text for people.

use std::fmt::Write as _;

use omniflow_figures as prices;

use super::assumptions;
use super::extras::Extra;
use super::usage::{SERVICES, Usage};

const HEAD: [&str; 11] = [
    "transitions",
    "invocations",
    "GB-s",
    "RRU",
    "WRU",
    "events",
    "requests",
    "log bytes",
    "traces",
    "e-mails",
    "$ per million",
];

/// A line for each path, with its units and then with its dollars; what comes on top; the prices and the assumptions.
pub(crate) fn table(measured: &[(&str, Usage)], extras: &[Extra], sweeps: f64) -> String {
    let mut report = String::new();
    let width = measured.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    // Writing to a String can't fail.
    let _ = writeln!(report, "{:width$}  {}", "an order that is", HEAD.join("  "));
    for (name, usage) in measured {
        let counts = usage.lines().map(|(_, count)| count);
        let cells = counts.into_iter().chain([usage.dollars_a_million()]).zip(HEAD);
        let cells = cells.map(|(number, head)| format!("{:>width$}", short(number), width = head.len()));
        let _ = writeln!(report, "{name:width$}  {}", cells.collect::<Vec<_>>().join("  "));
    }
    let _ = writeln!(report, "\n{:width$}  {}", "dollars per million", SERVICES.join("  "));
    for (name, usage) in measured {
        let cells = usage.by_service().into_iter().zip(SERVICES);
        let cells = cells.map(|(dollars, head)| format!("{dollars:>width$.2}", width = head.len()));
        let _ = writeln!(report, "{name:width$}  {}", cells.collect::<Vec<_>>().join("  "));
    }
    let _ = writeln!(report, "\nOn top, for a million of them or of the orders:");
    for extra in extras {
        let _ = writeln!(report, "  {:64} ${:.2}", extra.name, extra.dollars_a_million);
    }
    let _ = writeln!(report, "\nThe sweeper: ${sweeps:.2} a month, whatever is sold.");
    let _ = writeln!(report, "\nPrices of us-east-1, {}, without the free tier:", prices::DATE);
    for (price, _) in Usage::default().lines() {
        let _ =
            writeln!(report, "  {:28} ${} per {}  ({})", price.thing, price.dollars, price.per, price.source);
    }
    let _ = writeln!(report, "\nAssumed:");
    for assumption in assumptions::IN_WORDS {
        let _ = writeln!(report, "  {assumption}");
    }
    report
}

/// A whole number without decimals; a number below 1 with three decimals, any other with two.
fn short(number: f64) -> String {
    if number.fract().abs() < 1e-9 {
        format!("{number:.0}")
    } else if number < 1.0 {
        format!("{number:.3}")
    } else {
        format!("{number:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_long_as_they_tell_something() {
        assert_eq!([8.0, 0.1046, 7.5].map(short), ["8", "0.105", "7.50"]);
    }

    #[test]
    fn a_path_has_its_line_and_its_price() {
        let usage = Usage { transitions: 8.0, ..Usage::default() };
        let mails = Extra { name: "mails".to_owned(), dollars_a_million: 7.0 };
        let table = table(&[("happy", usage)], &[mails], 0.5);
        let lines: Vec<_> = table.lines().filter(|line| line.starts_with("happy")).collect();
        let [units, dollars] = lines[..] else { panic!("{table}") };
        assert!(units.trim_end().ends_with("200"), "{units}");
        assert!(dollars.contains("200.00"), "{dollars}");
        assert!(table.contains("$7.00"), "{table}");
    }
}
