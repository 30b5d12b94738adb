//! What the simulated gateway and warehouses remember: one item for each payment and each shipment.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::operation::get_item::GetItemInput;
use aws_sdk_dynamodb::operation::update_item::UpdateItemInput;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};

use ambient::Randomness;
use omniflow_services::{DynamoDb, Item, Reason, ServiceError, Services};

/// Why a fact could not be noted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A fact that forbids this one was noted before.
    #[error("it was forbidden before")]
    Forbidden,
    #[error("DynamoDB: {0}")]
    Service(ServiceError),
    #[error("{entry} has no {counter}")]
    NotCounted { entry: String, counter: String },
}

impl From<ServiceError> for Error {
    fn from(error: ServiceError) -> Self {
        match error.code.as_deref() {
            Some("ConditionalCheckFailedException") => Self::Forbidden,
            _ => Self::Service(error),
        }
    }
}

/// The table of the simulated gateway and warehouses, and the time that each of their calls takes.
#[derive(Clone)]
pub struct Ledger {
    dynamodb: Arc<dyn DynamoDb>,
    table: String,
    latency: Duration,
    randomness: Randomness,
}

impl Ledger {
    /// Makes a ledger in this table, for a gateway or warehouses whose calls take `latency` each.
    pub fn new(services: &impl Services, table: &str, latency: Duration) -> Self {
        Self {
            dynamodb: services.dynamodb(),
            table: table.to_owned(),
            latency,
            randomness: services.randomness(),
        }
    }

    /// Waits for as long as a call takes.
    pub(crate) async fn think(&self) {
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
    }

    /// Counts an attempt, and gives its number, which is 1 for the first. An attempt whose count was answered
    /// into the void is counted once, by its name.
    pub(crate) async fn attempt(&self, entry: &str, counter: &str) -> Result<u32, Error> {
        let attempt = AttributeValue::S(self.randomness.uuid_v4().to_string());
        let update = UpdateItemInput::builder()
            .table_name(&self.table)
            .key("entry", AttributeValue::S(entry.to_owned()))
            .update_expression("ADD #counter :one SET latest_attempt = :attempt")
            .condition_expression("attribute_not_exists(latest_attempt) OR latest_attempt <> :attempt")
            .expression_attribute_names("#counter", counter)
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .expression_attribute_values(":attempt", attempt)
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let counted = match self.dynamodb.update_item(update).await {
            Ok(counted) => counted.attributes.unwrap_or_default(),
            Err(error) => found(error)?,
        };
        let count = counted.get(counter).and_then(|count| count.as_n().ok()?.parse().ok());
        count.ok_or_else(|| Error::NotCounted { entry: entry.to_owned(), counter: counter.to_owned() })
    }

    /// What was noted so far; nothing when there is no such entry.
    pub(crate) async fn known(&self, entry: &str) -> Result<Item, Error> {
        let get = GetItemInput::builder()
            .table_name(&self.table)
            .key("entry", AttributeValue::S(entry.to_owned()))
            .consistent_read(true);
        Ok(self.dynamodb.get_item(get).await?.item.unwrap_or_default())
    }

    /// Notes a fact, unless it or `unless` was noted before, and gives the entry as it is then. A fact that
    /// was noted before `unless` stands: whoever noted it may be asking again.
    pub(crate) async fn note(
        &self,
        entry: &str,
        (name, value): (&str, &str),
        unless: Option<&str>,
    ) -> Result<Item, Error> {
        let mut update = UpdateItemInput::builder()
            .table_name(&self.table)
            .key("entry", AttributeValue::S(entry.to_owned()))
            .update_expression("SET #fact = if_not_exists(#fact, :value)")
            .expression_attribute_names("#fact", name)
            .expression_attribute_values(":value", AttributeValue::S(value.to_owned()))
            .return_values(ReturnValue::AllNew);
        if let Some(unless) = unless {
            update = update
                .condition_expression("attribute_not_exists(#unless)")
                .expression_attribute_names("#unless", unless)
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        }
        match self.dynamodb.update_item(update).await {
            Ok(noted) => Ok(noted.attributes.unwrap_or_default()),
            Err(error) => match found(error)? {
                known if known.contains_key(name) => Ok(known),
                _ => Err(Error::Forbidden),
            },
        }
    }

    /// Notes that a part of what was captured is given back for this purpose, once, and never more than `all` in sum.
    pub(crate) async fn note_part(
        &self,
        entry: &str,
        purpose: &str,
        units: u64,
        all: u64,
    ) -> Result<(), Error> {
        let Some(most_before) = all.checked_sub(units) else { return Err(Error::Forbidden) };
        let number = |number: u64| AttributeValue::N(number.to_string());
        let part = format!("refunded_{purpose}");
        let update = UpdateItemInput::builder()
            .table_name(&self.table)
            .key("entry", AttributeValue::S(entry.to_owned()))
            .update_expression("SET #part = :units ADD refunded_units :units")
            .condition_expression(
                "attribute_exists(captured) AND attribute_not_exists(refunded) AND attribute_not_exists(#part) AND (attribute_not_exists(refunded_units) OR refunded_units <= :most_before)",
            )
            .expression_attribute_names("#part", &part)
            .expression_attribute_values(":units", number(units))
            .expression_attribute_values(":most_before", number(most_before))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match self.dynamodb.update_item(update).await {
            Ok(_) => Ok(()),
            Err(error) if error.code.as_deref() == Some("ConditionalCheckFailedException") => {
                match found(error)?.contains_key(&part) {
                    true => Ok(()),
                    false => Err(Error::Forbidden),
                }
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// The entry that was found when the condition of a write failed.
fn found(error: ServiceError) -> Result<Item, Error> {
    match error.reasons.first().and_then(Reason::found) {
        Some(item) => Ok(item.clone()),
        None => Err(error.into()),
    }
}
