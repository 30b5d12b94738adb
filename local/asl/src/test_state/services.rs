//! The shapes of services' answers, against which a mocked result is held.

use serde_json::Value;

use super::request::FieldValidation;
use super::result::Refused;
use crate::resource::{Pattern, Resource};

/// Checks that the service behind a resource could really have given this answer.
pub(super) fn check(result: &Value, resource: &Resource, validation: FieldValidation) -> Result<(), Refused> {
    match validation {
        FieldValidation::None => Ok(()),
        FieldValidation::Present => fits(result, answer(resource), false),
        FieldValidation::Strict => fits(result, answer(resource), true),
    }
}

/// A field of a service's answer.
struct Field {
    name: &'static str,
    shape: Shape,
    required: bool,
}

/// What a field may hold.
enum Shape {
    Text,
    /// Text, or bytes as Base64 text, that must not be empty.
    NonEmpty,
    /// One of a few words.
    OneOf(&'static [&'static str]),
    /// A number up to this one.
    Number(f64),
    List(&'static [Field]),
    Structure(&'static [Field]),
}

/// A field that may be absent.
const fn field(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, required: false }
}

/// A field that must be there.
const fn required(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, required: true }
}

/// The bound of a number that the API does not bound.
const ANY: f64 = f64::INFINITY;
const INVOKE: &[Field] = &[
    field("StatusCode", Shape::Number(ANY)),
    field("FunctionError", Shape::Text),
    field("LogResult", Shape::Text),
    field("ExecutedVersion", Shape::Text),
];
const CAPACITY: &[Field] = &[
    field("TableName", Shape::Text),
    field("CapacityUnits", Shape::Number(ANY)),
    field("ReadCapacityUnits", Shape::Number(ANY)),
    field("WriteCapacityUnits", Shape::Number(ANY)),
];
const ITEM: &[Field] = &[field("ConsumedCapacity", Shape::Structure(CAPACITY))];
const ENTRIES: &[Field] =
    &[field("EventId", Shape::Text), field("ErrorCode", Shape::Text), field("ErrorMessage", Shape::Text)];
const PUT_EVENTS: &[Field] =
    &[field("FailedEntryCount", Shape::Number(ANY)), field("Entries", Shape::List(ENTRIES))];
const START_EXECUTION: &[Field] =
    &[required("ExecutionArn", Shape::Text), required("StartDate", Shape::Text)];
const DESCRIBE_EXECUTION: &[Field] = &[
    required("ExecutionArn", Shape::Text),
    required("StateMachineArn", Shape::Text),
    required("Status", Shape::Text),
    required("StartDate", Shape::Text),
    field("Name", Shape::Text),
    field("Error", Shape::Text),
    field("Cause", Shape::Text),
];
const CONFIGURATION: &[Field] = &[
    field("FunctionName", Shape::Text),
    field("FunctionArn", Shape::Text),
    field("Runtime", Shape::Text),
    field("Role", Shape::Text),
    field("Handler", Shape::Text),
    field("CodeSize", Shape::Number(ANY)),
    field("Timeout", Shape::Number(ANY)),
    field("MemorySize", Shape::Number(10_240.0)),
];
const GET_FUNCTION: &[Field] = &[field("Configuration", Shape::Structure(CONFIGURATION))];

const ENCRYPT: &[Field] = &[field("CiphertextBlob", Shape::NonEmpty), field("KeyId", Shape::NonEmpty)];
const DECRYPT: &[Field] = &[field("Plaintext", Shape::NonEmpty), field("KeyId", Shape::NonEmpty)];
const STORAGE_CLASSES: &[&str] = &[
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "DEEP_ARCHIVE",
    "OUTPOSTS",
    "GLACIER_IR",
    "SNOW",
    "EXPRESS_ONEZONE",
];
const GET_OBJECT: &[Field] = &[
    field("ContentLength", Shape::Number(ANY)),
    field("ContentType", Shape::Text),
    field("ETag", Shape::Text),
    field("LastModified", Shape::Text),
    field("StorageClass", Shape::OneOf(STORAGE_CLASSES)),
    field("VersionId", Shape::Text),
];
const PUT_OBJECT: &[Field] = &[field("ETag", Shape::Text), field("VersionId", Shape::Text)];
const SEND_MESSAGE: &[Field] = &[
    field("MessageId", Shape::Text),
    field("MD5OfMessageBody", Shape::Text),
    field("SequenceNumber", Shape::Text),
];
const PUBLISH: &[Field] = &[field("MessageId", Shape::Text), field("SequenceNumber", Shape::Text)];

/// The fields of the answers of the services that definitions mostly use, from their API References. For any
/// other service there are none, so a mock of it is taken as it is.
fn answer(resource: &Resource) -> &'static [Field] {
    let Resource::Service { service, action, pattern, .. } = resource else { return &[] };
    match (service.as_str(), action.as_str(), pattern) {
        // The result is what comes with the token, not the answer to the call.
        (_, _, Pattern::WaitForTaskToken) => &[],
        ("lambda", "invoke", _) => INVOKE,
        ("lambda", "getFunction", _) => GET_FUNCTION,
        ("dynamodb", "getItem" | "putItem" | "updateItem" | "deleteItem", _) => ITEM,
        ("events" | "eventbridge", "putEvents", _) => PUT_EVENTS,
        ("states" | "sfn", "startExecution", Pattern::RequestResponse) => START_EXECUTION,
        ("states", "startExecution", _) => DESCRIBE_EXECUTION,
        ("kms", "encrypt", _) => ENCRYPT,
        ("kms", "decrypt", _) => DECRYPT,
        ("s3", "getObject", _) => GET_OBJECT,
        ("s3", "putObject", _) => PUT_OBJECT,
        ("sqs", "sendMessage", _) => SEND_MESSAGE,
        ("sns", "publish", _) => PUBLISH,
        _ => &[],
    }
}

/// Checks a value against fields. `strict` means that the required ones must be there.
fn fits(value: &Value, fields: &[Field], strict: bool) -> Result<(), Refused> {
    let refuse = |name: &str, reason: &str| {
        Err(Refused::validation(format!("Mock result schema validation error: Field '{name}' {reason}")))
    };
    for field in fields {
        let name = field.name;
        let Some(value) = value.get(name) else {
            if strict && field.required {
                return Err(Refused::validation(format!(
                    "Mock result schema validation error: Required field '{name}' is missing"
                )));
            }
            continue;
        };
        match &field.shape {
            Shape::Text | Shape::NonEmpty | Shape::OneOf(_) if !value.is_string() => {
                return refuse(name, "must be a string");
            }
            Shape::NonEmpty if value == "" => return refuse(name, "is smaller than the minimum length"),
            Shape::OneOf(words) if !words.iter().any(|word| value == word) => {
                return refuse(name, "is not an expected value");
            }
            Shape::Number(_) if !value.is_number() => return refuse(name, "must be a number"),
            Shape::Number(most) if value.as_f64().is_some_and(|n| n > *most) => {
                return refuse(name, "exceeds the maximum value");
            }
            Shape::List(_) if !value.is_array() => return refuse(name, "must be an array"),
            Shape::List(inner) => {
                for item in value.as_array().into_iter().flatten() {
                    fits(item, inner, strict)?;
                }
            }
            Shape::Structure(_) if !value.is_object() => return refuse(name, "must be an object"),
            Shape::Structure(inner) => fits(value, inner, strict)?,
            _ => {}
        }
    }
    Ok(())
}
