//! The fields of a Task.

use std::sync::Arc;

use serde_json::Value;

use super::error::{Result, fail};
use super::fields::{number, text};
use crate::graph::Task;
use crate::language::Language;
use crate::resource::Resource;

/// The `Resource` of a Task, as the definition has it.
pub(super) fn resource(state: &Value) -> &str {
    text(state, "Resource").unwrap_or_default()
}

pub(super) fn task(state: &Value, language: Language, location: &str) -> Result<Task> {
    let arn = resource(state);
    let Some(resource) = Resource::parse(arn) else {
        return fail(location, format!("{arn} is no resource that a Task can call"));
    };
    let (resource_type, resource_name) = match &resource {
        Resource::Service { service, action, sdk, pattern } => {
            let resource_type = if *sdk { format!("aws-sdk:{service}") } else { service.clone() };
            let name = format!("{action}{}", pattern.suffix());
            (Some(Arc::from(resource_type)), Arc::from(name))
        }
        _ => (None, Arc::from(arn)),
    };
    Ok(Task {
        resource,
        resource_type,
        resource_name,
        timeout: number(state, "TimeoutSeconds", language, location)?,
        heartbeat: number(state, "HeartbeatSeconds", language, location)?,
    })
}
