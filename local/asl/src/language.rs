//! The two query languages of a definition (Amazon States Language, "QueryLanguage").

use serde_json::Value;

/// The language in which a part of a definition writes its paths and expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    JsonPath,
    Jsonata,
}

impl Language {
    /// The language of a state or a machine that stands inside a part of the `outer` language. A part without
    /// a `QueryLanguage` field has the language of what is around it.
    pub(crate) fn of(part: &Value, outer: Self) -> Self {
        match part.get("QueryLanguage").and_then(Value::as_str) {
            Some("JSONata") => Self::Jsonata,
            Some("JSONPath") => Self::JsonPath,
            _ => outer,
        }
    }

    /// The language as the field `QueryLanguage` writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::JsonPath => "JSONPath",
            Self::Jsonata => "JSONata",
        }
    }
}
