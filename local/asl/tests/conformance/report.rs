//! Counts the verdicts by kind and area, prints them, and fails when a kind misses its goals.

use std::collections::BTreeMap;

use crate::case::Case;

/// What became of one case, level by level. A level is reached only when those before it are. `history` is
/// `None` when the recording of the case has no history.
pub struct Verdict {
    pub outcome: bool,
    pub cause: bool,
    pub history: Option<bool>,
    pub difference: Option<String>,
}

#[derive(Default, Clone, Copy)]
struct Row {
    run: usize,
    outcome: usize,
    cause: usize,
    with_history: usize,
    history: usize,
}

#[derive(Default)]
pub struct Report {
    pub out_of_scope: usize,
    rows: BTreeMap<(String, String), Row>,
    /// The rows by kind, of the cases that are validated. The goals are about these.
    totals: BTreeMap<String, Row>,
    failures: Vec<String>,
}

/// The goals, in percent, by kind: outcome, cause, history (for test_state: outcome, cause, inspection data).
const GOALS: [(&str, f64, f64, f64); 5] = [
    ("execution", 99.0, 97.0, 97.0),
    ("test_state", 97.0, 90.0, 90.0),
    ("create_error", 95.0, 95.0, 95.0),
    ("validate", 95.0, 95.0, 95.0),
    ("variable_references", 95.0, 95.0, 95.0),
];

impl Row {
    fn add(&mut self, verdict: &Verdict) {
        self.run += 1;
        self.outcome += usize::from(verdict.outcome);
        self.cause += usize::from(verdict.cause);
        self.with_history += usize::from(verdict.history.is_some());
        self.history += usize::from(verdict.history == Some(true));
    }
}

impl Report {
    pub fn add(&mut self, case: &Case, verdict: Verdict) {
        self.rows.entry((case.kind.clone(), case.area.clone())).or_default().add(&verdict);
        if case.is_validated() {
            self.totals.entry(case.kind.clone()).or_default().add(&verdict);
        }
        if !(verdict.outcome && verdict.cause && verdict.history != Some(false)) {
            let level = if !verdict.outcome {
                "outcome"
            } else if !verdict.cause {
                "cause"
            } else {
                "history"
            };
            let difference = verdict.difference.unwrap_or_default();
            self.failures.push(format!("{} {}: {level}: {difference}", case.area, case.id));
        }
    }

    pub fn print(&self) {
        println!("{:20} {:28} {:>5} {:>8} {:>6} {:>8}", "kind", "area", "run", "outcome", "cause", "history");
        let show = |kind: &str, area: &str, row: &Row| {
            println!(
                "{kind:20} {area:28} {:>5} {:>8} {:>6} {:>4}/{}",
                row.run, row.outcome, row.cause, row.history, row.with_history
            );
        };
        for ((kind, area), row) in &self.rows {
            show(kind, area, row);
        }
        for failure in &self.failures {
            println!("FAILED {failure}");
        }
        for (kind, row) in &self.totals {
            show(kind, "TOTAL (validated)", row);
        }
        println!("out of scope: {}", self.out_of_scope);
    }

    pub fn check(&self) {
        for (kind, outcome, cause, history) in GOALS {
            let Some(row) = self.totals.get(kind) else { continue };
            let share =
                |part: usize, of: usize| if of == 0 { 100.0 } else { part as f64 * 100.0 / of as f64 };
            let reached = [
                share(row.outcome, row.run),
                share(row.cause, row.run),
                share(row.history, row.with_history),
            ];
            for (what, reached, goal) in [
                ("outcome", reached[0], outcome),
                ("cause", reached[1], cause),
                ("history", reached[2], history),
            ] {
                assert!(reached >= goal, "{kind}: {what} is {reached:.1} %, the goal is {goal} %");
            }
        }
    }
}
