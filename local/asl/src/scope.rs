//! What an expression can see: the variables of its branch and of the branches around it, the context object,
//! and the outside.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::api::Ambient;
use crate::budget::Budget;
use crate::time;
use crate::time::Timestamp;

/// The variables that one branch has assigned.
pub(crate) type Variables = BTreeMap<Arc<str>, Arc<Value>>;

/// A branch's variables on top of those of the branches around it (AWS Step Functions Developer Guide,
/// "Passing data between states with variables": an inner scope can read the variables of the outer one).
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) own: &'a Variables,
    pub(crate) outer: Option<&'a Scope<'a>>,
    /// The item of the Map iteration that this branch is, if it is one.
    pub(crate) item: Option<&'a MapItem>,
}

/// The item of a Map iteration, which the context object shows as `$$.Map.Item`.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MapItem {
    #[serde(rename = "i")]
    pub(crate) index: u64,
    #[serde(rename = "v")]
    pub(crate) value: Arc<Value>,
    /// The name of the member that the item is, in a Map over an object.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<Arc<str>>,
}

impl MapItem {
    /// The member `Map.Item` of the context object.
    pub(crate) fn context(&self) -> Value {
        let mut item = json!({"Index": self.index, "Value": &*self.value, "Source": "STATE_DATA"});
        if let Some(key) = &self.key {
            item["Key"] = (&**key).into();
        }
        item
    }
}

impl<'a> Scope<'a> {
    /// The value of a variable: the nearest branch that has assigned it wins.
    pub(crate) fn lookup(&self, name: &str) -> Option<&'a Arc<Value>> {
        let mut scope = self;
        loop {
            if let Some(value) = scope.own.get(name) {
                return Some(value);
            }
            scope = scope.outer?;
        }
    }

    /// The item of the nearest Map around.
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
#[serde(deny_unknown_fields)]
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
    /// Whether StartSyncExecution has started the execution. Then nobody can redrive it, and its context
    /// object says nothing of redrives.
    #[serde(rename = "s", default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) synchronous: bool,
    #[serde(rename = "rd", default, skip_serializing_if = "Option::is_none")]
    pub(crate) redriven: Option<Redriven>,
}

/// How often and when an execution was redriven: `$$.Execution.RedriveCount` and `RedriveTime`.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Redriven {
    #[serde(rename = "c")]
    pub(crate) count: u64,
    #[serde(rename = "t", with = "chrono::serde::ts_milliseconds")]
    pub(crate) time: Timestamp,
}

/// The context object (AWS Step Functions Developer Guide, "Accessing execution data from the Context
/// object").
pub(crate) enum Context<'a> {
    /// An execution has one that is built when an expression asks for it.
    Live {
        identity: &'a Identity,
        state: &'a str,
        entered: Timestamp,
        /// How often the state has been retried; absent for the types that have no Retry.
        retries: Option<u32>,
        token: Option<&'a str>,
        scope: Scope<'a>,
        built: OnceCell<Value>,
    },
    /// TestState gets one from its caller.
    Given(&'a Value),
}

impl Context<'_> {
    pub(crate) fn value(&self) -> &Value {
        match self {
            Self::Given(value) => value,
            Self::Live { identity, state, entered, retries, token, scope, built } => {
                built.get_or_init(|| {
                    let mut context = Map::new();
                    context.insert("Execution".into(), identity.execution_context());
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
                        context.insert("Map".into(), json!({"Item": item.context()}));
                    }
                    Value::Object(context)
                })
            }
        }
    }
}

impl Identity {
    /// The member `Execution` of the context object.
    fn execution_context(&self) -> Value {
        let mut execution = Map::new();
        execution.insert("Id".into(), (&*self.execution_arn).into());
        execution.insert("Input".into(), Value::clone(&self.input));
        execution.insert("StartTime".into(), time::format(self.start_time).into());
        execution.insert("Name".into(), (&*self.execution_name).into());
        execution.insert("RoleArn".into(), (&*self.role_arn).into());
        if !self.synchronous {
            let count = self.redriven.as_ref().map_or(0, |r| r.count);
            execution.insert("RedriveCount".into(), count.into());
        }
        if let Some(redriven) = &self.redriven {
            execution.insert("RedriveTime".into(), time::format(redriven.time).into());
        }
        Value::Object(execution)
    }
}

/// Everything that the expressions of one state see.
pub(crate) struct Env<'a> {
    pub(crate) scope: Scope<'a>,
    pub(crate) context: Context<'a>,
    pub(crate) ambient: &'a mut dyn Ambient,
    pub(crate) budget: &'a Budget,
}
