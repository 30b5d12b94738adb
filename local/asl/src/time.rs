//! Instants and their spelling. AWS is strict about timestamps: a Wait accepts only an ISO-8601 extended
//! offset date-time, and the context object prints them with milliseconds. Both live here so that validation
//! and execution can't disagree.

use chrono::{DateTime, SecondsFormat, SubsecRound, Utc};

/// An instant. The interpreter never reads a clock; instants come from the host's
/// [`Ambient`](crate::Ambient).
pub type Timestamp = DateTime<Utc>;

/// The instant without what is below a millisecond. A stored instant has no more than milliseconds, so a
/// timer has no more from the start: an execution that was stored and loaded in between wakes at the very
/// same instant.
pub(crate) fn floor(at: Timestamp) -> Timestamp {
    at.trunc_subsecs(3)
}

/// The spelling that the context object uses (`2024-01-31T12:00:00.123Z`).
pub(crate) fn format(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Reads an ISO-8601 extended offset date-time, as Wait's `Timestamp` and the Choice operators want it: with
/// an upper-case `T` and an offset; the seconds may be left out.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    if text.as_bytes().get(10) != Some(&b'T') {
        return None;
    }
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return (!text.ends_with('z')).then(|| at.with_timezone(&Utc));
    }
    // Seconds may be left out: java.time's ISO_OFFSET_DATE_TIME, which AWS uses, allows it.
    let (clock, offset) = text.get(11..).and_then(|rest| rest.split_at_checked(5))?;
    let full = format!("{}T{clock}:00{offset}", text.get(..10)?);
    DateTime::parse_from_rfc3339(&full).ok().map(|at| at.with_timezone(&Utc))
}
