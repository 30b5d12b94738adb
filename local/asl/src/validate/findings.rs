//! What is found while walking a definition, and the checks that many fields share.

use serde_json::{Map, Value};

use super::diagnostic::{Diagnostic, SCHEMA};
use crate::api::MachineType;

/// The findings so far about a machine of the given type.
pub(super) struct Findings {
    pub(super) kind: MachineType,
    found: Vec<Diagnostic>,
}

impl Findings {
    pub(super) fn new(kind: MachineType) -> Self {
        Self { kind, found: Vec::new() }
    }

    /// Reports a fault at a location.
    pub(super) fn add(&mut self, code: &'static str, location: &str, message: impl Into<String>) {
        self.found.push(Diagnostic::error(code, message, Some(location.to_owned())));
    }

    /// Reports a fault of the definition as a whole.
    pub(super) fn add_overall(&mut self, code: &'static str, message: impl Into<String>) {
        self.found.push(Diagnostic::error(code, message, None));
    }

    /// Reports a fault of form at a location.
    pub(super) fn schema(&mut self, location: &str, message: impl Into<String>) {
        self.add(SCHEMA, location, message);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(super) fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.found
    }
}

/// Reports the fields that must be there and are not.
pub(super) fn require(map: &Map<String, Value>, fields: &[&str], location: &str, findings: &mut Findings) {
    let missing: Vec<&str> = fields.iter().copied().filter(|field| !map.contains_key(*field)).collect();
    if !missing.is_empty() {
        findings.schema(location, format!("These fields are required: [{}]", missing.join(", ")));
    }
}

/// Reports fields that exclude each other.
pub(super) fn only_one_of(
    map: &Map<String, Value>,
    fields: &[&str],
    location: &str,
    findings: &mut Findings,
) {
    let present: Vec<&str> = fields.iter().copied().filter(|field| map.contains_key(*field)).collect();
    if present.len() > 1 {
        findings.schema(
            location,
            format!("There should only be one of the following fields: [{}]", present.join(", ")),
        );
    }
}

/// The items of a list, which must not be empty. An absent field has none, and nothing is reported.
pub(super) fn items<'m>(
    map: &'m Map<String, Value>,
    field: &str,
    location: &str,
    findings: &mut Findings,
) -> &'m [Value] {
    match map.get(field) {
        Some(Value::Array(items)) if items.is_empty() => {
            findings.schema(&format!("{location}/{field}"), "Value cannot be empty");
            &[]
        }
        Some(Value::Array(items)) => items,
        Some(_) => {
            findings.schema(&format!("{location}/{field}"), "Expected value of type Array");
            &[]
        }
        None => &[],
    }
}
