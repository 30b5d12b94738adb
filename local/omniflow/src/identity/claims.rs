//! What a token says, and what of it must be so.

use serde_json::{Map, Value, json};
use template::Authorizer;

use super::Unbelievable;

/// How far the clocks of the issuer and of this machine may differ, in seconds. The usual allowance is "no more than a
/// few minutes" (RFC 7519, section 4.1.4).
const SKEW: i64 = 60;

/// The claims of a token that is believed, as API Gateway hands them over.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Claims(Value);

impl Claims {
    /// Believes claims that a key of the issuer has signed, if they are for this audience and this time (in seconds since
    /// 1970).
    pub(super) fn check(
        claims: Map<String, Value>,
        authorizer: &Authorizer,
        now: i64,
    ) -> Result<Self, Unbelievable> {
        if claims.get("iss").and_then(Value::as_str) != Some(authorizer.issuer.as_str()) {
            return Err(Unbelievable::Issuer);
        }
        if !is_for(&claims, &authorizer.audiences) {
            return Err(Unbelievable::Audience);
        }
        let end = claims.get("exp").and_then(seconds).ok_or(Unbelievable::NoEnd)?;
        if now.saturating_sub(SKEW) >= end {
            return Err(Unbelievable::Expired);
        }
        for beginning in ["nbf", "iat"] {
            // One that can't be read is not in the past.
            let begins = claims.get(beginning).map_or(i64::MIN, |time| seconds(time).unwrap_or(i64::MAX));
            if begins > now.saturating_add(SKEW) {
                return Err(Unbelievable::TooEarly);
            }
        }
        let texts = claims.into_iter().map(|(name, value)| (name, Value::from(text(&value))));
        Ok(Self(Value::Object(texts.collect())))
    }

    /// The claims, each as a text.
    pub(super) fn as_text(&self) -> &Value {
        &self.0
    }

    /// The scopes, which are in `scope` or, with some issuers, in `scp`.
    pub(super) fn scopes(&self) -> impl Iterator<Item = &str> {
        let texts = ["scope", "scp"].into_iter().filter_map(|name| self.0[name].as_str());
        texts.flat_map(|text| text.trim_start_matches('[').trim_end_matches(']').split_whitespace())
    }

    /// The member `authorizer` of the event's context, for a route that wants these scopes.
    pub(super) fn to_authorizer(&self, wanted: &[String]) -> Value {
        let scopes = if wanted.is_empty() { Value::Null } else { json!(wanted) };
        json!({ "jwt": { "claims": self.0, "scopes": scopes } })
    }
}

/// Whether the audience is one of these; where a token names none, as Amazon Cognito's access tokens do, its `client_id`.
fn is_for(claims: &Map<String, Value>, audiences: &[String]) -> bool {
    let taken = |given: &Value| audiences.iter().any(|audience| given == audience);
    match claims.get("aud") {
        Some(Value::Array(given)) => given.iter().any(taken),
        Some(given) => taken(given),
        None => claims.get("client_id").is_some_and(taken),
    }
}

/// A time in seconds since 1970, which may have a fraction (RFC 7519, section 2, "NumericDate").
#[allow(clippy::cast_possible_truncation, reason = "a time so far away is as good as any other")]
fn seconds(time: &Value) -> Option<i64> {
    time.as_i64().or_else(|| time.as_f64().map(|seconds| seconds as i64))
}

/// A claim as API Gateway writes it into an event: a list becomes `[a b]`.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(" ")),
        other => other.to_string(),
    }
}
