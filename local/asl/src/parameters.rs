//! The fields that the actions of services take, and their types. AWS checks the names of a task's arguments
//! when a state machine is created, and names and types before the task is started.
//!
//! The fields are those of the services' API References. The words for a missing and an unknown field and for
//! text are AWS's (github.com/aws/aws-cdk/issues/9181; Developer Guide, "Passing parameters to a service
//! API"); those for other types follow them.

use serde_json::{Map, Value};

use crate::resource::Resource;

/// What a field holds.
#[derive(Clone, Copy)]
enum Shape {
    Text,
    Number,
    Boolean,
    /// Anything. Also what a service takes in several forms.
    Any,
    /// JSON, as text or as it is.
    Json,
    List(&'static Shape),
    /// An object with any names.
    Map(&'static Shape),
    Structure(&'static [Field]),
    /// A value of DynamoDB, which holds others of its kind.
    Attribute,
}

/// A field of an object.
struct Field {
    name: &'static str,
    shape: Shape,
    required: bool,
}

const fn field(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, required: false }
}

const fn required(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, required: true }
}

use Shape::{Any, Attribute, Boolean, Json, List, Map as MapOf, Number, Structure, Text};

const NAMES: Shape = MapOf(&Text);
const ATTRIBUTES: Shape = MapOf(&Attribute);

const INVOKE: &[Field] = &[
    required("FunctionName", Text),
    field("Payload", Json),
    field("InvocationType", Text),
    field("LogType", Text),
    field("ClientContext", Json),
    field("Qualifier", Text),
    field("TenantId", Text),
    field("DurableExecutionName", Text),
];
const START_EXECUTION: &[Field] = &[
    required("StateMachineArn", Text),
    field("Input", Any),
    field("Name", Text),
    field("TraceHeader", Text),
];
const ENTRY: &[Field] = &[
    field("Source", Text),
    field("DetailType", Text),
    field("Detail", Json),
    field("EventBusName", Text),
    field("Resources", List(&Text)),
    field("Time", Any),
    field("TraceHeader", Text),
];
const PUT_EVENTS: &[Field] = &[required("Entries", List(&Structure(ENTRY))), field("EndpointId", Text)];
const GET_ITEM: &[Field] = &[
    required("TableName", Text),
    required("Key", ATTRIBUTES),
    field("AttributesToGet", List(&Text)),
    field("ConsistentRead", Boolean),
    field("ExpressionAttributeNames", NAMES),
    field("ProjectionExpression", Text),
    field("ReturnConsumedCapacity", Text),
];
const PUT_ITEM: &[Field] = &[
    required("TableName", Text),
    required("Item", ATTRIBUTES),
    field("ConditionExpression", Text),
    field("ConditionalOperator", Text),
    field("Expected", Any),
    field("ExpressionAttributeNames", NAMES),
    field("ExpressionAttributeValues", ATTRIBUTES),
    field("ReturnConsumedCapacity", Text),
    field("ReturnItemCollectionMetrics", Text),
    field("ReturnValues", Text),
    field("ReturnValuesOnConditionCheckFailure", Text),
];
const UPDATE_ITEM: &[Field] = &[
    required("TableName", Text),
    required("Key", ATTRIBUTES),
    field("AttributeUpdates", Any),
    field("ConditionExpression", Text),
    field("ConditionalOperator", Text),
    field("Expected", Any),
    field("ExpressionAttributeNames", NAMES),
    field("ExpressionAttributeValues", ATTRIBUTES),
    field("ReturnConsumedCapacity", Text),
    field("ReturnItemCollectionMetrics", Text),
    field("ReturnValues", Text),
    field("ReturnValuesOnConditionCheckFailure", Text),
    field("UpdateExpression", Text),
];
const DELETE_ITEM: &[Field] = &[
    required("TableName", Text),
    required("Key", ATTRIBUTES),
    field("ConditionExpression", Text),
    field("ConditionalOperator", Text),
    field("Expected", Any),
    field("ExpressionAttributeNames", NAMES),
    field("ExpressionAttributeValues", ATTRIBUTES),
    field("ReturnConsumedCapacity", Text),
    field("ReturnItemCollectionMetrics", Text),
    field("ReturnValues", Text),
    field("ReturnValuesOnConditionCheckFailure", Text),
];
/// What Query and Scan have in common; the rest of their fields is of these types as well.
const QUERY: &[Field] = &[
    required("TableName", Text),
    field("AttributesToGet", List(&Text)),
    field("ConditionalOperator", Text),
    field("ConsistentRead", Boolean),
    field("ExclusiveStartKey", ATTRIBUTES),
    field("ExpressionAttributeNames", NAMES),
    field("ExpressionAttributeValues", ATTRIBUTES),
    field("FilterExpression", Text),
    field("IndexName", Text),
    field("KeyConditionExpression", Text),
    field("KeyConditions", Any),
    field("Limit", Number),
    field("ProjectionExpression", Text),
    field("QueryFilter", Any),
    field("ReturnConsumedCapacity", Text),
    field("ScanFilter", Any),
    field("ScanIndexForward", Boolean),
    field("Segment", Number),
    field("Select", Text),
    field("TotalSegments", Number),
];
/// The forms of a value in DynamoDB (Amazon DynamoDB API Reference, AttributeValue).
const ATTRIBUTE: &[Field] = &[
    field("S", Text),
    field("N", Text),
    field("B", Text),
    field("SS", List(&Text)),
    field("NS", List(&Text)),
    field("BS", List(&Text)),
    field("M", ATTRIBUTES),
    field("L", List(&Attribute)),
    field("NULL", Boolean),
    field("BOOL", Boolean),
];

/// The fields of the arguments of a task that calls this; `None` where they are not checked.
fn fields(resource: &Resource) -> Option<&'static [Field]> {
    let Resource::Service { service, action, sdk, .. } = resource else { return None };
    Some(match (service.as_str(), action.as_str(), *sdk) {
        ("lambda", "invoke", _) => INVOKE,
        ("states", "startExecution", false) => START_EXECUTION,
        ("events", "putEvents", false) | ("eventbridge", "putEvents", true) => PUT_EVENTS,
        ("dynamodb", "getItem", _) => GET_ITEM,
        ("dynamodb", "putItem", _) => PUT_ITEM,
        ("dynamodb", "updateItem", _) => UPDATE_ITEM,
        ("dynamodb", "deleteItem", _) => DELETE_ITEM,
        ("dynamodb", "query" | "scan", true) => QUERY,
        _ => return None,
    })
}

