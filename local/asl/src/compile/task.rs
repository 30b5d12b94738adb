//! The fields of a Task.

use std::sync::Arc;

use serde_json::Value;

use super::error::Result;
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
    let resource = Resource::parse(arn);
    let (resource_type, resource_name) = match &resource {
        Resource::Service { service, sdk, .. } => {
            let resource_type = if *sdk { format!("aws-sdk:{service}") } else { service.clone() };
            let name = arn.strip_prefix("arn:aws:states:::").and_then(|r| r.strip_prefix(&resource_type));
            (Some(Arc::from(resource_type)), Arc::from(name.unwrap_or_default().trim_start_matches(':')))
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
