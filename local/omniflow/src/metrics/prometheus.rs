//! The counters of this runtime as Prometheus reads them.
//!
//! Source: Prometheus documentation, "Exposition formats", "Text-based format".

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Sums;
use super::histogram::{BOUNDS, Histogram};
use crate::aws::Aws;

/// The type of the text.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All counters, as text. It costs no write.
pub(crate) fn text(aws: &Aws) -> String {
    let mut page = Page::default();
    page.functions_metrics(&aws.metrics.counted().total);
    let engine = aws.engine.stats().snapshot();
    page.gauge("omniflow_open_executions", "Executions that have not ended.", Some(engine.open));
    let deliveries = aws.bus.counts().ok();
    let waiting = deliveries.map(|(waiting, _)| waiting);
    page.gauge("omniflow_waiting_deliveries", "Deliveries of events that are stored and wait.", waiting);
    let dead = deliveries.map(|(_, dead)| dead);
    page.gauge("omniflow_dead_letters", "Deliveries that failed for good and are kept.", dead);
    let healthy = crate::health::trouble(aws).is_none();
    page.gauge("omniflow_healthy", "1 while orders can proceed, else 0.", Some(healthy.into()));
    page.counter("omniflow_task_retries_total", "Attempts of tasks after the first.", engine.retries);
    page.counter("omniflow_history_events_total", "Events written to histories.", engine.events);
    page.counter("omniflow_commits_total", "Commits of the journal.", engine.groups);
    page.seconds("omniflow_commit_seconds_total", "Time in commits of the journal.", engine.commit_ns);
    let (functions, tables) = (aws.functions.invocations(), aws.tables.counters());
    page.counter("omniflow_invocations_total", "Invocations of functions.", functions.count());
    page.seconds("omniflow_invocation_seconds_total", "Time in functions.", functions.nanoseconds());
    page.counter("omniflow_table_calls_total", "Calls of tables.", tables.calls.count());
    page.seconds("omniflow_table_call_seconds_total", "Time in calls of tables.", tables.calls.nanoseconds());
    page.counter("omniflow_table_syncs_total", "Fsyncs of the tables.", tables.syncs.count());
    page.seconds(
        "omniflow_table_sync_seconds_total",
        "Time in fsyncs of tables.",
        tables.syncs.nanoseconds(),
    );
    page.0
}

#[derive(Default)]
struct Page(String);

/// Adds a line. Writing to a String can't fail.
macro_rules! line {
    ($page:expr, $($text:tt)*) => {{
        let _ = writeln!($page.0, $($text)*);
    }};
}

impl Page {
    fn head(&mut self, name: &str, kind: &str, what: &str) {
        line!(self, "# HELP {name} {what}");
        line!(self, "# TYPE {name} {kind}");
    }

    fn counter(&mut self, name: &str, what: &str, value: u64) {
        self.head(name, "counter", what);
        line!(self, "{name} {value}");
    }

    /// What can't be found out now has no value.
    fn gauge(&mut self, name: &str, what: &str, value: Option<u64>) {
        self.head(name, "gauge", what);
        if let Some(value) = value {
            line!(self, "{name} {value}");
        }
    }

    fn seconds(&mut self, name: &str, what: &str, nanoseconds: u64) {
        self.head(name, "counter", what);
        line!(self, "{name} {}", nanoseconds as f64 / 1e9);
    }

    /// The metrics of functions: `OrdersCompleted` becomes `omniflow_orders_total{outcome="completed"}`,
    /// `SecondsToPay` the phase `pay` of one histogram, and any other count a name of its own.
    fn functions_metrics(&mut self, sums: &Sums) {
        let mut families: BTreeMap<String, Vec<(Option<String>, u64)>> = BTreeMap::new();
        for (metric, count) in &sums.counts {
            let outcome = metric.strip_prefix("Orders").map(snake);
            let family = outcome.as_ref().map_or_else(|| snake(metric), |_| "orders".to_owned());
            families.entry(family).or_default().push((outcome, *count));
        }
        for (family, values) in families {
            let name = format!("omniflow_{family}_total");
            self.head(&name, "counter", "Counted by the functions, also before the last start.");
            for (outcome, value) in values {
                let label = outcome.map(|outcome| format!("{{outcome=\"{outcome}\"}}")).unwrap_or_default();
                line!(self, "{name}{label} {value}");
            }
        }
        const PHASES: &str = "omniflow_order_phase_seconds";
        if !sums.seconds.is_empty() {
            self.head(PHASES, "histogram", "How long orders took to come to a status from the one before.");
        }
        for (metric, histogram) in &sums.seconds {
            self.histogram(PHASES, &snake(metric.strip_prefix("SecondsTo").unwrap_or(metric)), histogram);
        }
    }

    fn histogram(&mut self, name: &str, phase: &str, histogram: &Histogram) {
        let bounds = BOUNDS.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
        for (bound, count) in bounds.zip(histogram.cumulative()) {
            line!(self, "{name}_bucket{{phase=\"{phase}\",le=\"{bound}\"}} {count}");
        }
        line!(self, "{name}_sum{{phase=\"{phase}\"}} {}", histogram.sum);
        line!(self, "{name}_count{{phase=\"{phase}\"}} {}", histogram.count());
    }
}

/// `NeedingAttention` as `needing_attention`; whatever a name may not have is left out (Prometheus
/// documentation, "Data model").
pub(super) fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars().filter(char::is_ascii_alphanumeric) {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Value;

    #[test]
    fn outcomes_are_labels_and_phases_are_histograms() {
        let mut sums = Sums::default();
        for (metric, count) in [("OrdersCompleted", 3), ("OrdersNeedingAttention", 1), ("StockConflicts", 2)]
        {
            sums.add(metric, Value::Count(count));
        }
        sums.add("SecondsToPay", Value::Seconds(0.3));
        let mut page = Page::default();
        page.functions_metrics(&sums);
        for line in [
            "omniflow_orders_total{outcome=\"completed\"} 3",
            "omniflow_orders_total{outcome=\"needing_attention\"} 1",
            "omniflow_stock_conflicts_total 2",
            "omniflow_order_phase_seconds_bucket{phase=\"pay\",le=\"0.25\"} 0",
            "omniflow_order_phase_seconds_bucket{phase=\"pay\",le=\"0.5\"} 1",
            "omniflow_order_phase_seconds_bucket{phase=\"pay\",le=\"+Inf\"} 1",
            "omniflow_order_phase_seconds_sum{phase=\"pay\"} 0.3",
            "omniflow_order_phase_seconds_count{phase=\"pay\"} 1",
        ] {
            assert!(page.0.lines().any(|found| found == line), "{line} in\n{}", page.0);
        }
        assert_eq!(page.0.matches("# TYPE omniflow_orders_total counter").count(), 1);
    }
}
