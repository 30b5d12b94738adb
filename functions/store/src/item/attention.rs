//! What an order's document says of those who decided, and of a workflow that failed.

use std::borrow::Cow;

use omniflow_domain::order::{Actor, Attention, Change, Failed, OrderRecord, Resolution, Role, Unknown};
use omniflow_domain::status::Status;
use serde::{Deserialize, Serialize};

use super::document::{Time, is_default};

/// Who signed an entry of the timeline, and what they wrote.
#[derive(Serialize, Deserialize)]
pub(super) struct SignedDocument<'a> {
    /// The place of the entry, counted from 0.
    pub(super) entry: usize,
    pub(super) by: Cow<'a, Actor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<Cow<'a, str>>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct AttentionDocument<'a> {
    since: Time,
    was: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cause: Option<Cow<'a, str>>,
    first: Time,
    #[serde(default, skip_serializing_if = "is_default")]
    tries: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retried: Option<Cow<'a, Actor>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resolution: Option<Cow<'a, Resolution>>,
    #[serde(flatten)]
    unknown: Cow<'a, Unknown>,
}

/// Who signed an entry, as the document tells it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Signer {
    /// The order's customer, who wrote nothing about it.
    Customer,
    /// An operator of whom nobody knows more, and who wrote nothing about it.
    SomeOperator,
    /// The system, of which there is nothing more to say.
    System,
    /// Anybody else.
    Named,
}

impl Signer {
    fn of(change: &Change, customer: Option<&str>) -> Option<Self> {
        let by = change.by.as_ref()?;
        let is_short = change.note.is_none() && by.email.is_none();
        Some(match by.role {
            Role::Customer if is_short && by.id.as_deref() == customer => Self::Customer,
            Role::Operator if is_short && by.id.is_none() => Self::SomeOperator,
            Role::System if is_short && by.id.is_none() => Self::System,
            Role::Customer | Role::Operator | Role::System => Self::Named,
        })
    }
}

/// The places of the entries that this signer signed.
pub(super) fn places(record: &OrderRecord, signer: Signer) -> Vec<usize> {
    let entries = record.timeline.iter().enumerate();
    let of = entries.filter(|(_, change)| Signer::of(change, record.customer_id.as_deref()) == Some(signer));
    of.map(|(place, _)| place).collect()
}

/// The entries that are signed by others than those whom the document tells shortly.
pub(super) fn signed(record: &OrderRecord) -> Vec<SignedDocument<'_>> {
    let signed = record.timeline.iter().enumerate().filter_map(|(entry, change)| {
        let signer = Signer::of(change, record.customer_id.as_deref())?;
        let by = Cow::Borrowed(change.by.as_ref().filter(|_| signer == Signer::Named)?);
        Some(SignedDocument { entry, by, note: change.note.as_deref().map(Cow::Borrowed) })
    });
    signed.collect()
}

impl<'a> From<&'a Attention> for AttentionDocument<'a> {
    fn from(attention: &'a Attention) -> Self {
        let text = |text: &'a Option<String>| text.as_deref().map(Cow::Borrowed);
        Self {
            since: Time::Milliseconds(attention.since),
            was: attention.was,
            state: text(&attention.failed.state),
            error: text(&attention.failed.error),
            cause: text(&attention.failed.cause),
            first: Time::Milliseconds(attention.first),
            tries: attention.tries,
            retried: attention.retried.as_ref().map(Cow::Borrowed),
            resolution: attention.resolution.as_ref().map(Cow::Borrowed),
            unknown: Cow::Borrowed(&attention.unknown),
        }
    }
}

impl From<AttentionDocument<'_>> for Attention {
    fn from(attention: AttentionDocument<'_>) -> Self {
        Self {
            since: attention.since.into(),
            was: attention.was,
            failed: Failed {
                state: attention.state.map(Cow::into_owned),
                error: attention.error.map(Cow::into_owned),
                cause: attention.cause.map(Cow::into_owned),
            },
            first: attention.first.into(),
            tries: attention.tries,
            retried: attention.retried.map(Cow::into_owned),
            resolution: attention.resolution.map(Cow::into_owned),
            unknown: attention.unknown.into_owned(),
        }
    }
}
