//! Delivers events to functions, tries again what fails, and forgets at last what nobody could be told.

use std::iter;
use std::time::Duration;

use futures::future::FutureExt as _;
use futures::stream::{FuturesUnordered, StreamExt as _};
use serde_json::Value;
use tokio::time::Instant;

use super::EventBus;
use super::deliveries::Delivery;
use super::queue::{Key, Settled};
use crate::pause::pause;

/// The pauses before the first and the second retry. Source: Lambda Developer Guide, "Error handling for
/// asynchronous invocation".
const RETRIES: &[Duration] = &[Duration::from_secs(60), Duration::from_secs(120)];
/// The number of deliveries that are made at the same time.
const AT_ONCE: usize = 128;
/// How often the store is searched for deliveries that are due.
const LOOK: Duration = Duration::from_secs(1);
/// How often old dead letters are looked for.
const FORGET: Duration = Duration::from_secs(600);

impl EventBus {
    /// Makes deliveries until the task is aborted. One that takes long keeps none of the others waiting, as long as
    /// there are fewer than [`AT_ONCE`] such.
    pub async fn deliver(self) {
        let mut looked: Option<Instant> = None;
        let mut under_way = FuturesUnordered::new();
        loop {
            let taken = self.take(AT_ONCE - under_way.len(), &mut looked);
            under_way.extend(taken.into_iter().map(|(key, delivery)| self.try_once(key, delivery)));
            tokio::select! {
                biased;
                Some(first) = under_way.next() => {
                    let mut results = vec![first];
                    results.extend(iter::from_fn(|| under_way.next().now_or_never().flatten()));
                    self.settle(results).await;
                }
                // A new delivery notifies; a retry that has become due is found by the next search.
                _ = tokio::time::timeout(LOOK, self.0.waiting.notified()) => {}
            }
        }
    }

    /// Takes new deliveries, and from time to time those that are due on disk.
    fn take(&self, limit: usize, looked: &mut Option<Instant>) -> Vec<(Key, Delivery)> {
        let mut taken = self.queue().take_fresh(limit);
        if limit > 0 && looked.is_none_or(|looked| looked.elapsed() >= LOOK) {
            *looked = Some(Instant::now());
            let due = self.queue().take_due(self.now(), limit - taken.len());
            self.note(&due);
            taken.extend(due.unwrap_or_else(|error| {
                tracing::error!(%error, "the deliveries can't be read");
                Vec::new()
            }));
        }
        taken
    }

    async fn settle(&self, results: Vec<(Key, Settled)>) {
        let settled = self.queue().settle(&results, self.now());
        self.note(&settled);
        if let Err(error) = settled {
            tracing::error!(%error, "the deliveries can't be written");
            self.queue().give_back(results.into_iter().map(|(key, _)| key));
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn try_once(&self, key: Key, delivery: Delivery) -> (Key, Settled) {
        let event = serde_json::from_str(&delivery.event).unwrap_or(Value::Null);
        let failure = match self.0.functions.invoke(&delivery.function, event).await {
            Ok(Ok(_)) => return (key, Settled::Done),
            Ok(Err(error)) => error.payload,
            Err(error) => error.to_string(),
        };
        let function = &delivery.function;
        match RETRIES.iter().take(self.0.functions.retries(function)).nth(delivery.attempts) {
            Some(pause) => {
                tracing::warn!(function, failure, "a delivery failed and will be tried again");
                (key, Settled::Again(self.now() + *pause))
            }
            None => {
                tracing::error!(function, failure, "a delivery failed for good; it is kept as a dead letter");
                (key, Settled::Dead(failure))
            }
        }
    }

    /// Forgets dead letters that are older than `retention`, in small steps, until the task is aborted.
    pub(crate) async fn forget_dead_letters(self, retention: Duration) {
        loop {
            let forgotten = self.queue().forget_dead_letters(self.now() - retention);
            match forgotten {
                // There may be more.
                Ok(true) => tokio::time::sleep(LOOK).await,
                Ok(false) => pause(&*self.0.surroundings.clock, FORGET).await,
                Err(error) => {
                    tracing::warn!(%error, "old dead letters can't be deleted");
                    pause(&*self.0.surroundings.clock, FORGET).await;
                }
            }
        }
    }
}
