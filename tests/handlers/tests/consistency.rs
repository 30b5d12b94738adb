//! What is written down in two places says the same in both: routes, environment, error names; and the state machines
//! keep the rules that make them safe.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use omniflow_api::Access;
use omniflow_domain::{Currency, ErrorName};
use omniflow_testing::{Shop, deployed, failures, invoked_by_state_machines, system};
use serde_json::{Map, Value};
use template::{self, Authorization, Parameters, Place, Route, System};

/// What no state machine names. The store's failures are retried by the `States.ALL` that ends each Retry, as whatever
/// else may pass; and messages to customers are sent where no state machine is.
const NAMED_BY_NONE: [ErrorName; 3] =
    [ErrorName::NotificationFailed, ErrorName::StoreUnavailable, ErrorName::TransactionConflict];

/// Step Functions' own error that no retry helps: an execution keeps its definition, so that an expression which can't
/// be evaluated never can.
const BAD_EXPRESSION: &str = "States.QueryEvaluationError";

fn definitions() -> Vec<(String, Value)> {
    let machines = system().state_machines.iter();
    machines
        .map(|machine| (machine.name.clone(), serde_json::from_str(&machine.definition).unwrap()))
        .collect()
}

/// A state, and the Map around it.
struct Found<'a> {
    name: String,
    state: &'a Value,
    around: Option<&'a Value>,
}

fn states(definition: &Value) -> Vec<Found<'_>> {
    fn add<'a>(machine: &'a Value, around: Option<&'a Value>, found: &mut Vec<Found<'a>>) {
        for (name, state) in machine["States"].as_object().unwrap() {
            found.push(Found { name: name.clone(), state, around });
            if state["ItemProcessor"].is_object() {
                add(&state["ItemProcessor"], Some(state), found);
            }
            for branch in state["Branches"].as_array().into_iter().flatten() {
                add(branch, Some(state), found);
            }
        }
    }
    let mut found = Vec::new();
    add(definition, None, &mut found);
    found
}

fn list<'a>(state: &'a Value, name: &str) -> &'a [Value] {
    state[name].as_array().map_or(&[], Vec::as_slice)
}

fn errors(rule: &Value) -> Vec<&str> {
    list(rule, "ErrorEquals").iter().map(|error| error.as_str().unwrap()).collect()
}

#[test]
fn the_templates_routes_are_the_apis() {
    let api = system().functions.values().find(|function| function.binary == "api").unwrap();
    assert!(system().routes.iter().all(|route| route.function == api.name));
    let deployed = deployed(&[("JwtIssuer", "https://issuer.example")]);
    let of = |wanted: &dyn Fn(&Authorization) -> bool| -> BTreeSet<String> {
        deployed.routes.iter().filter(|route| wanted(&route.authorization)).map(key).collect()
    };
    let calls = |wanted: Access| -> BTreeSet<String> {
        let calls = omniflow_api::ROUTES.iter().filter(|(_, _, access)| *access == wanted);
        calls.map(|(method, path, _)| format!("{method} {path}")).collect()
    };
    assert_eq!(of(&|authorization| *authorization == Authorization::None), calls(Access::Public));
    let operators = Authorization::Jwt(vec!["omniflow/operate".to_owned()]);
    assert_eq!(of(&|authorization| *authorization == operators), calls(Access::Operator));
    let default = BTreeSet::from(["$default".to_owned()]);
    assert_eq!(of(&|authorization| *authorization == Authorization::Jwt(Vec::new())), default);
    assert_eq!(deployed.routes.len(), 1 + calls(Access::Public).len() + calls(Access::Operator).len());
}

fn key(route: &Route) -> String {
    match &route.method {
        Some(method) => format!("{method} {}", route.path),
        None => route.path.clone(),
    }
}

#[test]
fn the_description_of_the_api_has_its_routes_and_says_who_may_call_them() {
    let text = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../functions/api/openapi.json"),
    );
    let document: Value = serde_json::from_str(&text.unwrap()).unwrap();
    let mut described = BTreeSet::new();
    for (path, calls) in document["paths"].as_object().unwrap() {
        for (method, call) in calls.as_object().unwrap() {
            let scopes = call["security"].pointer("/0/token").map(Value::to_string);
            described.insert((method.to_uppercase(), path.clone(), scopes));
        }
    }
    let scopes = |access| match access {
        Access::Public => None,
        Access::Customer => Some("[]".to_owned()),
        Access::Operator => Some(format!("[\"{}\"]", system().parameters["OperatorScope"])),
    };
    let routes = omniflow_api::ROUTES.iter();
    let routes =
        routes.map(|(method, path, access)| ((*method).to_owned(), path.replace("+}", "}"), scopes(*access)));
    assert_eq!(described, routes.collect());
}

