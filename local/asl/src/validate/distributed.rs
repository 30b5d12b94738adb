//! What only a Distributed Map has (AWS Step Functions Developer Guide, "Using Map state in Distributed mode").

use serde_json::{Map, Value};

use super::findings::{Findings, only_one_of, require};
use super::{expressions, types};
use crate::api::MachineType;
use crate::language::Language;

/// Characters that a Label may have (the Developer Guide, "Map state", `Label`).
const MAX_LABEL: usize = 40;
/// Bytes that the input of a batch may have (the Developer Guide, "ItemBatcher", `MaxInputBytesPerBatch`).
const MAX_BATCH_BYTES: f64 = 262_144.0;

/// Checks a Distributed Map at `location`, whose processor stands at `inside`.
pub(super) fn check(
    map: &Map<String, Value>,
    processor: &Value,
    language: Language,
    location: &str,
    inside: &str,
    findings: &mut Findings,
) {
    let config = format!("{inside}/ProcessorConfig");
    if findings.kind == MachineType::Express {
        findings.schema(&config, "Express state machine does not support Map state in 'DISTRIBUTED' mode");
    }
    match processor.pointer("/ProcessorConfig/ExecutionType") {
        None => findings.schema(&config, "These fields are required: [ExecutionType]"),
        Some(Value::String(of)) if of == "STANDARD" || of == "EXPRESS" => {}
        Some(_) => findings.schema(
            &format!("{config}/ExecutionType"),
            "Value should be one of the following: [STANDARD, EXPRESS]",
        ),
    }
    if let Some(Value::String(label)) = map.get("Label") {
        check_label(label, &format!("{location}/Label"), findings);
    }
    if let Some(Value::Object(batcher)) = map.get("ItemBatcher") {
        check_batcher(batcher, language, &format!("{location}/ItemBatcher"), findings);
    }
}

/// Checks a Label, which becomes a part of ARNs.
fn check_label(label: &str, location: &str, findings: &mut Findings) {
    let forbidden = |c: char| c.is_whitespace() || c.is_control() || "?*<>{}[]:;,\\|^~$#%&`\"/".contains(c);
    if label.is_empty() || label.chars().count() > MAX_LABEL {
        findings.schema(location, format!("Label must be between 1 and {MAX_LABEL} characters long"));
    } else if label.contains(forbidden) {
        findings.schema(location, "Label contains invalid characters");
    }
}

fn check_batcher(batcher: &Map<String, Value>, language: Language, location: &str, findings: &mut Findings) {
    let (items, bytes) = (
        ["MaxItemsPerBatch", "MaxItemsPerBatchPath"],
        ["MaxInputBytesPerBatch", "MaxInputBytesPerBatchPath"],
    );
    let known = |field: &&String| {
        let field = field.as_str();
        let paths = language == Language::JsonPath;
        field == "BatchInput"
            || [items, bytes].iter().any(|[plain, path]| field == *plain || (paths && field == *path))
    };
    for field in batcher.keys().filter(|field| !known(field)) {
        findings.schema(location, format!("Field '{field}' is not supported"));
    }
    only_one_of(batcher, &items, location, findings);
    only_one_of(batcher, &bytes, location, findings);
    if !items.iter().chain(&bytes).any(|field| batcher.contains_key(*field)) {
        require(batcher, &["MaxItemsPerBatch"], location, findings);
    }
    for [field, _] in [items, bytes] {
        if let Some(value) = batcher.get(field) {
            types::number(value, 1.0, true, language, &format!("{location}/{field}"), findings);
        }
    }
    if batcher.get(bytes[0]).and_then(Value::as_f64).is_some_and(|bytes| bytes > MAX_BATCH_BYTES) {
        let message = format!("Maximum value is {MAX_BATCH_BYTES}");
        findings.schema(&format!("{location}/{}", bytes[0]), message);
    }
    if language == Language::JsonPath {
        expressions::batcher(batcher, location, findings);
    }
}
