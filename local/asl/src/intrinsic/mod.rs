//! Intrinsic functions, `States.Format('{}', $.name)` (Amazon States Language, "Intrinsic Functions"; AWS
//! Step Functions Developer Guide, "Intrinsics for JSONPath states").

mod functions;
mod java;
mod parse;
mod syntax;

use serde_json::Value;

use crate::jsonpath::{JsonPath, Missing};
use crate::size;
use functions::{Outside, Refusal};
use syntax::{Argument, Function};

pub(crate) use functions::{hash, json_number, mix, range, uuid};
pub(crate) use java::Random;
pub(crate) use syntax::FunctionCall;

/// What a call needs from the state that it stands in.
pub(crate) trait Surroundings {
    /// The value that a path argument leads to.
    fn resolve(&mut self, path: &JsonPath) -> Result<Value, Missing>;
    /// The JSON that the path starts from.
    fn start(&self, path: &JsonPath) -> String;
    /// The next 64 random bits.
    fn random(&mut self) -> u64;
    /// Takes steps from the [budget](crate::budget). `false` means that it is used up.
    fn spend(&self, steps: u64) -> bool;
}

/// Why a call has no value. It fails the state with States.Runtime; the text is AWS's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// A path argument leads nowhere. `input` is what the path starts from.
    #[error(
        "The function '{call}' had the following error: The JsonPath argument for the field '{path}' could not be found in the input '{input}'"
    )]
    Path { call: String, path: String, input: String },
    /// The function refused its arguments.
    #[error("There was an error while evaluating the intrinsic function: {call}. {reason}")]
    Refused { call: String, reason: String },
}

impl FunctionCall {
    /// Compiles a call; `None` when AWS's parser would refuse it.
    pub(crate) fn parse(source: &str) -> Option<Self> {
        parse::call(source)
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
                Argument::Path(path) => around.resolve(path).map_err(|_| Error::Path {
                    call: self.source.clone(),
                    path: path.source().to_owned(),
                    input: around.start(path),
                })?,
                // What StringToJson gives stays JSON, and so is its text.
                Argument::Call(call)
                    if self.function == Function::Format && call.function == Function::StringToJson =>
                {
                    call.evaluate(around)?.to_string().into()
                }
                Argument::Call(call) => call.evaluate(around)?,
            });
        }
        let walked: u64 = values.iter().map(size::steps).sum();
        let called = if around.spend(walked) {
            functions::call(self.function, values, &mut Outside(around))
        } else {
            Err(Refusal::TooMuchWork)
        };
        called.map_err(|refusal| {
            let reason = match refusal {
                Refusal::Arguments => format!("Invalid arguments in States.{}", self.function.name()),
                Refusal::Reason(reason) => reason,
                Refusal::TooMuchWork => "It takes more work than a function may.".to_owned(),
            };
            Error::Refused { call: self.source.clone(), reason }
        })
    }
}
