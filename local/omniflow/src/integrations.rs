//! The service integrations of Task states: what may be called here, and how answers and errors look to a
//! state machine.
//!
//! Sources: AWS Step Functions Developer Guide, "Integrating services", "AWS SDK service integrations".

mod exceptions;

use std::sync::Arc;

use asl::Resource;
use chrono::{DateTime, SecondsFormat};
use engine::{Integrations, TaskCall, TaskError};
use futures::future::BoxFuture;
use serde_json::{Map, Value, json};

use crate::aws::{ApiError, Aws, events, states};
use crate::lambda;
use exceptions::{DYNAMODB_EXCEPTIONS, LAMBDA_EXCEPTIONS};

/// The services of this runtime as Task states call them.
pub struct LocalIntegrations(Arc<Aws>);

impl LocalIntegrations {
    /// Integrations that call these services.
    pub fn new(aws: Aws) -> Self {
        Self(Arc::new(aws))
    }
}

impl Integrations for LocalIntegrations {
    fn call(&self, call: TaskCall) -> BoxFuture<'static, Result<Value, TaskError>> {
        let aws = Arc::clone(&self.0);
        Box::pin(async move { self::call(&aws, &call.resource, &call.arguments).await })
    }
}

/// Makes one call of a Task state.
pub(crate) async fn call(aws: &Aws, resource: &Resource, arguments: &Value) -> Result<Value, TaskError> {
    if !resource.is_served() {
        return Err(unsupported(resource));
    }
    let (service, action, sdk) = match resource {
        Resource::LambdaFunction { arn } => {
            return invoke(aws, arn, arguments.clone(), Form::Optimised).await;
        }
        Resource::Service { service, action, sdk, .. } => (service.as_str(), action.as_str(), *sdk),
        Resource::Activity { .. } => return Err(unsupported(resource)),
    };
    match (service, sdk) {
        ("lambda", false) => invoke_optimised(aws, arguments).await,
        ("lambda", true) => invoke_by_sdk(aws, arguments).await,
        ("dynamodb", sdk) => dynamodb(aws, action, sdk, arguments).await,
        ("events", false) => put_events(aws, arguments).map(|answer| {
            let length = answer.to_string().len();
            aws.with_metadata(answer, EVENTS, length, 200)
        }),
        ("eventbridge", true) => put_events(aws, arguments),
        ("sfn", true) => sfn(aws, action, arguments).await,
        _ => Err(unsupported(resource)),
    }
}

fn unsupported(resource: &Resource) -> TaskError {
    TaskError {
        error: "States.Runtime".to_owned(),
        cause: format!("The resource {resource} is not supported here"),
    }
}

async fn invoke(aws: &Aws, function: &str, event: Value, form: Form) -> Result<Value, TaskError> {
    let (status, code, message) = match aws.functions.invoke(function, event).await {
        Ok(Ok(output)) => return Ok(output),
        Ok(Err(error)) => return Err(TaskError { error: error.error_type, cause: error.payload }),
        Err(lambda::Error::NotFound(name)) => {
            let message = format!("Function not found: {}:$LATEST", aws.functions.arn(&name));
            (404, Some("ResourceNotFoundException".to_owned()), message)
        }
        Err(lambda::Error::Refused { status, code, message }) => (status, code, message),
        Err(error @ lambda::Error::Endpoint(_)) => {
            let error = error.to_string();
            return Err(TaskError { error: "Lambda.SdkClientException".to_owned(), cause: error });
        }
    };
    let known = code.as_deref().filter(|code| LAMBDA_EXCEPTIONS.contains(code));
    Err(match form {
        Form::Sdk => TaskError {
            error: format!("Lambda.{}", known.unwrap_or("LambdaException")),
            cause: aws.sdk_cause(&message, "Lambda", status),
        },
        Form::Optimised => TaskError {
            error: format!("Lambda.{}", known.unwrap_or("AWSLambdaException")),
            cause: aws.optimised_cause(&message, "AWSLambda", status, code.as_deref().unwrap_or("null")),
        },
    })
}

