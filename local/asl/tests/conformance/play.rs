//! Plays one recorded execution: virtual time, tasks answered from the recording.

use asl::{
    Ambient, Effects, Event, Execution, HistoryEvent, Invocation, Machine, MapChild, MapRunChange,
    MapRunStart, Outcome, Pattern, Resource, Start, TaskId, Timestamp,
};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::case::Case;
use crate::matching::difference;
use crate::report::Verdict;

pub struct Clock {
    pub now: Timestamp,
    pub seed: u64,
}

impl Clock {
    pub fn at(case: &Case) -> Self {
        let clock = case.field("clock").as_str().and_then(|c| DateTime::parse_from_rfc3339(c).ok());
        let now = clock
            .map_or_else(|| "2026-11-21T01:00:00Z".parse().expect("a timestamp"), |c| c.with_timezone(&Utc));
        Self { now, seed: 1 }
    }
}

impl Ambient for Clock {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn random(&mut self) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.seed
    }

    fn task_token(&mut self, task: TaskId) -> String {
        format!("token-{}", task.0)
    }
}

/// The recording writes JSON texts as `{"$json_text": …}`.
pub fn plain(value: &Value) -> Value {
    match value {
        Value::Object(map) if map.len() == 1 && map.contains_key("$json_text") => {
            Value::String(map["$json_text"].to_string())
        }
        Value::Object(map) => Value::Object(map.iter().map(|(k, v)| (k.clone(), plain(v))).collect()),
        Value::Array(items) => Value::Array(items.iter().map(plain).collect()),
        other => other.clone(),
    }
}

struct Mocks<'c> {
    case: &'c Case,
    used: Vec<bool>,
}

impl Mocks<'_> {
    /// The recorded result of a call: the next one of its state, or the one with its parameters when calls
    /// overlap.
    fn result(&mut self, call: &Invocation) -> Option<Value> {
        let results = self.case.json.pointer("/mocks/task_results")?.as_array()?;
        self.used.resize(results.len(), false);
        let concurrent = self.case.field("concurrent") == true;
        let fits = |entry: &Value| {
            let parameters = entry.get("parameters").or_else(|| entry.get("input"));
            parameters.is_none_or(|p| difference(p, &call.arguments, "").is_none())
        };
        let mut candidates = results
            .iter()
            .enumerate()
            .filter(|(i, entry)| !self.used[*i] && entry["state"] == call.state.as_str());
        let chosen = match concurrent {
            true => candidates.clone().find(|(_, e)| fits(e)).or_else(|| candidates.next()),
            false => candidates.next(),
        };
        let (index, entry) = chosen?;
        self.used[index] = true;
        Some(entry.clone())
    }

    fn events(&mut self, call: &Invocation) -> Vec<Event> {
        let task = call.task;
        let Some(entry) = self.result(call) else { return self.behave(call).into_iter().collect() };
        let mut events = Vec::new();
        if let Some(output) = entry.pointer("/submitted/output") {
            events.push(Event::TaskSubmitted { task, output: plain(output).into() });
        }
        let result = &entry["result"];
        let text = |field: &str| result.get(field).and_then(Value::as_str).map(str::to_owned);
        let error = text("error");
        let cause = text("cause_text").or_else(|| {
            result.get("cause").map(|c| match plain(c) {
                Value::String(text) => text,
                other => other.to_string(),
            })
        });
        match result["kind"].as_str().map(str::to_lowercase).as_deref() {
            Some("succeeded") => {
                events.push(Event::TaskSucceeded { task, output: plain(&result["output"]).into() })
            }
            Some("failed") => events.push(Event::TaskFailed { task, error, cause }),
            Some("submitfailed") => events.push(Event::TaskSubmitFailed { task, error, cause }),
            Some("startfailed" | "schedulefailed") => {
                events.push(Event::TaskStartFailed { task, error, cause })
            }
            // The task times out by itself, or the recording ends here.
            _ => {}
        }
        events
    }

    /// What the function of the call's name does, for a call without a recorded result.
    fn behave(&mut self, call: &Invocation) -> Option<Event> {
        let task = call.task;
        let (name, input, wrapped) = match &call.resource {
            Resource::LambdaFunction { arn } => (arn.clone(), (*call.arguments).clone(), false),
            Resource::Service { service, pattern: Pattern::RequestResponse, .. } if service == "lambda" => {
                let name = call.arguments["FunctionName"].as_str()?.to_owned();
                (name, call.arguments.get("Payload").cloned().unwrap_or_else(|| json!({})), true)
            }
            _ => return None,
        };
        let name = name.split(":function:").last()?.split(':').next()?.to_owned();
        let function = self.case.json.pointer("/mocks/lambda_functions")?.get(&name)?;
        let output = match function["behaviour"].as_str()? {
            "echo" | "sleep_then_echo" => input,
            "return" => function["value"].clone(),
            "raise" => {
                let cause = json!({
                    "errorMessage": function["errorMessage"], "errorType": function["errorType"], "requestId": "0",
                    "stackTrace": [format!("  File \"/var/task/handler.py\", line 2, in handler\n    raise {}(\"{}\")\n",
                        function["errorType"].as_str()?, function["errorMessage"].as_str()?)]
                });
                // The runtime's own JSON has blanks; the service integration takes them out.
                let cause = if wrapped { cause.to_string() } else { spaced(&cause) };
                let error = function["errorType"].as_str().map(str::to_owned);
                return Some(Event::TaskFailed { task, error, cause: Some(cause) });
            }
            _ => return None,
        };
        let output = if wrapped {
            json!({"ExecutedVersion": "$LATEST", "Payload": output, "StatusCode": 200, "SdkHttpMetadata": {}, "SdkResponseMetadata": {}})
        } else {
            output
        };
        Some(Event::TaskSucceeded { task, output: output.into() })
    }
}

