//! Whether this process does its work: what `GET /health` answers, and when the process ends by itself.
//!
//! The function behind `/health` knows nothing of the process that runs it (on AWS there is none). So the
//! runtime answers itself while orders can't proceed here, and otherwise the function does.

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use engine::Engine;
use http::Method;
use omniflow_api::problem::{Kind, Problem};
use omniflow_tables::{Health, Tables};

use crate::aws::Aws;
use crate::{bus::EventBus, server};

/// The path of the route.
pub(crate) const PATH: &str = "/health";
/// How often tables whose last write failed are tried again, so that the answer becomes good again although
/// nobody writes.
const PROBE: Duration = Duration::from_secs(1);

/// Why orders can't proceed in this process; `None` while they can. It costs no write.
pub(crate) fn trouble(aws: &Aws) -> Option<String> {
    of_tables(&aws.tables).or_else(|| of_engine(&aws.engine)).or_else(|| of_deliveries(&aws.bus))
}

fn of_engine(engine: &Engine) -> Option<String> {
    match engine.health() {
        engine::Health::Healthy => None,
        engine::Health::Unhealthy(trouble) => Some(format!("Workflows don't proceed: {trouble}.")),
    }
}

fn of_tables(tables: &Tables) -> Option<String> {
    match tables.health() {
        Health::Good => None,
        Health::Failing(why) => Some(format!("The tables can't be written: {why}.")),
        Health::Lost => Some("The tables could not be synced to the disk, and this process ends.".to_owned()),
    }
}

fn of_deliveries(bus: &EventBus) -> Option<String> {
    bus.stuck().map(|why| format!("The events that wait for delivery can't be read or written: {why}."))
}

/// `router`, whose `/health` is answered with 503 while orders can't proceed.
pub(crate) fn told_by(aws: Aws, router: Router) -> Router {
    router.layer(middleware::from_fn(move |request: Request, next: Next| {
        let asks = request.uri().path() == PATH && [Method::GET, Method::HEAD].contains(request.method());
        let trouble = asks.then(|| trouble(&aws)).flatten();
        async move {
            match trouble {
                Some(why) => server::in_the_apis_words(&Problem::new(Kind::Unavailable, why)),
                None => next.run(request).await,
            }
        }
    }))
}

/// Tries again, until the task is aborted, whatever can't be written.
pub(crate) async fn probe(tables: Tables) {
    loop {
        tokio::time::sleep(PROBE).await;
        if matches!(tables.health(), Health::Failing(_)) {
            tables.probe().await;
        }
    }
}

/// Returns, with the reason, when this process can't do its work any more and a new one could; otherwise never.
pub(crate) async fn broken(aws: &Aws) -> String {
    tokio::select! {
        () = aws.tables.lost() => {
            "the tables could not be synced to the disk, and nobody knows what is on it".to_owned()
        }
        trouble = aws.engine.broken() => trouble.to_string(),
    }
}
