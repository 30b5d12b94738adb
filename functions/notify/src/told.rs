//! What customers were told: a note for each event, so that one that comes twice is told once.
//!
//! The note is claimed before the message is sent, and completed after it. So of two invocations with the same
//! event one sends; and if that one dies before it has noted that it did, the claim runs out and the event is
//! tried again. A message is therefore sent at least once, and twice only when a function dies in the moment
//! between, or Amazon SES takes a message and its answer is lost: a customer would rather hear twice that an
//! order is on its way than never.

use std::sync::Arc;

use ambient::{Clock, Randomness};
use aws_sdk_dynamodb::operation::put_item::PutItemInput;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemInputBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use chrono::TimeDelta;
use omniflow_services::{ConfigError, DynamoDb, Environment, Item, Reason, ServiceError, Services};

/// The time for which an event is claimed. It is longer than the function may run, with the difference of two
/// clocks, and shorter than the minute after which Lambda tries an event again (AWS Lambda Developer Guide,
/// "Error handling for asynchronous invocation").
const CLAIMED_FOR: TimeDelta = TimeDelta::seconds(30);
/// The time for which a note is kept. An execution can be redriven for 14 days after its end, and then
/// publishes again what it was about to publish (AWS Step Functions Developer Guide, "Restarting state machine
/// executions with redrive").
const KEPT_FOR: TimeDelta = TimeDelta::days(30);

/// The notes, in the table of the idempotency keys, none of which begins as theirs do.
pub(crate) struct Told {
    dynamodb: Arc<dyn DynamoDb>,
    table: String,
    clock: Arc<dyn Clock>,
    randomness: Randomness,
}

/// Who tells of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Teller {
    /// This invocation, now.
    This,
    /// Nobody any more: it was told before.
    Nobody,
    /// Another invocation, which may be at it or may have died.
    Another,
}

impl Told {
    /// The notes in the table that `IDEMPOTENCY_TABLE` names.
    pub(crate) fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            dynamodb: services.dynamodb(),
            table: environment.require("IDEMPOTENCY_TABLE")?.to_owned(),
            clock: services.clock(),
            randomness: services.randomness(),
        })
    }

    /// Claims the event for this invocation, if nobody has told of it and nobody else is at it.
    pub(crate) async fn claim(&self, event_id: &str) -> Result<Teller, ServiceError> {
        let now = self.clock.now();
        let milliseconds = |number: i64| AttributeValue::N(number.to_string());
        let claim = AttributeValue::S(self.randomness.uuid_v4().to_string());
        let until = (now + CLAIMED_FOR).timestamp_millis();
        let put = self
            .note(event_id)
            .item("claim", claim.clone())
            .item("claimed_until", milliseconds(until))
            .condition_expression(
                "attribute_not_exists(#key) OR (attribute_not_exists(told_at) AND claimed_until < :now)",
            )
            .expression_attribute_names("#key", "key")
            .expression_attribute_values(":now", milliseconds(now.timestamp_millis()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = self.dynamodb.put_item(put).await else { return Ok(Teller::This) };
        let who = |found: &Item| match (found.get("told_at"), found.get("claim")) {
            (Some(_), _) => Teller::Nobody,
            // This claim was made, and its answer was lost.
            (None, Some(found)) if *found == claim => Teller::This,
            (None, _) => Teller::Another,
        };
        error.reasons.first().and_then(Reason::found).map(who).ok_or(error)
    }

    /// Notes that the event was told.
    pub(crate) async fn note_told(&self, event_id: &str) -> Result<(), ServiceError> {
        let now = AttributeValue::N(self.clock.now().timestamp_millis().to_string());
        self.dynamodb.put_item(self.note(event_id).item("told_at", now)).await
    }

    fn note(&self, event_id: &str) -> PutItemInputBuilder {
        let expires_at = (self.clock.now() + KEPT_FOR).timestamp();
        PutItemInput::builder()
            .table_name(&self.table)
            .item("key", AttributeValue::S(format!("told:{event_id}")))
            .item("expires_at", AttributeValue::N(expires_at.to_string()))
    }
}