fn spaced(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let members: Vec<_> = map.iter().map(|(k, v)| format!("{}: {}", json!(k), spaced(v))).collect();
            format!("{{{}}}", members.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(spaced).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

pub fn execution(case: &Case) -> Option<Verdict> {
    let expected = case.expected();
    let waits = case.field("states").as_array().is_some_and(|s| s.iter().any(|s| s == "Wait"));
    if case.field("recording_incomplete") == true && !waits {
        // The recording stops before AWS had done anything, so it is not known how the execution ended.
        return None;
    }
    let machine = match Machine::parse_as(&case.definition(), case.machine_type()) {
        Ok(machine) => machine,
        Err(invalid) => {
            return Some(Verdict {
                outcome: false,
                cause: false,
                history: Some(false),
                difference: Some(invalid.to_string()),
            });
        }
    };
    let mut clock = Clock::at(case);
    let (account, region) = (case.name("account", "111111111111"), case.name("region", "us-east-1"));
    let (sm, ex) = (case.name("state_machine", "machine"), case.name("execution", "exec-2"));
    let mut arn = format!("arn:aws:states:{region}:{account}:execution:{sm}:{ex}");
    // AWS makes up the ARN and the name of an express execution, so they are taken from the recording.
    let shown = expected
        .pointer("/output/query_values_1/execution")
        .filter(|_| case.machine_type() == asl::MachineType::Express);
    let shown = |field: &str| shown.and_then(|e| e[field].as_str()).map(str::to_owned);
    let (sm, ex) = match shown("Id") {
        Some(id) => {
            let sm = id.split(':').nth(6).unwrap_or_default().to_owned();
            arn = id;
            (sm, shown("Name").unwrap_or(ex))
        }
        None => (sm, ex),
    };
    let start = Start {
        execution_arn: arn,
        execution_name: ex,
        state_machine_arn: format!("arn:aws:states:{region}:{account}:stateMachine:{sm}"),
        state_machine_name: sm,
        role_arn: case.name("role_arn", "arn:aws:iam::111111111111:role/test-sfn-role-aa000001"),
        start_time: clock.now,
        input: if case.field("input_omitted") == true { json!({}) } else { plain(case.field("input")) },
    };
    let mut mocks = Mocks { case, used: Vec::new() };
    let synchronous = case.id.contains("start_execution_sync");
    let (execution, history) = play(&machine, start, synchronous, &mut mocks, &mut clock);
    Some(judge(case, &execution, &history))
}

/// Runs an execution as far as the recording goes, and the children of its Distributed Maps with it.
fn play(
    machine: &Machine,
    start: Start,
    synchronous: bool,
    mocks: &mut Mocks<'_>,
    clock: &mut Clock,
) -> (Execution, Vec<HistoryEvent>) {
    let expected = mocks.case.expected();
    let (mut execution, effects) = if synchronous {
        Execution::start_synchronous(machine, start, clock)
    } else {
        Execution::start(machine, start, clock)
    };
    let mut history = Vec::new();
    let mut calls: Vec<Invocation> = Vec::new();
    let mut runs: Vec<MapRunChange> = Vec::new();
    let mut take = |effects: Effects, calls: &mut Vec<Invocation>, runs: &mut Vec<MapRunChange>| {
        history.extend(effects.history);
        calls.extend(effects.invocations);
        runs.extend(effects.map_runs);
    };
    take(effects, &mut calls, &mut runs);
    if expected["status"] == "ABORTED" {
        let abort = Event::Abort { error: None, cause: None };
        take(execution.apply(machine, abort, clock), &mut calls, &mut runs);
    }
    loop {
        if let Some(MapRunChange::Started(run)) = runs.pop() {
            let event = children(&mut execution, machine, &run, mocks, clock);
            take(execution.apply(machine, event, clock), &mut calls, &mut runs);
            continue;
        }
        if !calls.is_empty() {
            let call = calls.remove(0);
            for event in mocks.events(&call) {
                take(execution.apply(machine, event, clock), &mut calls, &mut runs);
            }
            continue;
        }
        match execution.wake_at().filter(|_| expected["status"] != "RUNNING") {
            Some(at) => {
                clock.now = at.max(clock.now);
                take(execution.apply(machine, Event::Wake, clock), &mut calls, &mut runs);
            }
            None => break,
        }
    }
    (execution, history)
}

/// Runs the children of a Map Run one after the other, and says how the run ended.
fn children(
    execution: &mut Execution,
    machine: &Machine,
    run: &MapRunStart,
    mocks: &mut Mocks<'_>,
    clock: &mut Clock,
) -> Event {
    let child = Machine::parse_as(&run.definition, run.child_type).expect("the definition of the children");
    let all = Event::MapChildren { run: run.run, from: 0, at_most: usize::MAX };
    let (mut outputs, mut failed) = (Vec::new(), 0);
    for MapChild { items, input } in execution.apply(machine, all, clock).children {
        let start = Start {
            execution_arn: run.arn.replacen(":mapRun:", ":execution:", 1),
            execution_name: run.arn.rsplit(':').next().unwrap_or_default().to_owned(),
            state_machine_arn: run
                .arn
                .rsplit_once(':')
                .map_or("", |(arn, _)| arn)
                .replace(":mapRun:", ":stateMachine:"),
            state_machine_name: "child".to_owned(),
            role_arn: "arn:aws:iam::111111111111:role/test-sfn-role-aa000001".to_owned(),
            start_time: clock.now,
            input: (*input).clone(),
        };
        match play(&child, start, false, mocks, clock).0.outcome() {
            Some(Outcome::Succeeded { output }) => outputs.push((**output).clone()),
            _ => failed += items,
        }
    }
    if run.tolerated.exceeded(failed, run.items) {
        Event::MapRunFailed { run: run.run }
    } else {
        Event::MapRunSucceeded { run: run.run, output: Value::Array(outputs).into() }
    }
}

fn judge(case: &Case, execution: &Execution, history: &[HistoryEvent]) -> Verdict {
    let expected = case.expected();
    let mut actual = Map::new();
    actual.insert("status".into(), execution.outcome().map_or("RUNNING", Outcome::status).into());
    match execution.outcome() {
        Some(Outcome::Succeeded { output }) => {
            actual.insert("output".into(), (**output).clone());
        }
        Some(
            Outcome::Failed { error, cause }
            | Outcome::TimedOut { error, cause }
            | Outcome::Aborted { error, cause },
        ) => {
            actual.extend(error.clone().map(|e| ("error".to_owned(), e.into())));
            actual.extend(cause.clone().map(|c| ("cause".to_owned(), c.into())));
        }
        None => {}
    }
    let check = |field: &str| match (expected.get(field), actual.get(field)) {
        (None, None) => None,
        (Some(e), Some(a)) => difference(e, a, field),
        (e, a) => Some(format!("{field}: {e:?} != {a:?}")),
    };
    let outcome = ["status", "output", "error"].into_iter().find_map(check);
    let outcome = outcome.map(|d| format!("{d} (cause {})", actual.get("cause").unwrap_or(&Value::Null)));
    let cause = check("cause");
    let told = expected.get("history").and_then(Value::as_array).map(|expected| {
        let actual: Vec<Value> = history.iter().map(flat).collect();
        let normalised = case.field("history_order") == "normalised";
        compare(expected, &actual, normalised, case.field("recording_incomplete") == true)
    });
    if std::env::var_os("ASL_CASE").is_some() {
        history.iter().for_each(|event| println!("  {}", flat(event)));
    }
    let history_difference = told.clone().flatten();
    Verdict {
        outcome: outcome.is_none(),
        cause: outcome.is_none() && cause.is_none(),
        history: told.map(|d| d.is_none()),
        difference: outcome.or(cause).or(history_difference),
    }
}

/// An event as the corpus writes it.
fn flat(event: &HistoryEvent) -> Value {
    let parse =
        |v: &Value| v.as_str().and_then(|t| serde_json::from_str(t).ok()).unwrap_or_else(|| v.clone());
    let mut flat = json!({"id": event.id, "prev": event.previous_id, "type": event.event_type});
    let Some((_, Value::Object(details))) = event.details_json() else { return flat };
    let mut out = Map::new();
    for (name, value) in details {
        let value = match name.as_str() {
            "inputDetails" | "outputDetails" => continue,
            "input" | "output" | "parameters" => parse(&value),
            "assignedVariables" => {
                let fields = value.as_object().cloned().unwrap_or_default();
                Value::Object(fields.iter().map(|(k, v)| (k.clone(), parse(v))).collect())
            }
            _ => value,
        };
        out.insert(name, value);
    }
    if !out.is_empty() {
        flat["details"] = Value::Object(out);
    }
    flat
}

fn compare(expected: &[Value], actual: &[Value], normalised: bool, prefix: bool) -> Option<String> {
    let mut actual = actual.to_vec();
    let mut i = 0;
    while let Some(event) = expected.get(i) {
        if event["id"].is_null() {
            let run = expected[i..].iter().take_while(|e| e["id"].is_null()).count();
            let mut pool: Vec<Value> = actual.iter().skip(i).take(run).cloned().collect();
            for wanted in &expected[i..i + run] {
                let fits = |e: &Value| {
                    e["type"] == wanted["type"] && difference(&wanted["details"], &e["details"], "").is_none()
                };
                let Some(at) = pool.iter().position(fits) else {
                    return Some(format!(
                        "[{}..{}] nothing matches {wanted}; have {}",
                        i + 1,
                        i + run,
                        Value::Array(pool)
                    ));
                };
                pool.remove(at);
            }
            i += run;
            continue;
        }
        // The recording drops the event that ends a Parallel when it sorts what is inside; its id is missing
        // there too.
        while normalised
            && actual.get(i).is_some_and(|a| {
                a["type"] != event["type"]
                    && a["type"]
                        .as_str()
                        .is_some_and(|t| t == "ParallelStateSucceeded" || t == "ParallelStateFailed")
            })
        {
            actual.remove(i);
        }
        let Some(found) = actual.get(i) else {
            return Some(format!("[{}] missing {}", i + 1, event["type"]));
        };
        if let Some(d) = difference(event, found, "") {
            return Some(format!("[{}] {}{d}", i + 1, event["type"].as_str().unwrap_or_default()));
        }
        i += 1;
    }
    let extra = actual.get(i).filter(|_| !prefix)?;
    Some(format!("[{}] extra {}", i + 1, extra["type"]))
}
