//! What a function writes: its logs as JSON, and its metrics, a line each.

use tracing::Subscriber;
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::metrics::EmbeddedMetrics;

/// Writes what passes the filter; the metrics' dimension is `stack`.
pub fn subscriber<W>(filter: EnvFilter, stack: &str, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Clone + Send + Sync + 'static,
{
    let no_metrics = FilterFn::new(|metadata| metadata.target() != omniflow_domain::metrics::TARGET);
    let logs = tracing_subscriber::fmt::layer().json().with_span_list(false).without_time();
    tracing_subscriber::registry()
        .with(filter)
        .with(logs.with_writer(writer.clone()).with_filter(no_metrics))
        .with(EmbeddedMetrics::of(stack, writer))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use futures::executor::block_on;
    use futures::future::BoxFuture;
    use omniflow_domain::invocation::logged;
    use omniflow_domain::{Fault, Handler};
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

    #[test]
    fn every_line_names_the_order_and_the_execution() {
        let written = Written::default();
        let writer = written.clone();
        let logs = subscriber(EnvFilter::new("info"), "shop", move || writer.clone());
        let event = json!({ "order_id": "ORD-1", "execution": "arn:1", "email": "ada@example.com" });
        let failed = block_on(logged(&Declines, "CapturePayment", event).with_subscriber(logs));
        assert!(failed.is_err());
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let expected = json!({
            "name": "invocation", "function": "CapturePayment", "order_id": "ORD-1", "execution": "arn:1",
        });
        assert!(lines.iter().all(|line| line["span"] == expected), "{text}");
        let said: Vec<_> = lines.iter().map(|line| (&line["level"], &line["fields"]["error_type"])).collect();
        assert_eq!(said, [(&json!("INFO"), &Value::Null), (&json!("WARN"), &json!("PaymentDeclined"))]);
        assert!(!text.contains("ada@example.com"), "an event is personal");
    }
}
