//! What is written down in two places says the same in both: routes, environment, error names; and the state machines
//! keep the rules that make them safe.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use omniflow_api::{Access, function_of};
use omniflow_bootstrap::timeouts;
use omniflow_domain::{Currency, ErrorName};
use omniflow_testing::{Shop, deployed, failures, invoked_by_state_machines, stripe_system, system};
use serde_json::{Map, Value, json};
use template::{self, Authorization, Parameters, Place, Route, System};

/// What no state machine names: what may pass is retried by the `States.ALL` that ends each Retry.
fn named_by_none(error: ErrorName) -> bool {
    error.is_worth_a_retry()
}

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
    for system in [system(), stripe_system()] {
        for route in &system.routes {
            let asks_provider = ["pay", "payment", "resolve"]
                .iter()
                .any(|end| route.path.ends_with(&format!("/{{order_id}}/{end}")));
            let binary = match route.method.as_deref() {
                _ if key(route) == PAYMENT_EVENT => "receive-payment-event",
                _ if asks_provider && system.parameters["PaymentProvider"] == "stripe" => "payment-api",
                Some(method) => function_of(method, &route.path),
                None => "api",
            };
            assert_eq!(system.functions[&route.function].binary, binary, "{}", key(route));
        }
    }
    let deployed = deployed(&[("JwtIssuer", "https://issuer.example")]);
    let of = |wanted: &dyn Fn(&Authorization) -> bool| -> BTreeSet<String> {
        deployed.routes.iter().filter(|route| wanted(&route.authorization)).map(key).collect()
    };
    // Where the payment provider is not simulated, `payment-api` makes these.
    let is_of_payment = |path: &str| path.ends_with("/pay") || path.ends_with("/payment");
    let of_function = |method: &str, path: &str| match is_of_payment(path) {
        true => "payment-api",
        false => function_of(method, path),
    };
    let calls = |wanted: &dyn Fn(Access, &str) -> bool| -> BTreeSet<String> {
        let calls = omniflow_api::ROUTES.iter();
        let calls = calls.filter(|(method, path, access)| wanted(*access, of_function(method, path)));
        calls.map(|(method, path, _)| format!("{method} {path}")).collect()
    };
    let public = calls(&|access, _| access == Access::Public);
    assert_eq!(of(&|authorization| *authorization == Authorization::None), public);
    let operators = Authorization::Jwt(vec!["omniflow/operate".to_owned()]);
    let of_operators = calls(&|access, _| access == Access::Operator);
    assert_eq!(of(&|authorization| *authorization == operators), of_operators);
    // What customers ask other functions than `api` for has routes of its own; all else comes by the default one.
    let mut of_customers = calls(&|access, function| access == Access::Customer && function != "api");
    of_customers.insert("$default".to_owned());
    assert_eq!(of(&|authorization| *authorization == Authorization::Jwt(Vec::new())), of_customers);
    assert_eq!(deployed.routes.len(), public.len() + of_operators.len() + of_customers.len());
}

