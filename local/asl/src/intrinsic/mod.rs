//! Intrinsic functions, `States.Format('{}', $.name)` (Amazon States Language, "Intrinsic Functions"; AWS
//! Step Functions Developer Guide, "Intrinsics for JSONPath states").

mod functions;
mod parse;
mod syntax;

use serde_json::Value;

use crate::jsonpath::{JsonPath, Missing};
use syntax::{Argument, Function};

pub(crate) use functions::{hash, json_number, mix, range, uuid};
pub(crate) use syntax::FunctionCall;

/// What a call needs from the state that it stands in.
pub(crate) trait Surroundings {
    /// The value that a path argument leads to.
    fn resolve(&mut self, path: &JsonPath) -> Result<Value, Missing>;
    /// The next 64 random bits.
    fn random(&mut self) -> u64;
}

/// Why a call has no value.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum Error {
    /// A path argument leads nowhere.
    #[error("{missing}")]
    Path { path: String, missing: Missing },
    /// The function refused its arguments; the text says why. The error name is States.IntrinsicFailure.
    #[error("{0}")]
    Failure(String),
}

impl FunctionCall {
    /// Compiles a call; `None` when AWS's parser would refuse it.
    pub(crate) fn parse(source: &str) -> Option<Self> {
        parse::call(source)
    }

    /// The call as the definition has it.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// Every path among the arguments, those of inner calls included.
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

    /// Evaluates the arguments and then the function.
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
