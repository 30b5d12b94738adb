//! EventBridge as the functions call it.

use std::sync::Arc;

use aws_sdk_eventbridge::operation::put_events::PutEventsOutput;
use aws_sdk_eventbridge::operation::put_events::builders::PutEventsInputBuilder;
use aws_sdk_eventbridge::types::{PutEventsRequestEntry, PutEventsResultEntry};
use futures::future::BoxFuture;
use omniflow_services::{EventBridge, ServiceError, ServiceFuture};
use serde::Deserialize;

use super::retries::{self, ATTEMPTS, Fate};
use crate::fault::Fault;
use crate::planted::Planted;
use crate::world::World;

/// The seam.
#[derive(Clone)]
pub struct Events {
    world: Arc<World>,
    behind: Arc<dyn EventBridge>,
}

/// The detail of an event about an order, as far as the books want it.
#[derive(Deserialize)]
struct Detail {
    order_id: String,
    event_id: String,
}

impl Events {
    /// The seam before this EventBridge.
    pub fn new(world: Arc<World>, behind: Arc<dyn EventBridge>) -> Self {
        Self { world, behind }
    }

    /// Has the bus take the entries, and notes which it took.
    async fn take(&self, entries: Vec<PutEventsRequestEntry>) -> Result<PutEventsOutput, ServiceError> {
        let put = PutEventsInputBuilder::default().set_entries(Some(entries.clone()));
        let answer = self.behind.put_events(put).await?;
        if let Some(account) = &self.world.capacity {
            account.published(entries.len());
        }
        for (entry, result) in entries.iter().zip(answer.entries()) {
            let detail = entry.detail().and_then(|detail| serde_json::from_str::<Detail>(detail).ok());
            if let (Some(Detail { order_id, event_id }), Some(_)) = (detail, result.event_id()) {
                self.world.note(&order_id, format_args!("published {event_id}"));
                self.world.books(|books| books.published(&order_id, &event_id));
            }
        }
        Ok(answer)
    }

    fn fate(&self) -> Fate {
        let world = &self.world;
        if let Some(refusal) = world.capacity.as_ref().and_then(|account| account.call("PutEvents")) {
            Fate::Refused(refusal, true)
        } else if world.faults.is_out(Fault::EventsOut) {
            Fate::Unanswered
        } else if world.happens(Fault::EventsRefused) {
            Fate::Refused(ServiceError::new("InternalException", "refused by the simulation"), true)
        } else if world.happens(Fault::EventsAnswerLost) {
            Fate::AnswerLost
        } else {
            Fate::Done
        }
    }

    async fn put(&self, entries: Vec<PutEventsRequestEntry>) -> Result<PutEventsOutput, ServiceError> {
        let perform = |entries| -> BoxFuture<'static, _> { Box::pin(self.clone().perform(entries)) };
        // The bus delivers late, and takes nothing late.
        let late = |_, _| ();
        retries::call(&self.world, "PutEvents", ATTEMPTS, entries, || self.fate(), perform, late).await
    }

    /// Does what an attempt asks for that comes through.
    async fn perform(self, entries: Vec<PutEventsRequestEntry>) -> Result<PutEventsOutput, ServiceError> {
        if self.world.happens(Fault::EventsHalfRefused) {
            return self.take_half(entries).await;
        }
        if self.world.happens(Fault::EventsDoubled) {
            self.take(entries.clone()).await?;
        }
        self.take(entries).await
    }

    /// Takes the entries but the last, which is refused.
    async fn take_half(
        &self,
        mut entries: Vec<PutEventsRequestEntry>,
    ) -> Result<PutEventsOutput, ServiceError> {
        self.world.note_here(format_args!("PutEvents: the last entry is refused"));
        entries.pop();
        let mut results = match entries.is_empty() {
            true => Vec::new(),
            false => self.take(entries).await?.entries.unwrap_or_default(),
        };
        let refused = PutEventsResultEntry::builder().error_code("InternalFailure").error_message("refused");
        results.push(refused.build());
        Ok(PutEventsOutput::builder().failed_entry_count(1).set_entries(Some(results)).build())
    }
}

impl EventBridge for Events {
    fn put_events(&self, request: PutEventsInputBuilder) -> ServiceFuture<'_, PutEventsOutput> {
        Box::pin(async move {
            let entries = request.get_entries().clone().unwrap_or_default();
            if self.world.has(Planted::EventsSwallowed) {
                let count = entries.len();
                // Whatever came of it.
                drop(self.put(entries).await);
                return Ok(taken(count));
            }
            if self.world.has(Planted::EventForgotten) && entries.len() > 1 {
                return self.put(entries.into_iter().skip(1).collect()).await;
            }
            self.put(entries).await
        })
    }
}

/// An answer that says that all entries were taken.
fn taken(count: usize) -> PutEventsOutput {
    let results = (0..count).map(|_| PutEventsResultEntry::builder().event_id("taken").build());
    PutEventsOutput::builder().failed_entry_count(0).set_entries(Some(results.collect())).build()
}
