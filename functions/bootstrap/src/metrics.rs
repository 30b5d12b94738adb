//! Metrics in CloudWatch's embedded metric format, a line of JSON for each.
//!
//! Source: CloudWatch User Guide, "Specification: Embedded metric format".

use std::io::Write as _;
use std::sync::Arc;

use ambient::Clock;
use omniflow_services::invocation::METRICS_TARGET;
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;

/// The layer that writes the tracing events whose target is the metrics'.
pub(crate) struct EmbeddedMetrics<W> {
    stack: String,
    clock: Arc<dyn Clock>,
    writer: W,
}

impl<W> EmbeddedMetrics<W> {
    /// Makes the layer; `stack` is the dimension of all metrics.
    pub(crate) fn of(stack: &str, clock: Arc<dyn Clock>, writer: W) -> Self {
        Self { stack: stack.to_owned(), clock, writer }
    }

    fn line(&self, metric: &Metric, milliseconds: i64) -> Value {
        json!({
            "_aws": {
                "Timestamp": milliseconds,
                "CloudWatchMetrics": [{
                    "Namespace": "OmniFlow",
                    "Dimensions": [["Stack"]],
                    "Metrics": [{ "Name": metric.name, "Unit": metric.unit }],
                }],
            },
            "Stack": self.stack,
            "order_id": metric.order_id,
            metric.name.as_str(): metric.value,
        })
    }
}

impl<S: Subscriber, W: for<'w> MakeWriter<'w> + 'static> Layer<S> for EmbeddedMetrics<W> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == METRICS_TARGET {
            let mut metric = Metric::default();
            event.record(&mut metric);
            let now = self.clock.now().timestamp_millis();
            // A failure could only be reported to where it could not be written.
            let _ = writeln!(self.writer.make_writer(), "{}", self.line(&metric, now));
        }
    }
}

#[derive(Default)]
struct Metric {
    name: String,
    unit: String,
    value: f64,
    order_id: String,
}

impl Visit for Metric {
    fn record_f64(&mut self, _: &Field, value: f64) {
        self.value = value;
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "metric" => self.name = value.to_owned(),
            "unit" => self.unit = value.to_owned(),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "order_id" {
            self.order_id = format!("{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use ambient::SystemClock;

    use super::*;

    #[test]
    fn a_line_names_the_metric_its_unit_and_its_stack() {
        let metric = Metric {
            name: "SecondsToPay".to_owned(),
            unit: "Seconds".to_owned(),
            value: 1.5,
            order_id: "ORD-1".to_owned(),
        };
        let line = EmbeddedMetrics::of("shop", Arc::new(SystemClock), std::io::sink).line(&metric, 7);
        let declared = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(declared["Metrics"], json!([{ "Name": "SecondsToPay", "Unit": "Seconds" }]));
        assert_eq!(declared["Dimensions"], json!([["Stack"]]));
        assert_eq!((&line["Stack"], &line["SecondsToPay"]), (&json!("shop"), &json!(1.5)));
        assert_eq!((&line["_aws"]["Timestamp"], &line["order_id"]), (&json!(7), &json!("ORD-1")));
    }
}
