//! The cases that are one request and one answer: validation, variable references, TestState.

use asl::Machine;
use asl::test_state::{Configuration, FieldValidation, InspectionLevel, Mock, Request};
use serde_json::{Value, json};

use crate::case::Case;
use crate::matching::difference;
use crate::play::{self, Clock};
use crate::report::Verdict;

fn verdict(difference: Option<String>) -> Option<Verdict> {
    let good = difference.is_none();
    Some(Verdict { outcome: good, cause: good, history: None, difference })
}

pub fn create_error(case: &Case) -> Option<Verdict> {
    if case.field("api_only") == true {
        return None;
    }
    let actual = match Machine::parse_as(&case.definition(), case.machine_type()) {
        Ok(_) => json!({"created": true}),
        Err(invalid) => json!({"code": "InvalidDefinition", "message": invalid.to_string()}),
    };
    verdict(difference(&case.expected()["exception"], &actual, "exception"))
}

pub fn validate(case: &Case) -> Option<Verdict> {
    let diagnostics = asl::validate::validate(&case.definition(), case.machine_type());
    let failed = diagnostics.iter().any(|d| d.severity == asl::validate::Severity::Error);
    let actual =
        json!({"result": if failed { "FAIL" } else { "OK" }, "diagnostics": diagnostics, "truncated": false});
    verdict(difference(case.expected(), &actual, ""))
}

pub fn variable_references(case: &Case) -> Option<Verdict> {
    let machine = match Machine::parse(&case.definition()) {
        Ok(machine) => machine,
        Err(invalid) => return verdict(Some(invalid.to_string())),
    };
    let references = machine.variable_references();
    let actual = if references.is_empty() { Value::Null } else { json!(references) };
    let sorted = |value: &Value| {
        let mut value = value.clone();
        for names in value.as_object_mut().into_iter().flat_map(|m| m.values_mut()) {
            if let Some(names) = names.as_array_mut() {
                names.sort_by_key(Value::to_string);
            }
        }
        value
    };
    verdict(difference(
        &sorted(&case.expected()["variableReferences"]),
        &sorted(&actual),
        "variableReferences",
    ))
}

pub fn test_state(case: &Case) -> Option<Verdict> {
    let arguments = case.field("test_state");
    let text = |field: &str| arguments.get(field).and_then(Value::as_str);
    let expected = case.expected();
    if expected.pointer("/exception/code").is_some_and(|code| code == "ParamValidationError") {
        // This exception comes from the AWS SDK; the service has never seen the request.
        return None;
    }
    let definition = case.definition();
    let input = match text("input") {
        Some(input) => Some(input.to_owned()),
        None => case.json.get("input").map(Value::to_string),
    };
    let mock = arguments.get("mock").map(|mock| Mock {
        result: mock["result"].as_str(),
        error_output: mock.get("errorOutput").map(|e| (e["error"].as_str(), e["cause"].as_str())),
        field_validation: match mock["fieldValidationMode"].as_str() {
            Some("NONE") => FieldValidation::None,
            Some("PRESENT") => FieldValidation::Present,
            _ => FieldValidation::Strict,
        },
    });
    let configuration = &arguments["stateConfiguration"];
    let request = Request {
        definition: &definition,
        state_name: text("stateName"),
        input: input.as_deref(),
        context: text("context"),
        variables: text("variables"),
        inspection_level: match text("inspectionLevel") {
            Some("DEBUG") => InspectionLevel::Debug,
            Some("TRACE") => InspectionLevel::Trace,
            _ => InspectionLevel::Info,
        },
        role_arn: text("roleArn"),
        reveal_secrets: arguments["revealSecrets"] == true,
        mock,
        configuration: Configuration {
            retrier_retry_count: configuration["retrierRetryCount"].as_u64().unwrap_or(0),
            error_caused_by_state: configuration["errorCausedByState"].as_str(),
            map_iteration_failure_count: configuration["mapIterationFailureCount"].as_u64(),
            map_item_reader_data: configuration["mapItemReaderData"].as_str(),
        },
    };
    // The functions of the recording: an echo behind lambda:invoke, and one that returns what the recording
    // shows.
    let recorded =
        expected.pointer("/inspectionData/result").or_else(|| expected.get("output")).map(play::plain);
    let mut call = |_: &asl::Resource, _: &Value| Ok(recorded.clone().unwrap_or(Value::Null));
    let mut actual = match asl::test_state::run(&request, &mut Clock::at(case), &mut call) {
        Ok(answer) => serde_json::to_value(answer).expect("an answer is JSON"),
        Err(refused) => json!({"exception": {"code": refused.code, "message": refused.message}}),
    };
    parse_texts(&mut actual);
    Some(judge(expected, &actual))
}

fn parse_texts(actual: &mut Value) {
    let parse = |value: &mut Value| {
        if let Some(parsed) = value.as_str().and_then(|text| serde_json::from_str(text).ok()) {
            *value = parsed;
        }
    };
    if let Some(output) = actual.get_mut("output") {
        parse(output);
    }
    for value in actual
        .get_mut("inspectionData")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flat_map(|m| m.values_mut())
    {
        parse(value);
    }
}

fn judge(expected: &Value, actual: &Value) -> Verdict {
    let check = |field: &str| match (expected.get(field), actual.get(field)) {
        (None, None) => None,
        (Some(e), Some(a)) => difference(e, a, field),
        (e, a) => Some(format!("{field}: {e:?} != {a:?} ({actual})")),
    };
    let code = |v: &Value| v.pointer("/exception/code").cloned();
    let outcome = if code(expected).is_some() {
        (code(expected) != code(actual)).then(|| format!("{expected} != {actual}"))
    } else {
        ["exception", "status", "output", "error", "nextState"].into_iter().find_map(check)
    };
    let cause = check("cause").or_else(|| check("exception"));
    let inspection = check("inspectionData");
    Verdict {
        outcome: outcome.is_none(),
        cause: outcome.is_none() && cause.is_none(),
        history: expected.get("inspectionData").map(|_| inspection.is_none()),
        difference: outcome.or(cause).or(inspection),
    }
}
