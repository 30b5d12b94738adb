//! The ProcessorConfig of a Map, which says how its iterations run.

use serde_json::Value;

use crate::api::MachineType;

/// Whether the processor is that of a Distributed Map.
pub(crate) fn is_distributed(processor: &Value) -> bool {
    processor.pointer("/ProcessorConfig/Mode").is_some_and(|mode| mode == "DISTRIBUTED")
}

/// The ExecutionType of the child executions of a Distributed Map.
pub(crate) fn child_type(processor: &Value) -> MachineType {
    match processor.pointer("/ProcessorConfig/ExecutionType").and_then(Value::as_str) {
        Some("EXPRESS") => MachineType::Express,
        _ => MachineType::Standard,
    }
}
