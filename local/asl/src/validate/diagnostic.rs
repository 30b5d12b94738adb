//! Findings about a definition, in the form in which AWS reports them.

use std::fmt;

use serde::Serialize;

use super::location;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Severity {
    /// CreateStateMachine refuses a definition with such a finding.
    Error,
    /// CreateStateMachine accepts a definition with such a finding.
    Warning,
}

/// One finding. It serializes to the shape of ValidateStateMachineDefinitionDiagnostic (AWS Step Functions
/// API Reference).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Whether AWS would refuse the definition for it.
    pub severity: Severity,
    /// AWS's code, such as `SCHEMA_VALIDATION_FAILED`.
    pub code: &'static str,
    /// What is wrong, in AWS's words.
    pub message: String,
    /// The place in the definition, such as `/States/Charge/Resource`; absent when it is about the whole
    /// definition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

impl Diagnostic {
    /// The line of the definition's text that the finding is about, from 1. `None` when the finding has no
    /// location, or the text has no such place.
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

/// CreateStateMachine would refuse the definition. The text is that of AWS's InvalidDefinition exception.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// What was found. At least one of the findings is an error.
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
    /// A definition whose only fault is one of form.
    pub(crate) fn schema(message: String, location: String) -> Self {
        Self { diagnostics: vec![Diagnostic::error(SCHEMA, message, Some(location))] }
    }
}

/// AWS's code for a fault of form.
pub(super) const SCHEMA: &str = "SCHEMA_VALIDATION_FAILED";

impl Diagnostic {
    pub(super) fn error(code: &'static str, message: impl Into<String>, location: Option<String>) -> Self {
        Self { severity: Severity::Error, code, message: message.into(), location }
    }
}
