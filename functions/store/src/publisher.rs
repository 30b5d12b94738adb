//! Publishes the changes of orders, and that stock is low, to an event bus.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_eventbridge::operation::put_events::{PutEventsInput, PutEventsOutput};
use aws_sdk_eventbridge::types::{PutEventsRequestEntry, PutEventsResultEntry};

use omniflow_domain::Order;
use omniflow_domain::event::{
    DETAIL_TYPE, LOW_STOCK_DETAIL_TYPE, PAYMENT_DETAIL_TYPE, RETURN_DETAIL_TYPE, SOURCE, STOCK_SOURCE,
    of_payment, unannounced, unannounced_returns,
};
use omniflow_services::{EventBridge, ServiceError};
use serde_json::Value;

/// The largest number of entries in one request (Amazon EventBridge API Reference, "PutEvents").
const MOST_ENTRIES: usize = 10;
/// The number of times that entries are sent of which some are refused. A request that fails as a whole has
/// been sent again by the SDK already.
const ATTEMPTS: u32 = 3;
/// The pause before refused entries are sent again, which doubles each time.
const PAUSE: Duration = Duration::from_millis(50);

/// Publishes the changes of orders to one event bus.
#[derive(Clone)]
pub struct Publisher {
    events: Arc<dyn EventBridge>,
    bus: String,
}

/// Why not all changes could be published. Those before the first that could not are out.
#[derive(Debug, thiserror::Error)]
pub enum Unpublished {
    /// The request failed, so that none may be out.
    #[error("EventBridge: {0}")]
    Service(#[from] ServiceError),
    /// EventBridge took the request, and refused entries of it again and again.
    #[error("EventBridge refused an event: {code}: {message}")]
    #[allow(missing_docs, reason = "the text says it")]
    Refused { code: String, message: String },
}

impl Publisher {
    /// Makes a publisher to the bus of this name.
    pub fn new(events: Arc<dyn EventBridge>, bus: &str) -> Self {
        Self { events, bus: bus.to_owned() }
    }

    /// Publishes all that the order still has to announce, in one request. An order with nothing to announce
    /// makes none.
    ///
    /// # Errors
    /// [`Unpublished`].
    pub async fn publish(&self, order: &Order) -> Result<(), Unpublished> {
        self.put_all((SOURCE, DETAIL_TYPE), unannounced(order)).await
    }

    /// Publishes what became known of the order's money by this event of the payment provider, as far as
    /// others are told of that.
    ///
    /// # Errors
    /// [`Unpublished`].
    pub async fn publish_payment(&self, order: &Order, event: &str) -> Result<(), Unpublished> {
        self.put_all((SOURCE, PAYMENT_DETAIL_TYPE), of_payment(order, event)).await
    }

    /// Publishes that the stock of a product is low.
    ///
    /// # Errors
    /// [`Unpublished`].
    pub async fn publish_stock(&self, detail: Value) -> Result<(), Unpublished> {
        self.put_all((STOCK_SOURCE, LOW_STOCK_DETAIL_TYPE), std::iter::once(detail)).await
    }

    /// Publishes what the order has still to announce of its returns.
    ///
    /// # Errors
    /// [`Unpublished`].
    pub async fn publish_returns(&self, order: &Order) -> Result<(), Unpublished> {
        self.put_all((SOURCE, RETURN_DETAIL_TYPE), unannounced_returns(order)).await
    }

    async fn put_all(
        &self,
        (source, detail_type): (&str, &str),
        details: impl Iterator<Item = Value>,
    ) -> Result<(), Unpublished> {
        let entry = |detail: Value| {
            PutEventsRequestEntry::builder()
                .event_bus_name(&self.bus)
                .source(source)
                .detail_type(detail_type)
                .detail(detail.to_string())
                .build()
        };
        let entries: Vec<_> = details.map(entry).collect();
        for chunk in entries.chunks(MOST_ENTRIES) {
            self.put(chunk).await?;
        }
        Ok(())
    }

    /// Sends the entries until all are taken. What comes after a refused entry is sent again with it, though
    /// it may have been taken, so that whoever listens hears all changes in their order once; a change that
    /// was taken too early is heard twice. Only a request for each change would prevent that.
    async fn put(&self, entries: &[PutEventsRequestEntry]) -> Result<(), Unpublished> {
        let (mut left, mut pause) = (entries, PAUSE);
        for attempt in 1.. {
            let put = PutEventsInput::builder().set_entries(Some(left.to_vec()));
            let answer = self.events.put_events(put).await?;
            let Some(refused) = first_refused(&answer, left.len()) else { return Ok(()) };
            if attempt == ATTEMPTS {
                let text = |text: Option<&str>| text.unwrap_or("not told").to_owned();
                let told = answer.entries().get(refused);
                let code = text(told.and_then(PutEventsResultEntry::error_code));
                let message = text(told.and_then(PutEventsResultEntry::error_message));
                return Err(Unpublished::Refused { code, message });
            }
            left = left.get(refused..).unwrap_or_default();
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Ok(())
    }
}

/// The first of so many entries that was not taken, by the answer to their request. An entry is taken when it has an id
/// (Amazon EventBridge API Reference, "PutEventsResultEntry"); one that the answer says nothing of is not, unless no entry
/// at all has failed.
fn first_refused(answer: &PutEventsOutput, sent: usize) -> Option<usize> {
    let results = answer.entries();
    let refused = results.iter().position(|result| result.error_code().is_some());
    let untold = || (0..sent).find(|at| results.get(*at).is_none_or(|result| result.event_id().is_none()));
    refused.or_else(|| if answer.failed_entry_count() > 0 { untold() } else { None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(failed: i32, results: &[Result<&str, &str>]) -> PutEventsOutput {
        let results = results.iter().map(|result| match result {
            Ok(id) => PutEventsResultEntry::builder().event_id(*id).build(),
            Err(code) => PutEventsResultEntry::builder().error_code(*code).build(),
        });
        PutEventsOutput::builder().failed_entry_count(failed).set_entries(Some(results.collect())).build()
    }

    #[test]
    fn what_was_not_taken_is_found_however_the_answer_says_so() {
        for (failed, results, refused) in [
            (0, vec![Ok("1"), Ok("2"), Ok("3")], None),
            (1, vec![Ok("1"), Err("InternalFailure"), Ok("3")], Some(1)),
            (2, vec![Err("InternalFailure"), Err("InternalFailure"), Ok("3")], Some(0)),
            // The count and the entries don't agree: no event may be lost by that.
            (0, vec![Ok("1"), Ok("2"), Err("InternalFailure")], Some(2)),
            (1, vec![Ok("1"), Ok("2")], Some(2)),
            (3, vec![], Some(0)),
        ] {
            assert_eq!(first_refused(&answer(failed, &results), 3), refused, "{failed} {results:?}");
        }
    }
}
