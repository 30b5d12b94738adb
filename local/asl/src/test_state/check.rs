//! What AWS refuses before it tests anything.

use serde_json::Value;

use super::{Found, NAME, Refused, Request};
use crate::api::MachineType;
use crate::compile::Language;
use crate::validate::{self, Invalid};

fn invalid(diagnostics: Vec<validate::Diagnostic>) -> Result<(), Refused> {
    validate::reject(diagnostics).map_err(|invalid| refused(&invalid))
}

fn refused(invalid: &Invalid) -> Refused {
    Refused { code: "InvalidDefinition", message: invalid.to_string() }
}

/// Finds the state to test.
pub(super) fn state(request: &Request<'_>) -> Result<Found, Refused> {
    let definition = validate::parse(request.definition)
        .map_err(|diagnostic| refused(&Invalid { diagnostics: vec![diagnostic] }))?;
    let Some(name) = request.state_name else {
        let types = "TestState API does not support Map or Parallel states. Supported state types include: [Task, Wait, Pass, Succeed, Fail, Choice]";
        if request.mock.is_none()
            && matches!(definition.get("Type").and_then(Value::as_str), Some("Map" | "Parallel"))
        {
            return Err(Refused { code: "InvalidDefinition", message: types.to_owned() });
        }
        invalid(validate::check_state(NAME, &definition))?;
        return Ok(Found { definition, language: Language::JsonPath });
    };
    let language = Language::of(&definition, Language::JsonPath);
    let found = find(&definition, name).cloned();
    invalid(validate::check(&definition, MachineType::Standard))?;
    match found {
        Some(definition) => Ok(Found { definition, language }),
        None => Err(Refused::validation("State not found in definition")),
    }
}

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

/// The arguments, against each other and against the state.
pub(super) fn arguments(request: &Request<'_>, found: &Found) -> Result<(), Refused> {
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
    match found.definition.get("Type").and_then(Value::as_str) {
        Some("Task" | "Map" | "Parallel") | None => Ok(()),
        Some(kind) => {
            Err(Refused::validation(format!("State type '{kind}' is not supported when a mock is specified")))
        }
    }
}

/// The context object: only the fields that AWS has.
pub(super) fn context(context: &Value) -> Result<(), Refused> {
    const FIELDS: [(&str, &[&str]); 5] = [
        ("Execution", &["Id", "Input", "Name", "RoleArn", "StartTime", "RedriveCount", "RedriveTime"]),
        ("State", &["EnteredTime", "Name", "RetryCount"]),
        ("StateMachine", &["Id", "Name"]),
        ("Task", &["Token"]),
        ("Map", &["Item"]),
    ];
    let refuse = |field: &str| {
        Err(Refused::validation(format!("Invalid Context object provided: Field '{field}' is not allowed")))
    };
    for (part, value) in context.as_object().into_iter().flatten() {
        let Some((_, fields)) = FIELDS.iter().find(|(known, _)| known == part) else { return refuse(part) };
        if let Some(field) =
            value.as_object().into_iter().flatten().map(|(f, _)| f).find(|f| !fields.contains(&f.as_str()))
        {
            return refuse(field);
        }
    }
    Ok(())
}