#[test]
fn the_template_takes_the_currencies_that_the_functions_know_and_no_others() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    let place = Place { region: "us-east-1".to_owned(), account: "000000000000".to_owned() };
    let given = [("Currency".to_owned(), "ABC".to_owned())].into();
    let parameters = Parameters { given, ..Parameters::default() };
    let Err(refused) = template::load(&path, &parameters, &place) else { panic!("ABC was taken") };
    let refused = refused.to_string();
    assert!(refused.contains("Currency") && refused.contains("ABC"), "{refused}");
    let (_, allowed) = refused.split_once("must be one of ").unwrap();
    let allowed: BTreeSet<_> =
        allowed.split(|c: char| !c.is_ascii_uppercase()).filter(|code| code.len() == 3).collect();
    assert_eq!(allowed, Currency::all().map(Currency::code).collect());
    assert_eq!(system().parameters["Currency"], Currency::default().code());
}

#[test]
fn without_an_issuer_nothing_but_the_public_is_open_and_open_access_must_be_asked_for() {
    let public: BTreeSet<_> =
        omniflow_api::ROUTES.iter().filter(|(_, _, access)| *access == Access::Public).collect();
    let open = |system: &System| {
        system.routes.iter().filter(|route| route.authorization == Authorization::None).count()
    };
    assert_eq!(open(&deployed(&[])), public.len());
    let signed =
        deployed(&[]).routes.iter().filter(|route| route.authorization == Authorization::Iam).count();
    assert_eq!(signed, deployed(&[]).routes.len() - public.len());
    let all = deployed(&[("OpenAccess", "true")]);
    assert_eq!(open(&all), all.routes.len());
}

#[tokio::test]
async fn every_route_is_answered() {
    let shop = Shop::stocked(&[("ring", "wh-east", 1)]);
    let id = shop.place_one("ring", 1).await;
    for (method, path, _) in omniflow_api::ROUTES {
        let path = path.replace("{order_id}", id.as_str()).replace("{product}", "ring");
        let path = path.replace("{file+}", "index.html");
        assert!(!path.contains('{'), "a parameter that this test doesn't know: {path}");
        let answer = shop.http(method, &path, Value::Null).await;
        assert!(![404, 405, 500].contains(&answer.status), "{method} {path}: {answer:?}");
    }
}

#[test]
fn every_function_has_a_handler_and_starts_with_the_environment_of_the_template() {
    // Opening a shop makes the handlers of all functions, each with its own environment.
    let _shop = Shop::stocked(&[]);
    let binaries: BTreeSet<_> =
        system().functions.values().map(|function| function.binary.as_str()).collect();
    assert_eq!(binaries.len(), system().functions.len(), "a binary for each function");
    let mut built = BTreeSet::new();
    for file in binary_sources() {
        built.insert(file.file_stem().unwrap().to_str().unwrap().to_owned());
    }
    assert_eq!(binaries, built.iter().map(String::as_str).collect());
}

#[test]
fn every_error_that_the_state_machines_name_is_raised_somewhere_and_the_reverse() {
    let mut named = BTreeSet::new();
    let definitions = definitions();
    for (_, definition) in &definitions {
        for found in states(definition) {
            for rule in list(found.state, "Retry").iter().chain(list(found.state, "Catch")) {
                named.extend(errors(rule));
            }
        }
    }
    let of_aws =
        |name: &&str| ["States.", "Lambda.", "Sandbox."].iter().any(|prefix| name.starts_with(prefix));
    named.retain(|name| !of_aws(name));
    let expected = ErrorName::ALL.iter().filter(|name| !NAMED_BY_NONE.contains(name));
    assert_eq!(named, expected.map(|name| name.as_str()).collect());
}

/// The sources of the functions' Lambda binaries.
fn binary_sources() -> Vec<PathBuf> {
    let functions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../functions");
    let folders = std::fs::read_dir(functions).unwrap().map(|entry| entry.unwrap().path().join("src/bin"));
    let files =
        folders.filter(|folder| folder.is_dir()).flat_map(|folder| std::fs::read_dir(folder).unwrap());
    files.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn an_event_that_no_function_takes_fails_under_the_name_that_all_know() {
    assert_eq!(ErrorName::BadEvent.as_str(), omniflow_services::BAD_EVENT);
}

/// A task, where it stands, and what its function can fail with.
struct Task<'a> {
    at: String,
    state: &'a Value,
    /// The state's own Catch, or that of the Map around it.
    catchers: &'a [Value],
    failures: BTreeSet<ErrorName>,
}

