//! The API in OpenAPI 3.1, made of what the code has: the routes, the types of the answers, the limits, the
//! problems. It is made by the tests alone. The function serves what they made last, `openapi.json`, at no
//! cost of its own.
//!
//! ```text
//!   routes::CALLS ──► operations ──► calls ──► parameters, bodies, responses, problems
//!                                                └────► schemas (of the types) ──► openapi.json
//! ```

mod admin_calls;
mod bodies;
mod calls;
mod document;
mod examples;
mod operations;
mod parameters;
mod problems;
mod responses;
mod return_calls;
mod schemas;
mod system_calls;
mod warehouse_calls;

use std::path::Path;

use serde_json::Value;

/// The statuses of an execution in Step Functions.
pub(crate) const EXECUTION_STATUSES: [&str; 5] = ["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"];

/// The statuses of an order's workflow as the order tells them.
pub(crate) const WORKFLOW_STATUSES: [&str; 4] = ["PENDING", "RUNNING", "SUCCEEDED", "FAILED"];

/// The document as it is written to the file, where changes are seen line by line.
fn text() -> String {
    serde_json::to_string_pretty(&document::document()).unwrap() + "\n"
}

/// The file that the function serves.
fn file() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json")
}

/// The variable with which the test below writes the file instead of comparing it.
const WRITE: &str = "OMNIFLOW_WRITE_OPENAPI";

#[test]
fn openapi_json_is_what_the_code_has() {
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(file(), text()).unwrap();
    }
    let written = std::fs::read_to_string(file()).unwrap();
    // Not by `assert_eq`, which would print both.
    assert!(
        written == text(),
        "functions/api/openapi.json is not what the code has. Write it anew with\n\n    {WRITE}=1 cargo test -p omniflow-api openapi\n"
    );
}

/// Finds all objects of the document that have this field, with their places.
fn with_field<'a>(value: &'a Value, field: &str, place: &str, found: &mut Vec<(String, &'a Value)>) {
    if value.get(field).is_some() {
        found.push((place.to_owned(), value));
    }
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (escaped(name), value)).collect(),
        Value::Array(values) => {
            values.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    for (name, child) in children {
        with_field(child, field, &format!("{place}/{name}"), found);
    }
}

/// A name as part of a JSON pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn all_with<'a>(document: &'a Value, field: &str) -> Vec<(String, &'a Value)> {
    let mut found = Vec::new();
    with_field(document, field, "", &mut found);
    found
}

#[test]
fn every_reference_leads_somewhere_and_every_operation_has_its_own_name() {
    let document = document::document();
    for (place, value) in all_with(&document, "$ref") {
        let target = value["$ref"].as_str().unwrap().strip_prefix('#').unwrap();
        assert!(document.pointer(target).is_some(), "{place} leads to {target}");
    }
    let mut names: Vec<_> = all_with(&document["paths"], "summary")
        .iter()
        .map(|(_, value)| value["operationId"].to_string())
        .collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!((names.len(), all), (crate::routes::CALLS.len(), crate::routes::CALLS.len()), "{names:?}");
    for (place, value) in all_with(&document["paths"], "operationId") {
        assert!(names.contains(&value["operationId"].to_string()), "{place} links to nothing");
    }
}

/// Schema and example must be from one document; `boon` finds a schema by its place in it.
fn check(document: &Value, schema: &str, example: &Value) {
    let mut compiler = boon::Compiler::new();
    compiler.enable_format_assertions();
    compiler.add_resource("http://localhost/openapi.json", document.clone()).unwrap();
    let mut schemas = boon::Schemas::new();
    let index = compiler.compile(&format!("http://localhost/openapi.json#{schema}"), &mut schemas);
    let index = index.unwrap_or_else(|error| panic!("{schema}: {error:#}"));
    schemas.validate(example, index).unwrap_or_else(|error| panic!("{schema}: {error:#}"));
}

#[test]
fn every_example_is_as_its_schema_says() {
    let document = document::document();
    let mut checked = 0;
    for (place, value) in all_with(&document, "schema") {
        let many = value["examples"].as_object().into_iter().flat_map(|examples| examples.values());
        for example in value.get("example").into_iter().chain(many.map(|example| &example["value"])) {
            check(&document, &format!("{place}/schema"), example);
            checked += 1;
        }
    }
    // A list of examples is part of a schema; where it is no list, it is what was checked above.
    for (place, schema) in all_with(&document, "examples") {
        for example in schema["examples"].as_array().into_iter().flatten() {
            check(&document, &place, example);
            checked += 1;
        }
    }
    assert!(checked > 40, "{checked}");
}
