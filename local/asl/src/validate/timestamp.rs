//! The form of a timestamp.

use serde_json::Value;

use super::findings::Findings;
use crate::time;

/// Checks that the value is a timestamp that Wait and the Choice operators can read.
pub(super) fn timestamp(value: &Value, location: &str, findings: &mut Findings) {
    if value.as_str().and_then(time::parse).is_none() {
        findings.schema(location, "String does not match RFC3339 timestamp");
    }
}
