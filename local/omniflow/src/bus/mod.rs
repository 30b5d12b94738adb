//! EventBridge on one machine: events matched against the template's rules, delivered to functions.
//!
//! A delivery is a row until its function has answered, so it survives a crash; a function that fails is tried again,
//! as Lambda does with asynchronous invocations: twice, after one and after two minutes. What still fails is logged
//! and kept in the dead letters.

mod deliveries;
mod pattern;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{SecondsFormat, Utc};
use futures::future::join_all;
use serde_json::{Value, json};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::lambda::Functions;
use crate::template::{Place, Rule};
use deliveries::{Deliveries, Delivery};
pub use pattern::Pattern;

/// Lambda Developer Guide, "Error handling for asynchronous invocation".
const RETRIES: &[Duration] = &[Duration::from_secs(60), Duration::from_secs(120)];
/// Deliveries made at the same time.
const AT_ONCE: usize = 32;

/// Why the bus failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule's pattern uses what isn't supported.
    #[error("rule {rule}: {problem}")]
    Pattern {
        /// The rule.
        rule: String,
        /// What about it.
        problem: String,
    },
    /// The deliveries can't be stored.
    #[error("the deliveries can't be stored: {0}")]
    Store(#[from] rusqlite::Error),
}

/// Why an entry of PutEvents was refused.
#[derive(Debug)]
pub struct Refusal {
    /// EventBridge's code.
    pub code: &'static str,
    /// EventBridge's words.
    pub message: &'static str,
}

/// One entry of PutEvents.
#[derive(Debug, Clone)]
pub struct PutEvent {
    /// Given to the event here.
    pub id: String,
    bus: String,
    source: String,
    detail_type: String,
    detail: Value,
    resources: Value,
}

impl PutEvent {
    /// Reads an entry.
    ///
    /// # Errors
    /// As EventBridge refuses it: a member is missing or the detail is no JSON object.
    pub fn parse(entry: &Value) -> Result<Self, Refusal> {
        let text = |name: &str| entry[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let missing = |message| Refusal { code: "InvalidArgument", message };
        let detail = serde_json::from_str(entry["Detail"].as_str().unwrap_or_default());
        let detail = detail.ok().filter(Value::is_object);
        let bus = text("EventBusName").unwrap_or_else(|| "default".to_owned());
        Ok(Self {
            id: Uuid::now_v7().to_string(),
            bus: bus.rsplit('/').next().unwrap_or_default().to_owned(),
            source: text("Source")
                .ok_or(missing("Parameter Source is not valid. Reason: Source is a required argument."))?,
            detail_type: text("DetailType").ok_or(missing(
                "Parameter DetailType is not valid. Reason: DetailType is a required argument.",
            ))?,
            detail: detail.ok_or(Refusal { code: "MalformedDetail", message: "Detail is malformed." })?,
            resources: entry.get("Resources").cloned().unwrap_or_else(|| json!([])),
        })
    }

    fn event(&self, place: &Place) -> Value {
        json!({
            "version": "0",
            "id": self.id,
            "detail-type": self.detail_type,
            "source": self.source,
            "account": place.account,
            "time": Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
            "region": place.region,
            "resources": self.resources,
            "detail": self.detail,
        })
    }
}

/// The buses of one runtime. Clones share them.
#[derive(Clone)]
pub struct EventBus(Arc<Inner>);

struct Inner {
    rules: Vec<(Rule, Pattern)>,
    place: Place,
    deliveries: Deliveries,
    functions: Functions,
    waiting: Notify,
}

impl EventBus {
    /// Buses with these rules, whose deliveries are stored in the file `store`.
    ///
    /// # Errors
    /// When a pattern uses what isn't supported or the file can't be opened.
    pub fn open(rules: Vec<Rule>, place: Place, store: &Path, functions: Functions) -> Result<Self, Error> {
        let rules = rules.into_iter().map(|rule| {
            let pattern = Pattern::parse(&rule.pattern)
                .map_err(|problem| Error::Pattern { rule: rule.name.clone(), problem })?;
            Ok((rule, pattern))
        });
        let rules = rules.collect::<Result<_, Error>>()?;
        let deliveries = Deliveries::open(store)?;
        Ok(Self(Arc::new(Inner { rules, place, deliveries, functions, waiting: Notify::new() })))
    }

    /// Takes events; what a rule matches is stored for delivery.
    ///
    /// # Errors
    /// When the deliveries can't be stored; then none is.
    pub fn put<'a>(&self, events: impl Iterator<Item = &'a PutEvent>) -> Result<(), Error> {
        let mut matched = Vec::new();
        for put in events {
            let event = put.event(&self.0.place);
            let rules =
                self.0.rules.iter().filter(|(rule, pattern)| rule.bus == put.bus && pattern.matches(&event));
            matched.extend(rules.map(|(rule, _)| (rule.function.clone(), event.to_string())));
        }
        if !matched.is_empty() {
            self.0.deliveries.add(&matched, Utc::now())?;
            self.0.waiting.notify_one();
        }
        Ok(())
    }

    /// Delivers for ever.
    pub async fn deliver(self) {
        loop {
            let due = self.0.deliveries.due(Utc::now(), AT_ONCE).unwrap_or_else(|error| {
                tracing::error!(%error, "the deliveries can't be read");
                Vec::new()
            });
            if due.is_empty() {
                // New ones notify; retries are found by looking again.
                let _ = tokio::time::timeout(Duration::from_secs(1), self.0.waiting.notified()).await;
                continue;
            }
            let results = join_all(due.into_iter().map(|delivery| self.try_once(delivery))).await;
            if let Err(error) = self.0.deliveries.settle(&results) {
                tracing::error!(%error, "the deliveries can't be written");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }

    async fn try_once(&self, delivery: Delivery) -> (Delivery, deliveries::Settled) {
        let event = serde_json::from_str(&delivery.event).unwrap_or(Value::Null);
        let failure = match self.0.functions.invoke(&delivery.function, event).await {
            Ok(Ok(_)) => return (delivery, deliveries::Settled::Done),
            Ok(Err(error)) => error.payload,
            Err(error) => error.to_string(),
        };
        let function = &delivery.function;
        match RETRIES.get(delivery.attempts) {
            Some(pause) => {
                tracing::warn!(function, failure, "a delivery failed and will be tried again");
                (delivery, deliveries::Settled::Again(Utc::now() + *pause))
            }
            None => {
                tracing::error!(function, failure, "a delivery failed for good; it is kept as a dead letter");
                (delivery, deliveries::Settled::Dead(failure))
            }
        }
    }
}
