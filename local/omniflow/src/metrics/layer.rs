//! Takes the metrics out of the tracing events of the functions, which run in this process.

use std::sync::Arc;

use ambient::Clock;
use omniflow_services::invocation::METRICS_TARGET;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::{Metrics, Value};

/// The layer that counts.
pub(crate) struct CountedEvents {
    metrics: Metrics,
    clock: Arc<dyn Clock>,
}

impl CountedEvents {
    /// The layer, which sees the metrics and no other events.
    pub(crate) fn layer<S>(metrics: Metrics, clock: Arc<dyn Clock>) -> impl Layer<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let metrics_alone = Targets::new().with_target(METRICS_TARGET, tracing::Level::INFO);
        Self { metrics, clock }.with_filter(metrics_alone)
    }
}

impl<S: Subscriber> Layer<S> for CountedEvents {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut noted = Noted::default();
        event.record(&mut noted);
        let value = match noted.unit.as_str() {
            "Count" => Value::Count(noted.value as u64),
            "Seconds" => Value::Seconds(noted.value),
            // There are no others (`functions/store/src/metrics.rs`).
            _ => return,
        };
        self.metrics.add(&noted.metric, value, self.clock.now());
    }
}

#[derive(Default)]
struct Noted {
    metric: String,
    unit: String,
    value: f64,
}

impl Visit for Noted {
    fn record_f64(&mut self, _: &Field, value: f64) {
        self.value = value;
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "metric" => value.clone_into(&mut self.metric),
            "unit" => value.clone_into(&mut self.unit),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

#[cfg(test)]
mod tests {
    use ambient::SystemClock;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn the_metrics_are_counted_and_other_events_are_not() {
        let metrics = Metrics::default();
        let layer = CountedEvents::layer(metrics.clone(), Arc::new(SystemClock));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let order_id = "ORD-1";
            tracing::info!(target: METRICS_TARGET, metric = "StockConflicts", value = 1.0, unit = "Count", %order_id);
            tracing::info!(target: METRICS_TARGET, metric = "SecondsToPay", value = 2.5, unit = "Seconds", %order_id);
            tracing::info!(metric = "StockConflicts", value = 1.0, unit = "Count", "of another target");
        });
        let counted = metrics.counted();
        assert_eq!(counted.total.counts.iter().collect::<Vec<_>>(), [(&"StockConflicts".to_owned(), &1)]);
        assert_eq!(counted.total.seconds["SecondsToPay"].count(), 1);
    }
}
