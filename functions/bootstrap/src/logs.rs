//! The output of a function: its logs as JSON and its metrics, each in a line of its own.

use std::sync::Arc;

use ambient::Clock;
use tracing::Subscriber;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{FilterFn, LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::metrics::EmbeddedMetrics;

/// What is logged at a level such as `debug`, or by a list of targets and levels. A level is that of OmniFlow's own code:
/// the AWS SDK logs whole requests, and with them customers' data, at the levels below `info`. Metrics and the failures of
/// invocations are always there, since alarms count them.
pub fn filter(levels: &str) -> Targets {
    // An empty text would be read as the level `error`.
    let level = if levels.is_empty() { Some(LevelFilter::INFO) } else { levels.parse().ok() };
    let targets = match level {
        Some(level) => {
            Targets::new().with_default(level.min(LevelFilter::INFO)).with_target("omniflow", level)
        }
        None => levels.parse().unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO)),
    };
    let level = level.unwrap_or(LevelFilter::INFO);
    targets
        .with_target(omniflow_services::invocation::METRICS_TARGET, LevelFilter::INFO)
        .with_target("omniflow_services::invocation", level.max(LevelFilter::WARN))
}

/// Makes the subscriber that writes the logs which pass the filter, and the metrics, whose dimension is the
/// name `stack`.
pub fn subscriber<W>(
    filter: Targets,
    stack: &str,
    clock: Arc<dyn Clock>,
    writer: W,
) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Clone + Send + Sync + 'static,
{
    let no_metrics =
        FilterFn::new(|metadata| metadata.target() != omniflow_services::invocation::METRICS_TARGET);
    let logs = tracing_subscriber::fmt::layer().json().with_span_list(false).without_time();
    tracing_subscriber::registry()
        .with(filter)
        .with(logs.with_writer(writer.clone()).with_filter(no_metrics))
        .with(EmbeddedMetrics::of(stack, clock, writer))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::io::{self, Write};
    use std::sync::Mutex;

    use ambient::SystemClock;
    use futures::executor::block_on;
    use futures::future::BoxFuture;
    use omniflow_services::invocation::logged;
    use omniflow_services::{Fault, Handler};
    use serde_json::{Value, json};
    use tracing::instrument::WithSubscriber as _;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Declines;

    impl Handler for Declines {
        fn handle(&self, _: Value) -> BoxFuture<'_, Result<Value, Fault>> {
            Box::pin(async {
                tracing::info!("asks the bank");
                Err(Fault { error_type: "PaymentDeclined".to_owned(), message: "no money".to_owned() })
            })
        }
    }

    /// The lines of an invocation with this event, which fails.
    fn lines(event: Value) -> Vec<Value> {
        let written = Written::default();
        let writer = written.clone();
        let logs = subscriber("info".parse().unwrap(), "shop", Arc::new(SystemClock), move || writer.clone());
        let failed = block_on(logged(&Declines, "CapturePayment", event).with_subscriber(logs));
        assert!(failed.is_err());
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert!(!text.contains("ada@example.com"), "an event is personal: {text}");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_level_is_that_of_omniflow_and_alarms_have_what_they_count_at_every_level() {
        use tracing::Level;
        for (levels, own, foreign) in [
            ("", Level::INFO, Level::INFO),
            ("error", Level::ERROR, Level::ERROR),
            ("trace", Level::TRACE, Level::INFO),
            ("aws_smithy_runtime=trace,omniflow=debug", Level::DEBUG, Level::TRACE),
        ] {
            let filter = filter(levels);
            let most = |target: &str| {
                let all = [Level::TRACE, Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR];
                all.into_iter().find(|level| filter.would_enable(target, level))
            };
            assert_eq!(most("omniflow_store::orders"), Some(own), "{levels}");
            assert_eq!(most("aws_smithy_runtime::client"), Some(foreign), "{levels}");
            assert_eq!(most("metrics"), Some(Level::INFO), "{levels}");
            assert!(filter.would_enable("omniflow_services::invocation", &Level::WARN), "{levels}");
        }
    }

    #[test]
    fn every_line_names_the_order_and_the_execution() {
        let lines = lines(json!({ "order_id": "ORD-1", "execution": "arn:1", "email": "ada@example.com" }));
        let expected = json!({
            "name": "invocation", "function": "CapturePayment", "order_id": "ORD-1", "execution": "arn:1",
        });
        assert!(lines.iter().all(|line| line["span"] == expected), "{lines:?}");
        let said: Vec<_> = lines.iter().map(|line| (&line["level"], &line["fields"]["error_type"])).collect();
        assert_eq!(said, [(&json!("INFO"), &Value::Null), (&json!("WARN"), &json!("PaymentDeclined"))]);
    }

    #[test]
    fn the_order_is_named_by_events_of_every_source() {
        let of_the_bus = json!({ "detail": { "order_id": "ORD-1", "email": "ada@example.com" } });
        let of_the_api =
            json!({ "rawPath": "/api/v1/orders/ORD-1/audit", "pathParameters": { "order_id": "ORD-1" } });
        for event in [of_the_bus, of_the_api] {
            assert!(lines(event).iter().all(|line| line["span"]["order_id"] == "ORD-1"));
        }
    }
}
