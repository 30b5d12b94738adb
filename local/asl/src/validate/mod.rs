//! Static validation, in AWS's codes and words (ValidateStateMachineDefinition, AWS Step Functions API Reference).
//!
//! Two passes, as on AWS: the form of everything first (`form`, `rules`, `expressions`, `resource`), and only when that is right, where the
//! transitions lead (`transitions`).

mod expressions;
mod form;
mod location;
mod resource;
mod rules;
mod transitions;

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::api::MachineType;
use crate::compile::{self, Language};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Severity {
    /// CreateStateMachine refuses the definition.
    Error,
    /// It accepts it.
    Warning,
}

/// One finding; it serializes to AWS's shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// AWS's code, such as `SCHEMA_VALIDATION_FAILED`.
    pub code: &'static str,
    /// AWS's words.
    pub message: String,
    /// Where, such as `/States/Charge/Resource`; absent for the definition as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

impl Diagnostic {
    /// The line of the definition's text that it is about, from 1. `None` without a location or when the text has no such place.
    pub fn line(&self, definition: &str) -> Option<usize> {
        location::line(definition, self.location.as_deref()?)
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        match &self.location {
            Some(location) => write!(f, " at {location}"),
            None => Ok(()),
        }
    }
}

/// A definition that CreateStateMachine refuses. Its text is that of AWS's InvalidDefinition exception.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// What is wrong with it; at least one is an error.
    pub diagnostics: Vec<Diagnostic>,
}

impl std::error::Error for Invalid {}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Invalid State Machine Definition: '")?;
        for (i, diagnostic) in self.diagnostics.iter().filter(|d| d.severity == Severity::Error).enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            // The exception says "at null" where a diagnostic has no location.
            let location = diagnostic.location.as_deref().unwrap_or("null");
            write!(f, "{}: {} at {location}", diagnostic.code, diagnostic.message)?;
        }
        f.write_str("'")
    }
}

impl Invalid {
    pub(crate) fn from_compile(error: &compile::Error) -> Self {
        Self { diagnostics: vec![Diagnostic::error(SCHEMA, &error.reason, Some(error.location.clone()))] }
    }
}

const SCHEMA: &str = "SCHEMA_VALIDATION_FAILED";
/// Bytes that a definition may have (AWS Step Functions Developer Guide, "Service quotas").
const MAX_DEFINITION: usize = 1 << 20;

impl Diagnostic {
    pub(crate) fn error(code: &'static str, message: impl Into<String>, location: Option<String>) -> Self {
        Self { severity: Severity::Error, code, message: message.into(), location }
    }
}

/// What is found while walking a definition.
pub(crate) struct Findings {
    kind: MachineType,
    found: Vec<Diagnostic>,
}

impl Findings {
    pub(crate) fn new(kind: MachineType) -> Self {
        Self { kind, found: Vec::new() }
    }

    pub(crate) fn add(&mut self, code: &'static str, location: &str, message: impl Into<String>) {
        self.found.push(Diagnostic::error(code, message, Some(location.to_owned())));
    }

    pub(crate) fn schema(&mut self, location: &str, message: impl Into<String>) {
        self.add(SCHEMA, location, message);
    }

    pub(crate) fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.found
    }
}

/// All findings about a definition, in AWS's order. None at all means that CreateStateMachine accepts it.
pub fn validate(definition: &str, kind: MachineType) -> Vec<Diagnostic> {
    if definition.len() > MAX_DEFINITION {
        return vec![Diagnostic::error(
            SCHEMA,
            format!("Definition must be at most {MAX_DEFINITION} bytes"),
            None,
        )];
    }
    match parse(definition) {
        Ok(definition) => check(&definition, kind),
        Err(diagnostic) => vec![diagnostic],
    }
}

/// The definition as JSON, an object.
pub(crate) fn parse(definition: &str) -> Result<Value, Diagnostic> {
    if definition.trim().is_empty() {
        return Err(Diagnostic::error(SCHEMA, "Definition must be a valid JSON object", None));
    }
    match serde_json::from_str::<Value>(definition) {
        Ok(value) if value.is_object() => Ok(value),
        Ok(_) => Err(Diagnostic::error(SCHEMA, "Definition must be a valid JSON object", None)),
        Err(error) => Err(Diagnostic::error("INVALID_JSON_DESCRIPTION", error.to_string(), None)),
    }
}

/// All findings about a parsed definition.
pub(crate) fn check(definition: &Value, kind: MachineType) -> Vec<Diagnostic> {
    let mut findings = Findings::new(kind);
    form::machine(definition, &mut findings);
    if findings.found.is_empty() {
        transitions::check(definition, &mut findings);
    }
    findings.found
}

/// All findings about one state on its own.
pub(crate) fn check_state(name: &str, state: &Value) -> Vec<Diagnostic> {
    let mut findings = Findings::new(MachineType::Standard);
    form::state(state, Language::JsonPath, &format!("/States/{name}"), &mut findings);
    findings.into_diagnostics()
}

/// An error out of findings, if one of them is an error.
pub(crate) fn reject(diagnostics: Vec<Diagnostic>) -> Result<(), Invalid> {
    if diagnostics.iter().any(|d| d.severity == Severity::Error) {
        return Err(Invalid { diagnostics });
    }
    Ok(())
}
