//! A state machine, ready to run.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::api::MachineType;
use crate::compile;
use crate::graph::Graph;
use crate::references;
use crate::unsupported::{self, Unsupported};
use crate::validate::{self, Invalid};

/// A state machine. A definition is compiled once: JSONata and JSONPath are parsed here, never when they are
/// used.
///
/// A machine is not `Send`: the JSONata library counts references to its values without atomics, so a host
/// keeps its machines on one thread.
#[derive(Debug)]
pub struct Machine {
    comment: Option<String>,
    pub(crate) timeout_seconds: Option<u64>,
    /// Whether any state may set variables.
    pub(crate) has_variables: bool,
    pub(crate) graph: Graph,
    resources: BTreeSet<String>,
    references: BTreeMap<String, Vec<String>>,
    unsupported: Vec<Unsupported>,
}

impl Machine {
    /// Compiles the definition of a Standard machine, as [`Machine::parse_as`] does.
    ///
    /// # Errors
    ///
    /// [`Invalid`] when CreateStateMachine would refuse the definition.
    pub fn parse(definition: &str) -> Result<Self, Invalid> {
        Self::parse_as(definition, MachineType::Standard)
    }

    /// Validates and compiles the definition of a machine of the given type. Express machines may not use
    /// `.sync` and task tokens.
    ///
    /// ```
    /// use asl::{Machine, MachineType};
    ///
    /// let definition = r#"{
    ///     "Comment": "Charges a customer.",
    ///     "StartAt": "Charge",
    ///     "States": {
    ///         "Charge": {
    ///             "Type": "Task",
    ///             "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
    ///             "Parameters": {"FunctionName": "charge", "Payload": {"token.$": "$$.Task.Token"}},
    ///             "End": true
    ///         }
    ///     }
    /// }"#;
    /// let machine = Machine::parse_as(definition, MachineType::Standard)?;
    /// assert_eq!(machine.comment(), Some("Charges a customer."));
    /// assert!(machine.unsupported().is_empty());
    ///
    /// let refused = Machine::parse_as(definition, MachineType::Express).unwrap_err();
    /// assert_eq!(
    ///     refused.to_string(),
    ///     "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: Express state machine does not \
    ///      support '.waitForTaskToken' service integration at /States/Charge/Resource'"
    /// );
    /// # Ok::<(), asl::Invalid>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Invalid`] when CreateStateMachine would refuse the definition. Its text is that of AWS's
    /// InvalidDefinition exception.
    pub fn parse_as(definition: &str, kind: MachineType) -> Result<Self, Invalid> {
        let parsed = validate::parse(definition);
        // A text that only mentions the field does no harm.
        let has_variables = definition.contains("\"Assign\"");
        validate::reject(validate::validate(definition, kind))?;
        let definition = parsed.map_err(|diagnostic| Invalid { diagnostics: vec![diagnostic] })?;
        let compiled =
            compile::machine(&definition).map_err(|error| Invalid::schema(error.reason, error.location))?;
        Ok(Self {
            comment: definition.get("Comment").and_then(Value::as_str).map(str::to_owned),
            has_variables,
            timeout_seconds: definition.get("TimeoutSeconds").and_then(Value::as_u64),
            graph: compiled.graph,
            resources: compiled.resources,
            references: references::of(&definition),
            unsupported: unsupported::find(&definition),
        })
    }

    /// The top-level Comment of the definition.
    pub fn comment(&self) -> Option<&str> {
        self.comment.as_deref()
    }

    /// Every `Resource` of a Task, once each. A host uses it to check that it can serve them all.
    pub fn task_resources(&self) -> impl Iterator<Item = &str> {
        self.resources.iter().map(String::as_str)
    }

    /// The variables that each state refers to, by the name of the state: `variableReferences` of
    /// DescribeStateMachine.
    pub fn variable_references(&self) -> BTreeMap<String, Vec<String>> {
        self.references.clone()
    }

    /// What the definition uses that this runtime does not have. A host refuses such a machine instead of
    /// running it wrongly.
    pub fn unsupported(&self) -> &[Unsupported] {
        &self.unsupported
    }
}