/// The two forms of integrations. Their errors have other names and texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Optimised,
    Sdk,
}

async fn invoke_optimised(aws: &Aws, arguments: &Value) -> Result<Value, TaskError> {
    let Some(function) = arguments["FunctionName"].as_str() else {
        return Err(TaskError {
            error: "States.Runtime".to_owned(),
            cause: "The field 'FunctionName' is required but was missing".to_owned(),
        });
    };
    let payload = payload(arguments);
    if arguments["InvocationType"] == "Event" {
        let (functions, function) = (aws.functions.clone(), function.to_owned());
        tokio::spawn(async move { functions.invoke(&function, payload).await });
        return Ok(aws.with_metadata(json!({ "Payload": "", "StatusCode": 202 }), LAMBDA, 0, 202));
    }
    let output = invoke(aws, function, payload, Form::Optimised).await.map_err(rewritten)?;
    let length = output.to_string().len();
    Ok(aws.with_metadata(
        json!({ "ExecutedVersion": "$LATEST", "Payload": output, "StatusCode": 200 }),
        LAMBDA,
        length,
        200,
    ))
}

/// The error as the optimised integration gives it: it parses a function's error and writes it again without
/// spaces. (For a function called by its ARN the error is kept as it is.)
fn rewritten(error: TaskError) -> TaskError {
    let cause = serde_json::from_str(&error.cause).map_or(error.cause, |cause: Value| cause.to_string());
    TaskError { cause, ..error }
}

/// The event of an invocation: a `Payload` that is a text is parsed as JSON, and a missing one is an empty
/// object.
fn payload(arguments: &Value) -> Value {
    match &arguments["Payload"] {
        Value::Null => json!({}),
        Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str())),
        payload => payload.clone(),
    }
}

/// Invokes a function by the SDK integration, whose answer has the payload as text, as the Lambda API does.
async fn invoke_by_sdk(aws: &Aws, arguments: &Value) -> Result<Value, TaskError> {
    let function = arguments["FunctionName"].as_str().unwrap_or_default();
    let output = invoke(aws, function, payload(arguments), Form::Sdk).await?;
    Ok(json!({ "ExecutedVersion": "$LATEST", "Payload": output.to_string(), "StatusCode": 200 }))
}

/// The headers of a service's answers, besides those that all services have.
type Headers = &'static [(&'static str, &'static str)];

const LAMBDA: Headers = &[
    ("Content-Type", "application/json"),
    ("X-Amz-Executed-Version", "$LATEST"),
    ("x-amzn-Remapped-Content-Length", "0"),
    ("X-Amzn-Trace-Id", "Root=1-00000000-000000000000000000000000;Sampled=0"),
];
const DYNAMODB: Headers =
    &[("Content-Type", "application/x-amz-json-1.0"), ("Server", "Server"), ("x-amz-crc32", "0")];
const EVENTS: Headers = &[("Content-Type", "application/x-amz-json-1.1")];

impl Aws {
    /// Adds the metadata that an optimised integration adds to a service's answer.
    fn with_metadata(&self, mut answer: Value, service: Headers, length: usize, status: u16) -> Value {
        let request_id = self.surroundings.randomness.uuid_v4().to_string();
        let date = self.surroundings.clock.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let length = length.to_string();
        let common = [
            ("Connection", "keep-alive"),
            ("Content-Length", &length),
            ("Date", &date),
            ("x-amzn-RequestId", &request_id),
        ];
        let headers: Map<_, _> = common
            .into_iter()
            .chain(service.iter().copied())
            .map(|(name, value)| (name.to_owned(), Value::from(value)))
            .collect();
        let lists: Map<_, _> = headers.iter().map(|(name, value)| (name.clone(), json!([value]))).collect();
        if let Value::Object(answer) = &mut answer {
            answer.insert(
                "SdkHttpMetadata".into(),
                json!({ "AllHttpHeaders": lists, "HttpHeaders": headers, "HttpStatusCode": status }),
            );
            answer.insert("SdkResponseMetadata".into(), json!({ "RequestId": request_id }));
            answer.sort_keys();
        }
        answer
    }