fn tasks(definitions: &[(String, Value)]) -> Vec<Task<'_>> {
    let mut tasks = Vec::new();
    for (machine, definition) in definitions {
        for Found { name, state, around } in states(definition) {
            if state["Type"] != "Task" {
                continue;
            }
            let own = list(state, "Catch");
            let around = around.map_or(own, |around| list(around, "Catch"));
            tasks.push(Task {
                at: format!("{machine}.{name}"),
                state,
                catchers: if own.is_empty() { around } else { own },
                failures: failures(binary(state)).unwrap_or_default(),
            });
        }
    }
    tasks
}

/// The binary of the function that a task invokes.
fn binary(task: &Value) -> &'static str {
    let arn = task["Arguments"]["FunctionName"].as_str().unwrap();
    &system().functions[arn.rsplit(':').next().unwrap()].binary
}

#[test]
fn it_is_known_what_each_function_of_a_state_machine_can_fail_with() {
    let definitions = definitions();
    let invoked: BTreeSet<_> = tasks(&definitions).iter().map(|task| binary(task.state)).collect();
    assert_eq!(invoked, invoked_by_state_machines());
}

#[test]
fn every_task_has_a_timeout() {
    for Task { at, state, .. } in tasks(&definitions()) {
        assert!(state["TimeoutSeconds"].is_u64(), "{at} has no TimeoutSeconds");
    }
}

#[test]
fn every_retry_says_first_what_is_never_retried() {
    for Task { at, state, failures, .. } in tasks(&definitions()) {
        let first = list(state, "Retry").first().unwrap_or_else(|| panic!("{at} is never retried"));
        assert_eq!(first["MaxAttempts"], 0, "{at} retries what it names first");
        assert_eq!(first.as_object().unwrap().len(), 2, "{at}: what is never retried needs no times");
        let hopeless = failures.iter().filter(|error| !error.is_worth_a_retry());
        let mut expected: BTreeSet<_> = hopeless.map(|error| error.as_str()).collect();
        expected.insert(BAD_EXPRESSION);
        // Who waits for a person has waited for as long as anybody may; a call that took too long is made again.
        if state["Resource"].as_str().unwrap().ends_with(".waitForTaskToken") {
            expected.insert("States.Timeout");
        }
        assert_eq!(errors(first).into_iter().collect::<BTreeSet<_>>(), expected, "{at}");
    }
}

#[test]
fn every_retry_takes_all_other_errors_with_full_jitter() {
    for Task { at, state, failures, .. } in tasks(&definitions()) {
        let Some((_, retriers)) = list(state, "Retry").split_first() else { panic!("{at} is never retried") };
        let Some((last, between)) = retriers.split_last() else { panic!("{at} has only one retrier") };
        // Step Functions takes States.ALL nowhere else: alone, and in the last retrier.
        assert_eq!(errors(last), ["States.ALL"], "{at} gives up what it doesn't name");
        for error in between.iter().flat_map(errors) {
            let name = ErrorName::parse(error).filter(|name| failures.contains(name));
            let name = name.unwrap_or_else(|| panic!("{at}: its function does not fail with {error}"));
            assert!(name.is_worth_a_retry(), "{at} retries {error}, which a retry can't help");
        }
        for retrier in retriers {
            assert_eq!(retrier["JitterStrategy"], "FULL", "{at}");
            for field in ["IntervalSeconds", "BackoffRate", "MaxDelaySeconds", "MaxAttempts"] {
                assert!(retrier[field].as_f64() > Some(0.0), "{at}: a retrier leaves {field} open");
            }
        }
    }
}

#[test]
fn no_retry_and_no_catch_names_an_error_twice() {
    for Task { at, state, catchers, .. } in tasks(&definitions()) {
        for rules in [list(state, "Retry"), catchers] {
            let mut named = BTreeSet::new();
            for error in rules.iter().flat_map(errors) {
                assert!(named.insert(error), "{at} names {error} a second time, where it is never reached");
            }
        }
    }
}

#[test]
fn every_task_is_caught_by_all_last_and_by_name_where_that_leads_elsewhere() {
    for Task { at, catchers, failures, .. } in tasks(&definitions()) {
        let (last, before) = catchers.split_last().unwrap_or_else(|| panic!("{at} is never caught"));
        assert_eq!(errors(last), ["States.ALL"], "{at}");
        for error in before.iter().flat_map(errors) {
            assert_ne!(error, "States.ALL", "{at}: what follows States.ALL is never reached");
            let own = ErrorName::parse(error).is_some_and(|name| failures.contains(&name));
            assert!(own, "{at} catches {error}, which its function does not fail with");
        }
        let mut ways = BTreeSet::new();
        for catcher in catchers {
            let mut way = catcher.as_object().unwrap().clone();
            way.remove("ErrorEquals");
            assert!(ways.insert(Value::Object(way).to_string()), "{at}: two catchers do the same");
        }
    }
}

