//! What AWS refuses before it tests anything.

use serde_json::Value;

use super::request::Request;
use super::result::Refused;
use crate::api::MachineType;
use crate::language::Language;
use crate::unsupported;
use crate::validate::{self, Invalid};

/// The name that AWS gives to a state that is tested on its own.
pub(super) const NAME: &str = "StateName";

/// The state to test, and the query language of the machine around it.
pub(super) struct TestedState {
    pub(super) definition: Value,
    pub(super) language: Language,
}

fn invalid(diagnostics: Vec<validate::Diagnostic>) -> Result<(), Refused> {
    validate::reject(diagnostics).map_err(|invalid| refused(&invalid))
}

fn refused(invalid: &Invalid) -> Refused {
    Refused::definition(invalid.to_string())
}

/// Finds and validates the state to test.
pub(super) fn state(request: &Request<'_>) -> Result<TestedState, Refused> {
    let definition = validate::parse(request.definition)
        .map_err(|diagnostic| refused(&Invalid { diagnostics: vec![diagnostic] }))?;
    let Some(name) = request.state_name else {
        let types = "TestState API does not support Map or Parallel states. Supported state types include: [Task, Wait, Pass, Succeed, Fail, Choice]";
        if request.mock.is_none()
            && matches!(definition.get("Type").and_then(Value::as_str), Some("Map" | "Parallel"))
        {
            return Err(Refused::definition(types));
        }
        invalid(validate::check_state(NAME, &definition))?;
        supported(request, NAME, &definition)?;
        return Ok(TestedState { definition, language: Language::JsonPath });
    };
    let language = Language::of(&definition, Language::JsonPath);
    let found = find(&definition, name).cloned();
    invalid(validate::check(&definition, MachineType::Standard))?;
    match found {
        Some(definition) => {
            supported(request, name, &definition)?;
            Ok(TestedState { definition, language })
        }
        None => Err(Refused::validation("State not found in definition")),
    }
}

/// Refuses a state that calls what this runtime doesn't have. With a mock nothing is called.
fn supported(request: &Request<'_>, name: &str, state: &Value) -> Result<(), Refused> {
    match unsupported::of_state(name, state).into_iter().next() {
        Some(missing) if request.mock.is_none() => Err(Refused::definition(missing.to_string())),
        _ => Ok(()),
    }
}

/// The state of this name, at any depth.
fn find<'d>(part: &'d Value, name: &str) -> Option<&'d Value> {
    let states = part.get("States")?.as_object()?;
    states.get(name).or_else(|| {
        states.values().find_map(|state| {
            let processors = ["ItemProcessor", "Iterator"].iter().filter_map(|field| state.get(*field));
            let branches = state.get("Branches").and_then(Value::as_array).into_iter().flatten();
            processors.chain(branches).find_map(|part| find(part, name))
        })
    })
}

/// Checks the arguments against each other and against the state.
pub(super) fn arguments(request: &Request<'_>, tested: &TestedState) -> Result<(), Refused> {
    let Some(mock) = &request.mock else { return Ok(()) };
    if request.reveal_secrets {
        return Err(Refused::validation(
            "TestState does not support RevealSecrets when a mock is specified.",
        ));
    }
    if mock.result.is_some() && mock.error_output.is_some() {
        return Err(Refused::validation(
            "A test mock should have only one of the following fields: [result, errorOutput].",
        ));
    }
    match tested.definition.get("Type").and_then(Value::as_str) {
        Some("Task" | "Map" | "Parallel") | None => Ok(()),
        Some(kind) => {
            Err(Refused::validation(format!("State type '{kind}' is not supported when a mock is specified")))
        }
    }
}