/// The route that another function than `api` answers always.
const PAYMENT_EVENT: &str = "POST /webhooks/stripe";
#[test]
fn where_a_claim_makes_operators_the_gateway_asks_for_no_scope() {
    let deployed = deployed(&[
        ("JwtIssuer", "https://issuer.example"),
        ("JwtAudience", "shop, console"),
        ("OperatorClaim", "groups"),
        ("OperatorValue", "operators"),
    ]);
    let tokens = deployed.routes.iter().filter(|route| route.authorization != Authorization::None);
    assert!(tokens.clone().all(|route| route.authorization == Authorization::Jwt(Vec::new())));
    assert!(tokens.count() > 1, "routes for operators are still there");
    let authorizer = deployed.authorizer.unwrap();
    assert_eq!((authorizer.issuer.as_str(), authorizer.audiences.len()), ("https://issuer.example", 2));
    let api = deployed.functions.values().find(|function| function.binary == "api").unwrap();
    for (name, value) in [
        ("JWT_ISSUER", "https://issuer.example"),
        ("OPERATOR_CLAIM", "groups"),
        ("OPERATOR_VALUE", "operators"),
    ] {
        assert_eq!(api.environment[name], value);
    }
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
    let described = json!({ "link": "simulated" });
    assert_eq!(shop.http("PUT", "/api/v1/warehouses/wh-east", described).await.status, 200);
    for (method, path, _) in omniflow_api::ROUTES {
        let path = path.replace("{order_id}", id.as_str()).replace("{product}", "ring");
        let path = path.replace("{file+}", "index.html").replace("{warehouse}", "wh-east");
        let path = path.replace("{customer_id}", "nobody").replace("{number}", "1");
        if format!("{method} {path}") == PAYMENT_EVENT {
            continue; // There are no such events where the payment provider is simulated.
        }
        assert!(!path.contains('{'), "a parameter that this test doesn't know: {path}");
        let answer = shop.http(method, &path, Value::Null).await;
        // The order has no return, and says so.
        let is_known = answer.status == 404 && answer.body["type"] == "urn:omniflow:problem:return-not-found";
        assert!(is_known || ![404, 405, 500].contains(&answer.status), "{method} {path}: {answer:?}");
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
    let expected = ErrorName::ALL.iter().filter(|name| !named_by_none(**name));
    assert_eq!(named, expected.map(|name| name.as_str()).collect());
}

/// The entries of a list that the template has in one line, which the template's reader doesn't keep.
fn listed(template: &str, name: &str) -> BTreeSet<String> {
    let (_, list) = template.split_once(&format!("{name}: [")).unwrap();
    let (list, _) = list.split_once(']').unwrap();
    list.split(", ").map(str::to_owned).collect()
}

/// The names of headers in the OpenAPI document: parameters of requests, and headers of answers.
fn headers(document: &Value, requests: &mut BTreeSet<String>, answers: &mut BTreeSet<String>) {
    if document["in"] == "header" {
        requests.insert(document["name"].as_str().unwrap().to_lowercase());
    }
    answers
        .extend(document["headers"].as_object().into_iter().flatten().map(|(name, _)| name.to_lowercase()));
    let inner: Vec<_> = match document {
        Value::Object(members) => members.values().collect(),
        Value::Array(values) => values.iter().collect(),
        _ => Vec::new(),
    };
    inner.into_iter().for_each(|value| headers(value, requests, answers));
}

#[test]
fn pages_of_other_websites_may_call_every_route_and_read_what_it_answers() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let template = std::fs::read_to_string(root.join("template.yaml")).unwrap();
    let methods: BTreeSet<_> = omniflow_api::ROUTES.iter().map(|(method, ..)| (*method).to_owned()).collect();
    assert_eq!(listed(&template, "AllowMethods"), methods);
    let openapi = std::fs::read_to_string(root.join("functions/api/openapi.json")).unwrap();
    let (mut sent, mut answered) = (BTreeSet::new(), BTreeSet::new());
    headers(&serde_json::from_str(&openapi).unwrap(), &mut sent, &mut answered);
    // Servers sign, and no page has their secret.
    sent.retain(|name| !name.starts_with("webhook-"));
    let allowed = listed(&template, "AllowHeaders");
    assert!(sent.is_subset(&allowed), "{:?}", sent.difference(&allowed));
    let exposed = listed(&template, "ExposeHeaders");
    assert!(answered.is_subset(&exposed), "{:?}", answered.difference(&exposed));
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
    &system().function(arn).unwrap().binary
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
        let seconds = &state["TimeoutSeconds"];
        let by_parameter = seconds == "{% $number('72') * 3600 %}" && at.ends_with(".ShipWarehouse");
        assert!(seconds.is_u64() || by_parameter, "{at} has no TimeoutSeconds");
    }
}

/// Whether the task waits for somebody who must act in time. A warehouse that didn't is replaced by the same step,
/// made again.
fn waits_for_a_person(at: &str, state: &Value) -> bool {
    state["Resource"].as_str().unwrap().ends_with(".waitForTaskToken") && !at.ends_with(".ShipWarehouse")
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
        if waits_for_a_person(&at, state) {
            expected.insert("States.Timeout");
        }
        assert_eq!(errors(first).into_iter().collect::<BTreeSet<_>>(), expected, "{at}");
    }
}

/// The steps before which no money and no goods can have moved, and after which nothing has to be undone in a hurry.
const BEFORE_MONEY: [&str; 3] = ["ReserveStock", "AwaitPayment", "AwaitAudit"];

/// The time that all retries of a retrier take on average, in seconds: with full jitter each pause is half of what it
/// could be at most (AWS Step Functions Developer Guide, "Handling errors in Step Functions workflows").
fn lasts(retrier: &Value) -> f64 {
    let field = |name: &str| retrier[name].as_f64().unwrap();
    let attempts = retrier["MaxAttempts"].as_i64().unwrap();
    let pause = |attempt| {
        let backoff = field("BackoffRate").powi(i32::try_from(attempt).unwrap());
        (field("IntervalSeconds") * backoff).min(field("MaxDelaySeconds")) / 2.0
    };
    (0..attempts).map(pause).sum()
}

