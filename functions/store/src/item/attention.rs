//! What an order's document says of those who decided, and of a workflow that failed.

use std::borrow::Cow;

use omniflow_domain::order::{Actor, Attention, Change, Failed, Resolution, Unknown};
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

pub(super) fn signed(timeline: &[Change]) -> Vec<SignedDocument<'_>> {
    let signed = timeline.iter().enumerate().filter_map(|(entry, change)| {
        let by = Cow::Borrowed(change.by.as_ref()?);
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
