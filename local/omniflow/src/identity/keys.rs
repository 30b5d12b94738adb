//! The issuer's keys as they were last fetched, and when they are fetched anew.

use std::sync::Arc;

use ambient::Clock;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex;

use super::issuer::{Error, Issuer};
use super::key::Key;
use super::token::Token;

/// The age at which keys are fetched anew, so that one that the issuer has withdrawn is not believed for long.
const RENEWED_AFTER: TimeDelta = TimeDelta::minutes(10);
/// The age up to which keys are believed while the issuer doesn't answer. API Gateway keeps them for two hours (API
/// Gateway Developer Guide, "Control access to HTTP APIs with JWT authorizers").
const BELIEVED_FOR: TimeDelta = TimeDelta::hours(2);
/// The pause between two fetches. Anybody can send tokens whose key isn't known, and the issuer must not be asked for
/// each of them, nor everybody wait for one that doesn't answer. It publishes a new key before it signs with it.
const PAUSE: TimeDelta = TimeDelta::seconds(5);

/// The keys of one issuer.
pub(super) struct Keys {
    issuer: Issuer,
    clock: Arc<dyn Clock>,
    /// Held while they are fetched, so that those who come meanwhile wait for the same answer.
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    keys: Arc<[Key]>,
    fetched: Option<DateTime<Utc>>,
    asked: Option<DateTime<Utc>>,
}

impl Keys {
    pub(super) fn of(issuer: Issuer, clock: Arc<dyn Clock>) -> Self {
        Self { issuer, clock, known: Mutex::default() }
    }

    /// The keys with which this token may be signed, among others.
    pub(super) async fn for_token(&self, token: &Token<'_>) -> Result<Arc<[Key]>, Error> {
        let mut known = self.known.lock().await;
        let now = self.clock.now();
        let older_than =
            |age: TimeDelta, time: Option<DateTime<Utc>>| time.is_none_or(|time| now - time >= age);
        let is_missing = !known.keys.iter().any(|key| token.may_be_signed_with(key));
        let is_due = older_than(RENEWED_AFTER, known.fetched) || is_missing;
        let is_believed = !older_than(BELIEVED_FOR, known.fetched);
        if is_due && older_than(PAUSE, known.asked) {
            known.asked = Some(now);
            match self.issuer.keys().await {
                Ok(keys) => {
                    known.keys = keys.into();
                    known.fetched = Some(now);
                }
                Err(error) if is_believed => {
                    tracing::warn!(%error, "the issuer's keys of before are gone on with");
                }
                Err(error) => return Err(error),
            }
        } else if !is_believed {
            return Err(Error::Again);
        }
        Ok(Arc::clone(&known.keys))
    }
}
