//! Attribute values: the SDK's become dynoxide's, and dynoxide's the SDK's. Texts are moved, not copied.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue as Sdk;
use aws_smithy_types::Blob;
use dynoxide::AttributeValue as Ours;
use omniflow_services::ServiceError;

/// An item, a key, or the values of an expression: values by their names.
pub(super) type Values<Value> = HashMap<String, Value>;

/// dynoxide's values for the SDK's.
pub(super) fn taken(values: Values<Sdk>) -> Result<Values<Ours>, ServiceError> {
    values.into_iter().map(|(name, value)| Ok((name, take(value)?))).collect()
}

pub(super) fn maybe_taken(values: Option<Values<Sdk>>) -> Result<Option<Values<Ours>>, ServiceError> {
    values.map(taken).transpose()
}

/// The SDK's values for dynoxide's.
pub(super) fn given(values: Values<Ours>) -> Values<Sdk> {
    values.into_iter().map(|(name, value)| (name, give(value))).collect()
}

fn take(value: Sdk) -> Result<Ours, ServiceError> {
    let bytes = |blobs: Vec<Blob>| blobs.into_iter().map(Blob::into_inner).collect();
    Ok(match value {
        Sdk::S(text) => Ours::S(text),
        Sdk::N(number) => Ours::N(number),
        Sdk::B(blob) => Ours::B(blob.into_inner()),
        Sdk::Bool(truth) => Ours::BOOL(truth),
        Sdk::Null(null) => Ours::NULL(null),
        Sdk::Ss(texts) => Ours::SS(texts),
        Sdk::Ns(numbers) => Ours::NS(numbers),
        Sdk::Bs(blobs) => Ours::BS(bytes(blobs)),
        Sdk::L(values) => Ours::L(values.into_iter().map(take).collect::<Result<_, _>>()?),
        Sdk::M(values) => Ours::M(taken(values)?),
        other => return Err(ServiceError::unsendable(format!("{other:?} is a value of an unknown type"))),
    })
}

fn give(value: Ours) -> Sdk {
    let blobs = |all: Vec<Vec<u8>>| all.into_iter().map(Blob::new).collect();
    match value {
        Ours::S(text) => Sdk::S(text),
        Ours::N(number) => Sdk::N(number),
        Ours::B(bytes) => Sdk::B(Blob::new(bytes)),
        Ours::BOOL(truth) => Sdk::Bool(truth),
        Ours::NULL(null) => Sdk::Null(null),
        Ours::SS(texts) => Sdk::Ss(texts),
        Ours::NS(numbers) => Sdk::Ns(numbers),
        Ours::BS(all) => Sdk::Bs(blobs(all)),
        Ours::L(values) => Sdk::L(values.into_iter().map(give).collect()),
        Ours::M(values) => Sdk::M(given(values)),
    }
}
