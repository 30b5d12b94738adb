//! Wait: the instant at which the execution goes on.

use chrono::TimeDelta;
use serde_json::Value;

use super::data;
use super::visit::{Visit, shown, unexpected};
use crate::error::{Evaluated, Failure, FailureKind};
use crate::graph::{Number, Wait};
use crate::time::{self, Timestamp};

/// Seconds that a Wait may last: AWS keeps them in 32 bits.
const MAX_SECONDS: i64 = i32::MAX as i64;

/// The instant at which the Wait ends. It may be in the past.
pub(super) fn until(visit: &mut Visit<'_>, wait: &Wait) -> Evaluated<Timestamp> {
    let now = visit.env.ambient.now();
    let input = data::selected_input(visit)?;
    let until = match wait {
        Wait::Seconds(Number::Path(path)) => {
            let source = path.source();
            let value = visit.look_up(path, &input).map_err(|_| {
                Failure::runtime(format!(
                    "The SecondsPath parameter does not reference an input value: {source}"
                ))
            })?;
            // AWS reads the number from the value's text, so numeric text will do.
            let seconds = value.as_i64().or_else(|| value.as_str()?.parse().ok()).ok_or_else(|| {
                let shown = shown(&value);
                Failure::runtime(format!(
                    "The SecondsPath parameter cannot be parsed as a long value: {source} == {shown}"
                ))
            })?;
            if seconds < 0 {
                return Err(Failure::runtime(format!(
                    "The SecondsPath parameter references a negative value: {source} == {seconds}"
                )));
            }
            after(now, seconds)?
        }
        Wait::Seconds(number) => {
            let seconds = visit.integer(number, "Seconds", &input)?;
            after(now, i64::try_from(seconds).unwrap_or(i64::MAX))?
        }
        Wait::Timestamp(text) => time::parse(text).ok_or_else(|| unreadable(text))?,
        Wait::TimestampPath(path) => {
            let source = path.source();
            let value = visit.look_up(path, &input).map_err(|_| {
                Failure::runtime(format!(
                    "The TimestampPath parameter does not reference an input value: {source}"
                ))
            })?;
            value.as_str().and_then(time::parse).ok_or_else(|| {
                let shown = shown(&value);
                Failure::runtime(format!(
                    "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: {source} == {shown}"
                ))
            })?
        }
        Wait::TimestampExpression(expression) => {
            let value = visit.evaluate(expression, "Timestamp")?;
            match &*value {
                Value::String(text) => time::parse(text).ok_or_else(|| unreadable(text))?,
                other => return Err(unexpected(expression, "Timestamp", "string", other)),
            }
        }
    };
    if (until - now).num_seconds() > MAX_SECONDS {
        return Err(Failure::runtime("Wait state delay is too long."));
    }
    Ok(until)
}

/// The instant that is so many seconds after now.
fn after(now: Timestamp, seconds: i64) -> Evaluated<Timestamp> {
    TimeDelta::try_seconds(seconds.min(MAX_SECONDS + 1))
        .and_then(|delay| now.checked_add_signed(delay))
        .ok_or_else(|| Failure::runtime("Wait state delay is too long."))
}

/// The failure for text that is no timestamp.
fn unreadable(text: &str) -> Failure {
    let mut failure = Failure::query(
        "Timestamp".to_owned(),
        format!(
            "The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: {text}"
        ),
    );
    if let FailureKind::Evaluation { after_entering, .. } = &mut failure.kind {
        *after_entering = true;
    }
    failure
}