    fn optimised_cause(&self, message: &str, service: &str, status: u16, code: &str) -> String {
        let request = self.surroundings.randomness.uuid_v4();
        format!(
            "{message} (Service: {service}; Status Code: {status}; Error Code: {code}; Request ID: {request}; Proxy: null)"
        )
    }

    fn sdk_cause(&self, message: &str, service: &str, status: u16) -> String {
        format!(
            "{message} (Service: {service}, Status Code: {status}, Request ID: {})",
            self.surroundings.randomness.uuid_v4()
        )
    }
}

async fn dynamodb(aws: &Aws, action: &str, sdk: bool, arguments: &Value) -> Result<Value, TaskError> {
    let answer = aws.tables.answer(&capitalised(action), arguments.to_string().into()).await;
    let body: Value = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
    if answer.status == 200 {
        return Ok(if sdk {
            with_iso_dates(body)
        } else {
            aws.with_metadata(body, DYNAMODB, answer.body.len(), 200)
        });
    }
    let refusal = Refusal::of(&body, answer.status);
    Err(if sdk {
        TaskError {
            error: format!("DynamoDb.{}", refusal.exception.as_deref().unwrap_or("DynamoDbException")),
            cause: aws.sdk_cause(&refusal.message, "DynamoDb", answer.status),
        }
    } else {
        TaskError {
            error: format!("DynamoDB.{}", refusal.exception.as_deref().unwrap_or("AmazonDynamoDBException")),
            cause: aws.optimised_cause(&refusal.message, "AmazonDynamoDBv2", answer.status, &refusal.code),
        }
    })
}

/// What DynamoDB answered to a request that it refused.
#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    /// The service's code, such as `ValidationException`.
    code: String,
    /// The class that the clients have for it, if they have one.
    exception: Option<String>,
    message: String,
}

impl Refusal {
    fn of(body: &Value, status: u16) -> Self {
        let kind = body["__type"].as_str().unwrap_or_default();
        let code = kind.rsplit('#').next().unwrap_or_default();
        let message = body["message"].as_str().or(body["Message"].as_str()).unwrap_or_default();
        // What failed inside is for the log.
        let (code, message) = match status {
            500.. => ("InternalServerError", "Internal server error"),
            _ => (code, message),
        };
        let exception = DYNAMODB_EXCEPTIONS.contains(&code).then(|| {
            let name = code.trim_end_matches("Exception");
            format!("{name}Exception")
        });
        Self { code: code.to_owned(), exception, message: message.to_owned() }
    }
}

/// Publishes events. In a state machine the detail of an event may be any JSON; the API takes it as text.
fn put_events(aws: &Aws, arguments: &Value) -> Result<Value, TaskError> {
    let mut arguments = arguments.clone();
    for entry in arguments["Entries"].as_array_mut().into_iter().flatten() {
        if let Some(detail) = entry.get_mut("Detail")
            && !detail.is_string()
        {
            *detail = Value::String(detail.to_string());
        }
    }
    let answer = events::put_events(&aws.bus, &arguments).map_err(|error| TaskError {
        error: format!("EventBridge.{}", error.code),
        cause: aws.sdk_cause(&error.message, "EventBridge", error.status.as_u16()),
    })?;
    if answer["FailedEntryCount"] != 0 {
        return Err(TaskError { error: "EventBridge.FailedEntry".to_owned(), cause: answer.to_string() });
    }
    Ok(answer)
}

/// Calls Step Functions by the SDK integration, which writes member names `LikeThis` where the API has
/// `likeThis`.
async fn sfn(aws: &Aws, action: &str, arguments: &Value) -> Result<Value, TaskError> {
    let arguments = rename(arguments, &|name| with_first(name, |first| first.to_ascii_lowercase()));
    match Box::pin(states::answer(aws, &capitalised(action), stringify_payloads(arguments))).await {
        Ok(answer) => Ok(with_iso_dates(rename(&answer, &capitalised))),
        Err(ApiError { code, message, status }) => Err(TaskError {
            error: format!("Sfn.{}Exception", code.trim_end_matches("Exception")),
            cause: format!("{} (SDK Attempt Count: 1)", aws.sdk_cause(&message, "Sfn", status.as_u16())),
        }),
    }
}

