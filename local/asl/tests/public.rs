//! State machines in the shapes that people publish, with what AWS makes of each. Every case names the page,
//! issue or recording that tells AWS's outcome (`source`); the definitions themselves are of our own making.
//!
//! A case is an object of `public/*.json`:
//! - `definition`, `input`: what is created and started;
//! - `answers`: what a task gets, by the function's name or the integration (`dynamodb:getItem`): a list of
//!   `{"output": …}` or `{"error": …, "cause": …}`, the last of which repeats. A task without an answer waits
//!   until its time is up;
//! - `outcome`: `{"output": …}`, `{"error": …, "cause": …}` where `cause` is a part of the cause, or
//!   `{"refused": …}` with a part of the refusal. What AWS has and this runtime hasn't is refused by its name.

mod common;

use std::collections::BTreeMap;

use asl::{Event, Invocation, MachineType, Outcome, Resource};
use common::Host;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    source: String,
    definition: Value,
    #[serde(default)]
    express: bool,
    #[serde(default = "empty")]
    input: Value,
    #[serde(default)]
    answers: BTreeMap<String, Vec<Answer>>,
    outcome: Expected,
}

fn empty() -> Value {
    json!({})
}

#[derive(Deserialize, Clone)]
#[serde(untagged, deny_unknown_fields)]
enum Answer {
    Output { output: Value },
    Error { error: String, cause: String },
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Expected {
    Output {
        output: Value,
    },
    Error {
        error: String,
        #[serde(default)]
        cause: String,
    },
    Refused {
        refused: String,
    },
}

/// What a task's answers are filed under.
fn key(call: &Invocation) -> String {
    let name = match &call.resource {
        Resource::LambdaFunction { arn } => arn.clone(),
        Resource::Service { service, .. } if service == "lambda" => {
            call.arguments["FunctionName"].as_str().unwrap_or_default().to_owned()
        }
        other => return other.to_string(),
    };
    name.rsplit(":function:").next().and_then(|name| name.split(':').next()).unwrap_or_default().to_owned()
}

impl Case {
    /// What comes of the case, in the words of `outcome`.
    fn played(&self) -> Result<Outcome, String> {
        let definition = self.definition.to_string();
        let kind = if self.express { MachineType::Express } else { MachineType::Standard };
        let refused = asl::validate::validate_here(&definition, kind);
        if !refused.is_empty() {
            return Err(refused.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "));
        }
        let mut host = Host::run(&self.definition, self.input.clone());
        let mut answers = self.answers.clone();
        loop {
            if let Some(outcome) = host.execution.outcome() {
                return Ok(outcome.clone());
            }
            if !host.calls.is_empty() {
                let call = host.call();
                let Some(left) = answers.get_mut(&key(&call)) else { continue };
                let answer = if left.len() > 1 { left.remove(0) } else { left[0].clone() };
                let task = call.task;
                host.send(match answer {
                    Answer::Output { output } => Event::TaskSucceeded { task, output: output.into() },
                    Answer::Error { error, cause } => {
                        Event::TaskFailed { task, error: Some(error), cause: Some(cause) }
                    }
                });
            } else {
                let at = host.execution.wake_at().expect("the execution waits for nothing that is given");
                host.outside.now = at;
                host.send(Event::Wake);
            }
        }
    }

    /// What is wrong with what came of the case.
    fn difference(&self) -> Option<String> {
        let played = self.played();
        let fits = match (&self.outcome, &played) {
            (Expected::Output { output }, Ok(Outcome::Succeeded { output: actual })) => *output == **actual,
            (
                Expected::Error { error, cause },
                Ok(
                    Outcome::Failed { error: actual, cause: why }
                    | Outcome::TimedOut { error: actual, cause: why },
                ),
            ) => actual.as_ref() == Some(error) && why.as_deref().unwrap_or_default().contains(cause),
            (Expected::Refused { refused }, Err(actual)) => actual.contains(refused),
            _ => false,
        };
        (!fits).then(|| format!("{}: {played:?}\n    AWS: {}", self.name, self.source))
    }
}

#[test]
fn public_state_machines_come_out_as_on_aws() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/public");
    let files =
        std::fs::read_dir(folder).expect("the folder of the cases").map(|file| file.expect("a file").path());
    let (mut names, mut differences) = (Vec::new(), Vec::new());
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a readable file");
        let cases: Vec<Case> =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        for case in cases {
            assert!(case.source.starts_with("https://"), "{}: no source", case.name);
            differences.extend(case.difference());
            names.push(case.name);
        }
    }
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count, "two cases have the same name");
    assert!(differences.is_empty(), "{} of {count} differ:\n{}", differences.len(), differences.join("\n"));
}
