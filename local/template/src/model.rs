//! What the local runtime takes from the resources of a template.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::Error;
use crate::permissions::{Permission, Roles};

/// Everything that runs.
#[derive(Debug, Default)]
pub struct System {
    /// The parameters' values.
    pub parameters: BTreeMap<String, String>,
    /// By logical id.
    pub functions: BTreeMap<String, Function>,
    /// In the template's order.
    pub routes: Vec<Route>,
    /// Functions called by the clock.
    pub schedules: Vec<Schedule>,
    /// Event patterns and who gets what matches.
    pub rules: Vec<Rule>,
    /// Tables to make.
    pub tables: Vec<Table>,
    /// Names of the event buses, `default` apart.
    pub buses: Vec<String>,
    /// In the template's order.
    pub state_machines: Vec<StateMachine>,
    /// The functions' logical ids, by the logical ids of their integrations.
    pub(super) integrations: BTreeMap<String, String>,
    pub(super) roles: Roles,
}

/// A Lambda function.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its logical id, which is also its name here.
    pub name: String,
    /// The binary that holds it on Lambda (`Metadata.BuildProperties.Binary`): the key to its handler.
    pub binary: String,
    /// After this long an invocation has failed.
    pub timeout: Duration,
    /// In MiB; told to the function, not enforced.
    pub memory: u64,
    /// Its environment variables.
    pub environment: BTreeMap<String, String>,
    /// What its role allows.
    pub permissions: Vec<Permission>,
    /// The logical id of its role, if the template has one for it.
    pub role: Option<String>,
    /// How often an asynchronous invocation that failed is made again (`EventInvokeConfig.MaximumRetryAttempts`).
    pub retries: usize,
}

/// A route of the HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// `GET`, `POST` … or `ANY`; `$default` has none.
    pub method: Option<String>,
    /// `/orders/{id}` or `$default`.
    pub path: String,
    /// The function's logical id.
    pub function: String,
    /// Who may call it on AWS; here all may.
    pub authorization: Authorization,
}

/// What API Gateway wants of a caller.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Authorization {
    /// Nothing.
    #[default]
    None,
    /// An IAM signature.
    Iam,
    /// A token with one of these scopes, if there are any.
    Jwt(Vec<String>),
}

/// A function called again and again.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// The event's logical id.
    pub name: String,
    /// The function's logical id.
    pub function: String,
    /// The time between two calls.
    pub every: Duration,
    /// What it is called with; EventBridge's scheduled event when `None`.
    pub input: Option<Value>,
}

/// A rule of EventBridge.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its logical id.
    pub name: String,
    /// The bus it listens to.
    pub bus: String,
    /// The event pattern.
    pub pattern: Value,
    /// The function's logical id.
    pub function: String,
}

/// A DynamoDB table.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its logical id, which is also its name here.
    pub name: String,
    /// The body of CreateTable.
    pub create: Value,
    /// The attribute that holds the time of expiry.
    pub time_to_live: Option<String>,
}

/// A state machine with its substitutions made.
#[derive(Debug, Clone)]
pub struct StateMachine {
    /// Its logical id, which is also its name here.
    pub name: String,
    /// `STANDARD` or `EXPRESS`.
    pub kind: String,
    /// The definition.
    pub definition: String,
    /// Told back by the API.
    pub role_arn: String,
}

impl System {
    /// Leads routes through their integrations to functions.
    pub(super) fn integrate(&mut self) {
        for route in &mut self.routes {
            if let Some(function) = self.integrations.get(&route.function) {
                route.function.clone_from(function);
            }
        }
    }

    /// Gives functions what their roles allow.
    pub(super) fn empower(&mut self) {
        for function in self.functions.values_mut() {
            if let Some(role) = &function.role {
                function.permissions.extend(self.roles.of(role));
            }
        }
    }

    /// Checks that whatever is named as a target is there.
    pub(super) fn check(&self) -> Result<(), Error> {
        let targets = self.routes.iter().map(|route| &route.function);
        let targets = targets.chain(self.schedules.iter().map(|schedule| &schedule.function));
        let mut targets = targets.chain(self.rules.iter().map(|rule| &rule.function));
        if let Some(missing) = targets.find(|name| !self.functions.contains_key(*name)) {
            return Err(Error::UnknownName(missing.clone()));
        }
        let known = |bus: &String| bus == "default" || self.buses.contains(bus);
        match self.rules.iter().find(|rule| !known(&rule.bus)) {
            Some(rule) => Err(Error::In {
                resource: rule.name.clone(),
                source: Box::new(Error::UnknownName(rule.bus.clone())),
            }),
            None => Ok(()),
        }
    }
}
