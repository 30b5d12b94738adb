//! What an order's document says of its returns.

use std::borrow::Cow;

use omniflow_domain::Currency;
use omniflow_domain::money::{self, Money};
use omniflow_domain::order::returns::{
    Return, ReturnAttention, ReturnChange, ReturnLine, ReturnSignal, ReturnState, ReturnStep, ReturnTask,
};
use omniflow_domain::order::{Actor, Failed, Token, Unknown};
use serde::{Deserialize, Serialize};

use super::document::{Time, first_execution, is_default, is_first_execution};

#[derive(Serialize, Deserialize)]
pub(super) struct ReturnDocument<'a> {
    number: u32,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    reason: Cow<'a, str>,
    lines: Cow<'a, [ReturnLine]>,
    value: String,
    state: ReturnState,
    history: Vec<ChangeDocument<'a>>,
    announced: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refund: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attention: Option<ReturnAttentionDocument<'a>>,
    #[serde(default = "first_execution", skip_serializing_if = "is_first_execution")]
    execution: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task: Option<TaskDocument<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending: Option<ReturnSignal>,
    #[serde(flatten)]
    unknown: Cow<'a, Unknown>,
}

#[derive(Serialize, Deserialize)]
struct ChangeDocument<'a> {
    state: ReturnState,
    at: Time,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<Cow<'a, Actor>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<Cow<'a, str>>,
}

#[derive(Serialize, Deserialize)]
struct ReturnAttentionDocument<'a> {
    since: Time,
    was: ReturnState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cause: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "is_default")]
    tries: u32,
    first: Time,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retried: Option<Cow<'a, Actor>>,
}

#[derive(Serialize, Deserialize)]
struct TaskDocument<'a> {
    step: ReturnStep,
    token: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "is_default")]
    redrive: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    attempt: u64,
}

#[allow(clippy::ref_option, reason = "the fields are such")]
fn text(text: &Option<String>) -> Option<Cow<'_, str>> {
    text.as_deref().map(Cow::Borrowed)
}

impl<'a> From<&'a Return> for ReturnDocument<'a> {
    fn from(it: &'a Return) -> Self {
        let change = |change: &'a ReturnChange| ChangeDocument {
            state: change.state,
            at: Time::Milliseconds(change.at),
            by: change.by.as_ref().map(Cow::Borrowed),
            note: text(&change.note),
        };
        Self {
            number: it.number,
            reason: Cow::Borrowed(&it.reason),
            lines: Cow::Borrowed(&it.lines),
            value: it.value.to_string(),
            state: it.state,
            history: it.history.iter().map(change).collect(),
            announced: it.announced,
            refund: it.refund.map(|refund| refund.to_string()),
            attention: it.attention.as_ref().map(ReturnAttentionDocument::from),
            execution: it.execution,
            task: it.task.as_ref().map(TaskDocument::from),
            pending: it.pending,
            unknown: Cow::Borrowed(&it.unknown),
        }
    }
}

impl<'a> From<&'a ReturnAttention> for ReturnAttentionDocument<'a> {
    fn from(attention: &'a ReturnAttention) -> Self {
        Self {
            since: Time::Milliseconds(attention.since),
            was: attention.was,
            state: text(&attention.failed.state),
            error: text(&attention.failed.error),
            cause: text(&attention.failed.cause),
            tries: attention.tries,
            first: Time::Milliseconds(attention.first),
            retried: attention.retried.as_ref().map(Cow::Borrowed),
        }
    }
}

impl<'a> From<&'a ReturnTask> for TaskDocument<'a> {
    fn from(task: &'a ReturnTask) -> Self {
        let Token { token, redrive, attempt } = &task.token;
        Self { step: task.step, token: Cow::Borrowed(token), redrive: *redrive, attempt: *attempt }
    }
}

impl ReturnDocument<'_> {
    /// The return, with its amounts in this currency.
    pub(super) fn into_return(self, currency: Currency) -> Result<Return, money::Error> {
        let change = |change: ChangeDocument<'_>| ReturnChange {
            state: change.state,
            at: change.at.into(),
            by: change.by.map(Cow::into_owned),
            note: change.note.map(Cow::into_owned),
        };
        Ok(Return {
            number: self.number,
            reason: self.reason.into_owned(),
            lines: self.lines.into_owned(),
            value: Money::parse(&self.value, currency)?,
            state: self.state,
            history: self.history.into_iter().map(change).collect(),
            announced: self.announced,
            refund: self.refund.map(|refund| Money::parse(&refund, currency)).transpose()?,
            attention: self.attention.map(Into::into),
            execution: self.execution,
            task: self.task.map(Into::into),
            pending: self.pending,
            unknown: self.unknown.into_owned(),
        })
    }
}

impl From<ReturnAttentionDocument<'_>> for ReturnAttention {
    fn from(attention: ReturnAttentionDocument<'_>) -> Self {
        Self {
            since: attention.since.into(),
            was: attention.was,
            failed: Failed {
                state: attention.state.map(Cow::into_owned),
                error: attention.error.map(Cow::into_owned),
                cause: attention.cause.map(Cow::into_owned),
            },
            tries: attention.tries,
            first: attention.first.into(),
            retried: attention.retried.map(Cow::into_owned),
        }
    }
}

impl From<TaskDocument<'_>> for ReturnTask {
    fn from(task: TaskDocument<'_>) -> Self {
        let TaskDocument { step, token, redrive, attempt } = task;
        Self { step, token: Token { token: token.into_owned(), redrive, attempt } }
    }
}
