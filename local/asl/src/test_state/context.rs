//! The context object of a test: the caller gives one, or it is made up.

use serde_json::{Value, json};

use super::check::NAME;
use super::request::Request;
use super::result::Refused;
use crate::api::Ambient;
use crate::intrinsic;
use crate::time;

/// Checks that a context object has only the fields that AWS knows.
pub(super) fn check(context: &Value) -> Result<(), Refused> {
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

/// A context object for a caller that has given none.
pub(super) fn made_up(
    request: &Request<'_>,
    state: &Value,
    input: &Value,
    ambient: &mut dyn Ambient,
) -> Value {
    let now = time::format(ambient.now());
    let mut random = || ambient.random();
    let (machine, execution) = (intrinsic::uuid(&mut random), intrinsic::uuid(&mut random));
    let account = request.role_arn.and_then(|arn| arn.split(':').nth(4)).unwrap_or("111111111111");
    let mut context = json!({
        "Execution": {
            "Id": format!("arn:aws:states:us-east-1:{account}:express:{machine}:{execution}"),
            "Input": input,
            "Name": execution,
            "RoleArn": request.role_arn,
            "StartTime": now,
        },
        "StateMachine": {"Id": format!("arn:aws:states:us-east-1:{account}:stateMachine:{machine}"), "Name": machine},
        "State": {"Name": NAME, "EnteredTime": now},
    });
    if matches!(state.get("Type").and_then(Value::as_str), Some("Task" | "Parallel" | "Map")) {
        context["State"]["RetryCount"] = 0.into();
    }
    context
}
