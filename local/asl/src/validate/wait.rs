//! The form of a Wait.

use serde_json::{Map, Value};

use super::findings::{Findings, only_one_of};
use super::timestamp::timestamp;
use crate::jsonata;
use crate::language::Language;

pub(super) fn wait(map: &Map<String, Value>, language: Language, location: &str, findings: &mut Findings) {
    const WAYS: [&str; 4] = ["Seconds", "SecondsPath", "Timestamp", "TimestampPath"];
    only_one_of(map, &WAYS, location, findings);
    if !WAYS.iter().any(|way| map.contains_key(*way)) {
        let ways = WAYS.join(", ");
        findings.schema(location, format!("There should be at least one of the following fields: [{ways}]"));
    }
    if let Some(value) = map.get("Timestamp") {
        let expression = value.as_str().and_then(jsonata::delimited).is_some();
        if language == Language::JsonPath || !expression {
            timestamp(value, &format!("{location}/Timestamp"), findings);
        }
    }
}