#[test]
fn every_retry_takes_all_other_errors_for_minutes_before_money_moves_and_for_hours_after() {
    const MINUTE: f64 = 60.0;
    for Task { at, state, .. } in tasks(&definitions()) {
        let [_, retrier] = list(state, "Retry") else { panic!("{at} has other retriers than two") };
        assert_eq!(errors(retrier), ["States.ALL"], "{at} gives up what it doesn't name");
        assert_eq!(retrier["JitterStrategy"], "FULL", "{at}");
        let before_money = BEFORE_MONEY.iter().any(|name| at.ends_with(&format!(".{name}")));
        let (least, most) = if before_money { (10.0, 15.0) } else { (5.0 * 60.0, 7.0 * 60.0) };
        let minutes = lasts(retrier) / MINUTE;
        assert!((least..most).contains(&minutes), "{at} is retried for {minutes} minutes");
        assert!(retrier["MaxDelaySeconds"].as_u64() <= Some(300), "{at} goes on late");
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

/// The steps that undo an order. What they fail with leads nowhere: they stand until they go on.
const COMPENSATIONS: [&str; 4] = ["CancelShipments", "RefundPayment", "ReleaseStock", "CloseOrder"];

/// Mistakes of the program and damaged data, which no compensation mends.
const MISTAKES: [ErrorName; 3] = [ErrorName::BadEvent, ErrorName::OrderUnreadable, ErrorName::WrongState];

#[test]
fn decisions_are_caught_by_name_and_whatever_else_fails_the_execution_where_it_stands() {
    for Task { at, state, catchers, failures } in tasks(&definitions()) {
        let caught: BTreeSet<_> = catchers.iter().flat_map(errors).collect();
        let goes_forward =
            ["OrderStateMachine.", "ReturnStateMachine.Await"].iter().any(|of| at.starts_with(of))
                && !COMPENSATIONS.iter().any(|name| at.ends_with(&format!(".{name}")));
        let decisions =
            failures.iter().filter(|error| !error.is_worth_a_retry() && !MISTAKES.contains(error));
        let mut expected: BTreeSet<_> = decisions.map(|error| error.as_str()).collect();
        // Nobody decided in time about what a person had to decide.
        if waits_for_a_person(&at, state) {
            expected.insert("States.Timeout");
        }
        assert_eq!(caught, if goes_forward { expected } else { BTreeSet::new() }, "{at}");
    }
}

#[test]
fn every_catch_of_the_order_keeps_what_failed_and_leads_to_a_compensation() {
    let (_, order) = definitions().into_iter().find(|(name, _)| name == "OrderStateMachine").unwrap();
    for found in states(&order) {
        for catcher in list(found.state, "Catch") {
            let next = catcher["Next"].as_str().unwrap();
            if errors(catcher) == [ErrorName::AuditRequired.as_str()] {
                assert_eq!(
                    (found.name.as_str(), next),
                    ("AwaitPayment", "AwaitAudit"),
                    "no failure, a way round"
                );
                continue;
            }
            if errors(catcher) == [ErrorName::AllShipped.as_str()] {
                assert_eq!((found.name.as_str(), next), ("ShipWarehouses", "CompleteOrder"), "a way on");
                continue;
            }
            assert!(COMPENSATIONS.contains(&next), "{} leads to {next}", found.name);
            assert_eq!(catcher["Assign"]["failure"], "{% $states.errorOutput %}", "{}", found.name);
            // An execution that takes up the work of an earlier one can't know how far that one came.
            if errors(catcher).contains(&ErrorName::OrderCancelled.as_str()) {
                assert_eq!(next, "CancelShipments", "{} skips what may have to be undone", found.name);
            }
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
const VERBS: [&str; 9] =
    ["Await", "Cancel", "Capture", "Close", "Complete", "Refund", "Release", "Reserve", "Ship"];

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
            // By hours, where a parameter says how many.
            let timeout = found.state["TimeoutSeconds"].as_u64().unwrap_or(60 * 60);
            assert!(
                timeout > function.timeout.as_secs(),
                "{machine}.{} gives up before its function",
                found.name
            );
        }
    }
}

/// The longest that the simulated gateway and warehouses may take, and that the API may keep an answer back, as the template
/// limits its parameters; and a function whose work is in pieces that each may fail.
#[test]
fn a_function_may_run_longer_than_the_calls_that_it_waits_for() {
    let limit = |parameter: &str, value: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
        let text = std::fs::read_to_string(path).unwrap();
        let of_parameter = text.split(&format!("  {parameter}:\n")).nth(1).unwrap();
        let line = of_parameter.split(&format!("    {value}: ")).nth(1).unwrap();
        line.lines().next().unwrap().parse::<u64>().unwrap()
    };
    let latency = Duration::from_millis(limit("SimulatedLatencyMillis", "MaxValue"));
    let longest_wait = Duration::from_secs(limit("LongestWaitSeconds", "MaxValue"));
    for function in system().functions.values() {
        let waits = match function.binary.as_str() {
            "api" => longest_wait,
            _ if function.environment.contains_key("SIMULATED_LATENCY_MILLIS") => latency,
            _ => Duration::ZERO,
        };
        // A call that runs to its end without an answer, and one more, which says what is to be done about it.
        let needed = waits + 2 * timeouts::OPERATION + timeouts::MARGIN;
        assert!(function.timeout >= needed, "{} may run {:?}", function.name, function.timeout);
    }
    assert!(timeouts::ATTEMPT < timeouts::OPERATION);
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
