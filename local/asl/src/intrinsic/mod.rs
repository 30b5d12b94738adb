//! Intrinsic functions, `States.Format('{}', $.name)` (Amazon States Language, "Intrinsic Functions"; AWS Step Functions Developer Guide,
//! "Intrinsics for JSONPath states").

mod functions;
mod parse;

use serde_json::Value;

use crate::jsonpath::{JsonPath, Missing};

pub(crate) use functions::{hash, json_number, mix, range, uuid};

/// A compiled call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    source: String,
    function: Function,
    arguments: Vec<Argument>,
}

/// One argument of a call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Argument {
    /// A number, `true`, `false` or `null`.
    Literal(Value),
    /// Text in single quotes.
    Text {
        /// Without its escapes.
        plain: String,
        /// With them, for States.Format to tell `\\{}` from a placeholder.
        template: String,
    },
    /// A path.
    Path(JsonPath),
    /// A call within a call.
    Call(Call),
}

/// The functions there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Array,
    ArrayContains,
    ArrayGetItem,
    ArrayLength,
    ArrayPartition,
    ArrayRange,
    ArrayUnique,
    Base64Decode,
    Base64Encode,
    Format,
    Hash,
    JsonMerge,
    JsonToString,
    MathAdd,
    MathRandom,
    StringSplit,
    StringToJson,
    Uuid,
}

/// What a call needs from around it.
pub(crate) trait Surroundings {
    /// The value of a path argument.
    fn resolve(&mut self, path: &JsonPath) -> Result<Value, Missing>;
    /// 64 random bits.
    fn random(&mut self) -> u64;
}

/// Why a call has no value.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum Error {
    /// A path argument leads nowhere.
    #[error("{missing}")]
    Path {
        /// The path.
        path: String,
        /// Jayway's reason.
        missing: Missing,
    },
    /// The function refused its arguments (error `States.IntrinsicFailure`).
    #[error("{0}")]
    Failure(String),
}

impl Call {
    /// Compiles a call; `None` when AWS's parser would refuse it.
    pub(crate) fn parse(source: &str) -> Option<Self> {
        parse::call(source)
    }

    /// As in the definition.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// Every path in it, inner calls included.
    pub(crate) fn paths(&self) -> Vec<&JsonPath> {
        self.arguments
            .iter()
            .flat_map(|argument| match argument {
                Argument::Path(path) => vec![path],
                Argument::Call(call) => call.paths(),
                Argument::Literal(_) | Argument::Text { .. } => Vec::new(),
            })
            .collect()
    }

    /// Evaluates the call.
    pub(crate) fn evaluate(&self, around: &mut dyn Surroundings) -> Result<Value, Error> {
        let mut values = Vec::with_capacity(self.arguments.len());
        for (i, argument) in self.arguments.iter().enumerate() {
            values.push(match argument {
                Argument::Literal(value) => value.clone(),
                Argument::Text { template, .. } if i == 0 && self.function == Function::Format => {
                    Value::String(template.clone())
                }
                Argument::Text { plain, .. } => Value::String(plain.clone()),
                Argument::Path(path) => around
                    .resolve(path)
                    .map_err(|missing| Error::Path { path: path.source().to_owned(), missing })?,
                Argument::Call(call) => call.evaluate(around)?,
            });
        }
        functions::call(self.function, values, &mut || around.random()).map_err(|refusal| {
            Error::Failure(format!("{} in the intrinsic function {}", refusal, self.source))
        })
    }
}