#[test]
fn every_catch_of_the_order_keeps_what_failed_and_leads_on() {
    let compensations =
        ["CancelShipments", "RefundPayment", "ReleaseStock", "CloseOrder", "MarkNeedsAttention"];
    let (_, order) = definitions().into_iter().find(|(name, _)| name == "OrderStateMachine").unwrap();
    for found in states(&order) {
        for catcher in list(found.state, "Catch") {
            let next = catcher["Next"].as_str().unwrap();
            if next == "NeedsAttention" {
                assert_eq!(found.name, "MarkNeedsAttention");
                continue;
            }
            if errors(catcher) == [ErrorName::AuditRequired.as_str()] {
                assert_eq!(
                    (found.name.as_str(), next),
                    ("AwaitPayment", "AwaitAudit"),
                    "no failure, a way round"
                );
                continue;
            }
            assert!(compensations.contains(&next), "{} leads to {next}", found.name);
            assert_eq!(catcher["Assign"]["failure"], "{% $states.errorOutput %}", "{}", found.name);
        }
    }
}

#[test]
fn every_failure_has_a_cause_and_every_machine_a_comment() {
    for (machine, definition) in &definitions() {
        assert!(definition["Comment"].as_str().is_some_and(|comment| !comment.is_empty()), "{machine}");
        assert_eq!(definition["QueryLanguage"], "JSONata", "{machine}");
        for found in states(definition).iter().filter(|found| found.state["Type"] == "Fail") {
            let at = format!("{machine}.{}", found.name);
            for field in ["Error", "Cause"] {
                assert!(
                    found.state[field].as_str().is_some_and(|text| !text.is_empty()),
                    "{at} has no {field}"
                );
            }
        }
    }
}

/// The verbs that tasks begin with.
const VERBS: [&str; 10] =
    ["Await", "Cancel", "Capture", "Close", "Complete", "Mark", "Refund", "Release", "Reserve", "Ship"];

#[test]
fn tasks_are_verbs_and_objects_and_choices_are_questions() {
    for (machine, definition) in &definitions() {
        for found in states(definition) {
            let at = format!("{machine}.{}", found.name);
            let name = found.name.trim_end_matches('?');
            let pascal =
                name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(char::is_alphanumeric);
            assert!(pascal, "{at} is not in PascalCase");
            let question = found.name.ends_with('?');
            assert_eq!(
                question,
                found.state["Type"] == "Choice",
                "{at}: questions are choices and choices questions"
            );
            if ["Task", "Map", "Wait"].contains(&found.state["Type"].as_str().unwrap()) {
                let object = VERBS.iter().find_map(|verb| name.strip_prefix(verb));
                let object = object.unwrap_or_else(|| panic!("{at} does not begin with a verb"));
                assert!(object.starts_with(|c: char| c.is_ascii_uppercase()), "{at} has no object");
            }
        }
    }
}

#[test]
fn no_two_tasks_of_a_machine_are_copies() {
    for (machine, definition) in &definitions() {
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        for found in states(definition).into_iter().filter(|found| found.state["Type"] == "Task") {
            let mut what = Map::new();
            for field in ["Resource", "Arguments"] {
                what.insert(field.to_owned(), found.state[field].clone());
            }
            let twin = seen.insert(Value::Object(what).to_string(), found.name.clone());
            assert_eq!(twin, None, "{machine}: {} is a copy", found.name);
        }
    }
}

#[test]
fn a_task_waits_longer_than_its_function_may_run() {
    for (machine, definition) in &definitions() {
        for found in states(definition).into_iter().filter(|found| found.state["Type"] == "Task") {
            let binary = binary(found.state);
            let function = system().functions.values().find(|function| function.binary == binary).unwrap();
            let timeout = found.state["TimeoutSeconds"].as_u64().unwrap();
            assert!(
                timeout > function.timeout.as_secs(),
                "{machine}.{} gives up before its function",
                found.name
            );
        }
    }
}

#[test]
fn an_orders_happy_path_passes_seven_states_at_most() {
    let (_, order) = definitions().into_iter().find(|(name, _)| name == "OrderStateMachine").unwrap();
    let mut name = order["StartAt"].as_str().unwrap();
    let mut passed = 0;
    loop {
        // A Map of one warehouse is billed for itself and the state inside.
        let state = &order["States"][name];
        passed += if state["Type"] == "Map" { 2 } else { 1 };
        match state["Next"].as_str().or(state["Default"].as_str()) {
            Some(next) => name = next,
            None => break,
        }
    }
    // With the wait of the window's own machine these are the eight that an order may cost.
    assert!(passed <= 7, "{passed}");
}
