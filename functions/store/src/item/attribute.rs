//! Attributes of an item as JSON, for those that this release doesn't know and an order keeps nevertheless.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

/// An attribute as DynamoDB's JSON has it (Amazon DynamoDB API Reference, "AttributeValue"), except that
/// binary data are lists of bytes here: nobody but [`Attribute`] reads them.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Attribute {
    S(String),
    N(String),
    B(Vec<u8>),
    #[serde(rename = "BOOL")]
    Bool(bool),
    #[serde(rename = "NULL")]
    Null(bool),
    L(Vec<Attribute>),
    M(BTreeMap<String, Attribute>),
    #[serde(rename = "SS")]
    Ss(Vec<String>),
    #[serde(rename = "NS")]
    Ns(Vec<String>),
    #[serde(rename = "BS")]
    Bs(Vec<Vec<u8>>),
}

/// An attribute of a type that the AWS SDK doesn't know.
#[derive(Debug, thiserror::Error)]
#[error("an attribute has a type that DynamoDB did not have when this release was made")]
pub(crate) struct UnknownType;

impl TryFrom<AttributeValue> for Attribute {
    type Error = UnknownType;

    fn try_from(value: AttributeValue) -> Result<Self, UnknownType> {
        use aws_sdk_dynamodb::primitives::Blob;
        Ok(match value {
            AttributeValue::S(text) => Self::S(text),
            AttributeValue::N(number) => Self::N(number),
            AttributeValue::B(bytes) => Self::B(bytes.into_inner()),
            AttributeValue::Bool(truth) => Self::Bool(truth),
            AttributeValue::Null(null) => Self::Null(null),
            AttributeValue::L(values) => {
                Self::L(values.into_iter().map(Self::try_from).collect::<Result<_, _>>()?)
            }
            AttributeValue::M(values) => Self::M(
                values
                    .into_iter()
                    .map(|(name, value)| Ok((name, Self::try_from(value)?)))
                    .collect::<Result<_, _>>()?,
            ),
            AttributeValue::Ss(texts) => Self::Ss(texts),
            AttributeValue::Ns(numbers) => Self::Ns(numbers),
            AttributeValue::Bs(blobs) => Self::Bs(blobs.into_iter().map(Blob::into_inner).collect()),
            _ => return Err(UnknownType),
        })
    }
}

impl From<Attribute> for AttributeValue {
    fn from(attribute: Attribute) -> Self {
        use aws_sdk_dynamodb::primitives::Blob;
        match attribute {
            Attribute::S(text) => Self::S(text),
            Attribute::N(number) => Self::N(number),
            Attribute::B(bytes) => Self::B(Blob::new(bytes)),
            Attribute::Bool(truth) => Self::Bool(truth),
            Attribute::Null(null) => Self::Null(null),
            Attribute::L(values) => Self::L(values.into_iter().map(Self::from).collect()),
            Attribute::M(values) => {
                Self::M(values.into_iter().map(|(name, value)| (name, value.into())).collect())
            }
            Attribute::Ss(texts) => Self::Ss(texts),
            Attribute::Ns(numbers) => Self::Ns(numbers),
            Attribute::Bs(blobs) => Self::Bs(blobs.into_iter().map(Blob::new).collect()),
        }
    }
}