/// The faults that the names of a task's arguments have, in AWS's words. A path in a JSONPath template has a
/// name that ends in `.$`.
pub(crate) fn faults_of_names<'a>(resource: &Resource, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let Some(fields) = fields(resource) else { return Vec::new() };
    let names: Vec<&str> = names.map(|name| name.strip_suffix(".$").unwrap_or(name)).collect();
    let mut faults = Vec::new();
    check_names(fields, &names, &mut faults);
    faults
}

/// The faults of the arguments that a task is to be started with, in AWS's words. Arguments that are no object
/// have none that could be named.
pub(crate) fn faults(resource: &Resource, arguments: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    if let (Some(fields), Value::Object(arguments)) = (fields(resource), arguments) {
        structure(fields, arguments, &mut faults);
    }
    faults
}

fn check_names(fields: &[Field], names: &[&str], faults: &mut Vec<String>) {
    for field in fields.iter().filter(|field| field.required && !names.contains(&field.name)) {
        faults.push(format!("The field '{}' is required but was missing", field.name));
    }
    for name in names.iter().filter(|name| fields.iter().all(|field| field.name != **name)) {
        faults.push(format!("The field '{name}' is not supported by Step Functions"));
    }
}

fn structure(fields: &[Field], object: &Map<String, Value>, faults: &mut Vec<String>) {
    let names: Vec<&str> = object.keys().map(String::as_str).collect();
    check_names(fields, &names, faults);
    for field in fields {
        if let Some(value) = object.get(field.name) {
            check(field.shape, field.name, value, faults);
        }
    }
}

/// Checks the value of a field. AWS takes null for an absent field.
fn check(shape: Shape, name: &str, value: &Value, faults: &mut Vec<String>) {
    if value.is_null() {
        return;
    }
    let (fits, wanted) = match shape {
        Text => (value.is_string(), "a STRING"),
        Json => (value.is_string() || value.is_object() || value.is_array(), "a STRING"),
        Number => (value.is_number(), "a NUMBER"),
        Boolean => (value.is_boolean(), "a BOOLEAN"),
        List(_) => (value.is_array(), "an ARRAY"),
        MapOf(_) | Structure(_) | Attribute => (value.is_object(), "an OBJECT"),
        Any => return,
    };
    if !fits {
        return faults.push(format!("The value for the field '{name}' must be {wanted}"));
    }
    match (shape, value) {
        (List(item), Value::Array(items)) => items.iter().for_each(|value| check(*item, name, value, faults)),
        (MapOf(member), Value::Object(map)) => {
            map.iter().for_each(|(name, value)| check(*member, name, value, faults));
        }
        (Structure(fields), Value::Object(map)) => structure(fields, map, faults),
        (Attribute, Value::Object(map)) => structure(ATTRIBUTE, map, faults),
        _ => {}
    }
}