/// Turns members that the API wants as JSON text into text; a state machine may give them as JSON.
fn stringify_payloads(mut arguments: Value) -> Value {
    for member in ["input", "output", "cause"] {
        if let Some(value) = arguments.get_mut(member)
            && !value.is_string()
        {
            *value = Value::String(value.to_string());
        }
    }
    arguments
}

fn rename(value: &Value, name: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::Object(pairs) => {
            let pairs = pairs.iter().map(|(key, value)| (name(key), rename(value, name)));
            Value::Object(pairs.collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(|item| rename(item, name)).collect(),
        scalar => scalar.clone(),
    }
}

/// Writes the instants in a service's answer as an SDK integration does: as ISO texts, where the API has
/// seconds since 1970. Data of users is not in members of such names, or is no number there.
fn with_iso_dates(mut answer: Value) -> Value {
    match &mut answer {
        Value::Object(members) => {
            for (name, value) in members {
                let is_date = ["Date", "DateTime", "Timestamp"].iter().any(|end| name.ends_with(end));
                match value.as_f64().filter(|_| is_date).and_then(iso) {
                    Some(date) => *value = date.into(),
                    None if name != "Item" && name != "Items" => *value = with_iso_dates(value.take()),
                    None => {}
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = with_iso_dates(item.take())),
        _ => {}
    }
    answer
}

/// An instant in seconds since 1970 as Java's Instant writes it: with milliseconds only if there are any.
fn iso(seconds: f64) -> Option<String> {
    let at = DateTime::from_timestamp_millis((seconds * 1000.0).round() as i64)?;
    let format = if at.timestamp_subsec_millis() == 0 { SecondsFormat::Secs } else { SecondsFormat::Millis };
    Some(at.to_rfc3339_opts(format, true))
}

fn capitalised(name: &str) -> String {
    with_first(name, |first| first.to_ascii_uppercase())
}

fn with_first(text: &str, change: impl Fn(char) -> char) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| format!("{}{}", change(first), chars.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(kind: &str, message: &str, status: u16) -> Refusal {
        Refusal::of(&json!({ "__type": kind, "message": message }), status)
    }

    #[test]
    fn a_refusal_has_the_class_that_the_clients_have_and_no_other() {
        let known = refusal("com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "no", 400);
        assert_eq!(known.exception.as_deref(), Some("ConditionalCheckFailedException"));
        let general = refusal("com.amazon.coral.validate#ValidationException", "Number overflow", 400);
        assert_eq!((general.exception, general.code.as_str()), (None, "ValidationException"));
        assert_eq!(general.message, "Number overflow");
    }

    #[test]
    fn dates_are_iso_texts_and_data_stays() {
        let answer = json!({
            "StateMachines": [{ "Name": "pack", "CreationDate": 1_735_689_600.25 }],
            "StopDate": 1_735_689_600.0,
            "Count": 3,
            "Items": [{ "BirthDate": 7 }],
        });
        let written = with_iso_dates(answer);
        assert_eq!(written["StateMachines"][0]["CreationDate"], "2025-01-01T00:00:00.250Z");
        assert_eq!(written["StopDate"], "2025-01-01T00:00:00Z");
        assert_eq!((&written["Count"], &written["Items"][0]["BirthDate"]), (&json!(3), &json!(7)));
    }

    #[test]
    fn no_refusal_tells_about_the_inside() {
        let failed =
            refusal("com.amazonaws.dynamodb.v20120810#InternalServerError", "SQLite: disk full", 500);
        assert_eq!(failed.exception.as_deref(), Some("InternalServerErrorException"));
        assert_eq!(failed.message, "Internal server error");
    }
}
