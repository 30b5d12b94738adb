//! What an expression can see: the variables of its branch and of the branches around it, the context object, and the outside.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::Timestamp;
use crate::api::Ambient;
use crate::time;

/// The variables that one branch has assigned.
pub(crate) type Variables = BTreeMap<Arc<str>, Arc<Value>>;

/// A branch's variables on top of those of the branches around it (Developer Guide, "Passing data between states with variables":
/// inner scopes read outer variables).
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) own: &'a Variables,
    pub(crate) outer: Option<&'a Scope<'a>>,
    /// The item that the nearest Map around is working on.
    pub(crate) item: Option<&'a MapItem>,
}

/// `$$.Map.Item`.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct MapItem {
    #[serde(rename = "i")]
    pub(crate) index: u64,
    #[serde(rename = "v")]
    pub(crate) value: Arc<Value>,
}

impl<'a> Scope<'a> {
    pub(crate) fn lookup(&self, name: &str) -> Option<&'a Arc<Value>> {
        let mut scope = self;
        loop {
            if let Some(value) = scope.own.get(name) {
                return Some(value);
            }
            scope = scope.outer?;
        }
    }

    fn map_item(&self) -> Option<&'a MapItem> {
        let mut scope = self;
        loop {
            if let Some(item) = scope.item {
                return Some(item);
            }
            scope = scope.outer?;
        }
    }
}

/// The parts of the context object that hold for a whole execution.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct Identity {
    #[serde(rename = "a")]
    pub(crate) execution_arn: Arc<str>,
    #[serde(rename = "n")]
    pub(crate) execution_name: Arc<str>,
    #[serde(rename = "m")]
    pub(crate) state_machine_arn: Arc<str>,
    #[serde(rename = "mn")]
    pub(crate) state_machine_name: Arc<str>,
    #[serde(rename = "r")]
    pub(crate) role_arn: Arc<str>,
    #[serde(rename = "t", with = "chrono::serde::ts_milliseconds")]
    pub(crate) start_time: Timestamp,
    #[serde(rename = "i")]
    pub(crate) input: Arc<Value>,
    /// StartSyncExecution: nobody can redrive it, and its context object says nothing of redrives.
    #[serde(rename = "s", default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) synchronous: bool,
    #[serde(rename = "rd", default, skip_serializing_if = "Option::is_none")]
    pub(crate) redriven: Option<Redriven>,
}

/// `$$.Execution.RedriveCount` and `RedriveTime`.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct Redriven {
    #[serde(rename = "c")]
    pub(crate) count: u64,
    #[serde(rename = "t", with = "chrono::serde::ts_milliseconds")]
    pub(crate) time: Timestamp,
}

/// Where the context object comes from (Developer Guide, "Accessing execution data from the Context object").
pub(crate) enum Context<'a> {
    /// An execution's, built when an expression asks for it.
    Live {
        identity: &'a Identity,
        state: &'a str,
        entered: Timestamp,
        /// Absent for the states that have no Retry (Pass, Choice, Wait, …).
        retries: Option<u32>,
        token: Option<&'a str>,
        scope: Scope<'a>,
        built: OnceCell<Value>,
    },
    /// TestState's: given by the caller.
    Given(&'a Value),
}

impl Context<'_> {
    pub(crate) fn value(&self) -> &Value {
        match self {
            Self::Given(value) => value,
            Self::Live { identity, state, entered, retries, token, scope, built } => {
                built.get_or_init(|| {
                    let mut execution = Map::new();
                    execution.insert("Id".into(), (&*identity.execution_arn).into());
                    execution.insert("Input".into(), Value::clone(&identity.input));
                    execution.insert("StartTime".into(), time::format(identity.start_time).into());
                    execution.insert("Name".into(), (&*identity.execution_name).into());
                    execution.insert("RoleArn".into(), (&*identity.role_arn).into());
                    if !identity.synchronous {
                        let count = identity.redriven.as_ref().map_or(0, |r| r.count);
                        execution.insert("RedriveCount".into(), count.into());
                    }
                    if let Some(redriven) = &identity.redriven {
                        execution.insert("RedriveTime".into(), time::format(redriven.time).into());
                    }
                    let mut context = Map::new();
                    context.insert("Execution".into(), Value::Object(execution));
                    context.insert(
                        "StateMachine".into(),
                        json!({"Id": &*identity.state_machine_arn, "Name": &*identity.state_machine_name}),
                    );
                    let mut state = json!({"Name": state, "EnteredTime": time::format(*entered)});
                    if let Some(retries) = retries {
                        state["RetryCount"] = (*retries).into();
                    }
                    context.insert("State".into(), state);
                    if let Some(token) = token {
                        context.insert("Task".into(), json!({"Token": token}));
                    }
                    if let Some(item) = scope.map_item() {
                        context.insert(
                            "Map".into(),
                            json!({"Item": {"Index": item.index, "Value": &*item.value}}),
                        );
                    }
                    Value::Object(context)
                })
            }
        }
    }
}

/// Everything that the expressions of one state see.
pub(crate) struct Env<'a> {
    pub(crate) scope: Scope<'a>,
    pub(crate) context: Context<'a>,
    pub(crate) ambient: &'a mut dyn Ambient,
}
