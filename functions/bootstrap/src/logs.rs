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
    let logs = tracing_subscriber::fmt::layer().json().with_current_span(false).without_time();
    tracing_subscriber::registry()
        .with(filter)
        .with(logs.with_writer(writer.clone()).with_filter(no_metrics))
        .with(EmbeddedMetrics::of(stack, writer))
}
