//! The permissions of the functions' roles, as the template declares them. The local runtime doesn't enforce
//! them; tests compare them with what the functions do.

use std::collections::BTreeMap;

use serde_json::Value;

/// One action on one resource that a policy allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// An IAM action such as `dynamodb:GetItem`.
    pub action: String,
    /// An ARN; a `*` at its end stands for any text.
    pub resource: String,
}

impl Permission {
    /// Whether it allows this action on this resource.
    pub fn allows(&self, action: &str, resource: &str) -> bool {
        self.action == action
            && match self.resource.strip_suffix('*') {
                Some(prefix) => resource.starts_with(prefix),
                None => resource == self.resource,
            }
    }
}

/// The roles and policies of a template while it is read.
#[derive(Debug, Clone, Default)]
pub(super) struct Roles(BTreeMap<String, Vec<Permission>>);

impl Roles {
    /// The permissions of the role with this logical id.
    pub(super) fn of(&self, role: &str) -> Vec<Permission> {
        self.0.get(role).cloned().unwrap_or_default()
    }

    /// Adds the permissions of an AWS::IAM::Role.
    pub(super) fn add_role(&mut self, id: &str, properties: &Value) {
        for policy in properties["Policies"].as_array().into_iter().flatten() {
            self.0.entry(id.to_owned()).or_default().extend(permissions(&policy["PolicyDocument"]));
        }
    }

    /// Adds the permissions of an AWS::IAM::Policy to the roles that it names.
    pub(super) fn add_policy(&mut self, properties: &Value) {
        for role in texts(&properties["Roles"]) {
            self.0.entry(role).or_default().extend(permissions(&properties["PolicyDocument"]));
        }
    }
}

/// The permissions of a policy document: every combination of an action and a resource of each statement.
pub(super) fn permissions(document: &Value) -> Vec<Permission> {
    let statements = document["Statement"].as_array().into_iter().flatten();
    let statements = statements.filter(|statement| statement["Effect"] == "Allow");
    let each = statements.flat_map(|statement| {
        let resources = texts(&statement["Resource"]);
        texts(&statement["Action"]).into_iter().flat_map(move |action| {
            let of = move |resource| Permission { action: action.clone(), resource };
            resources.clone().into_iter().map(of)
        })
    });
    each.collect()
}

/// The texts in a value that may be one text or a list of them.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}
