//! Static validation, in AWS's codes and words (ValidateStateMachineDefinition, AWS Step Functions API Reference).

mod location;

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::api::MachineType;
use crate::compile;

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

/// A definition that CreateStateMachine refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Invalid {
    /// What is wrong with it; at least one is an error.
    pub diagnostics: Vec<Diagnostic>,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Invalid State Machine Definition: '")?;
        for (i, diagnostic) in self.diagnostics.iter().filter(|d| d.severity == Severity::Error).enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{diagnostic}")?;
        }
        f.write_str("'")
    }
}

impl Invalid {
    pub(crate) fn not_json() -> Self {
        Self { diagnostics: vec![error("INVALID_JSON_DESCRIPTION", "", None)] }
    }

    pub(crate) fn from_compile(error: &compile::Error) -> Self {
        Self { diagnostics: vec![self::error(SCHEMA, &error.reason, Some(&error.location))] }
    }
}

pub(crate) const SCHEMA: &str = "SCHEMA_VALIDATION_FAILED";

pub(crate) fn error(code: &'static str, message: &str, location: Option<&str>) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        code,
        message: message.to_owned(),
        location: location.map(str::to_owned),
    }
}

/// All findings about a definition.
pub fn validate(definition: &str, _kind: MachineType) -> Vec<Diagnostic> {
    match serde_json::from_str::<Value>(definition) {
        Ok(definition) => match compile::machine(&definition) {
            Ok(_) => Vec::new(),
            Err(compile) => vec![error(SCHEMA, &compile.reason, Some(&compile.location))],
        },
        Err(_) => vec![error("INVALID_JSON_DESCRIPTION", "", None)],
    }
}

/// An error out of findings, if one of them is an error.
pub(crate) fn reject(diagnostics: Vec<Diagnostic>) -> Result<(), Invalid> {
    if diagnostics.iter().any(|d| d.severity == Severity::Error) {
        return Err(Invalid { diagnostics });
    }
    Ok(())
}
