//! The parts of a template that the local runtime runs.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::Error;
use crate::permissions::{Permission, Roles};

/// Everything in a template that the local runtime runs.
#[derive(Debug, Clone, Default)]
pub struct System {
    /// The values of the template's parameters, by name.
    pub parameters: BTreeMap<String, String>,
    /// The Lambda functions, by logical id.
    pub functions: BTreeMap<String, Function>,
    /// The routes of the HTTP API, in the template's order.
    pub routes: Vec<Route>,
    /// The one that checks the tokens of routes with [`Authorization::Jwt`].
    pub authorizer: Option<Authorizer>,
    /// The functions that are called at a fixed rate.
    pub schedules: Vec<Schedule>,
    /// The rules that say which events go to which functions.
    pub rules: Vec<Rule>,
    /// The DynamoDB tables.
    pub tables: Vec<Table>,
    /// The names of the event buses except `default`, which always exists.
    pub buses: Vec<String>,
    /// The state machines, in the template's order.
    pub state_machines: Vec<StateMachine>,
    /// The logical ids of functions, by the logical ids of the API Gateway integrations that call them.
    pub(super) integrations: BTreeMap<String, String>,
    pub(super) roles: Roles,
}

/// A Lambda function.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its logical id, which is also its name here.
    pub name: String,
    /// The binary that holds it on Lambda (`Metadata.BuildProperties.Binary`), by which its handler is
    /// found.
    pub binary: String,
    /// The time after which an invocation has failed.
    pub timeout: Duration,
    /// In MiB. The function is told it, but nothing enforces it here.
    pub memory: u64,
    /// Its environment variables.
    pub environment: BTreeMap<String, String>,
    /// The permissions of its role.
    pub permissions: Vec<Permission>,
    /// The logical id of its role, which SAM makes where the template has none.
    pub role: String,
    /// How often a failed asynchronous invocation is retried (`EventInvokeConfig.MaximumRetryAttempts`).
    pub retries: usize,
}

/// A route of the HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// `GET`, `POST` … or `ANY`; `None` for `$default`.
    pub method: Option<String>,
    /// A path such as `/orders/{id}`, or `$default`.
    pub path: String,
    /// The logical id of the function that it calls.
    pub function: String,
    /// The authorization that API Gateway requires of callers. Here a route that requires any needs the
    /// access token, when there is one.
    pub authorization: Authorization,
}

/// The authorization that API Gateway requires of a caller.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Authorization {
    /// Everybody may call the route.
    #[default]
    None,
    /// The request must have an IAM signature.
    Iam,
    /// The request must carry a JSON Web Token. When the list is not empty, the token must have one of these
    /// scopes.
    Jwt(Vec<String>),
}

/// What API Gateway checks of a JSON Web Token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorizer {
    /// Who must have signed it (`iss`).
    pub issuer: String,
    /// The audiences of which it must name one (`aud`, and without that `client_id`).
    pub audiences: Vec<String>,
}

/// A function that is called at a fixed rate.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// The logical ids of the function and of its event, one after the other.
    pub name: String,
    /// The logical id of the function that it calls.
    pub function: String,
    /// The time between two calls.
    pub every: Duration,
    /// The event that it is called with; EventBridge's scheduled event when `None`.
    pub input: Option<Value>,
}

/// A rule of EventBridge with one target.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The logical id of the rule; for a rule among a function's events, the logical ids of the function and
    /// of the event, one after the other.
    pub name: String,
    /// The name of the event bus whose events it matches.
    pub bus: String,
    /// The event pattern that an event must match.
    pub pattern: Value,
    /// The logical id of the function that gets the events that match.
    pub function: String,
}

/// A DynamoDB table.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its logical id, which is also its name here.
    pub name: String,
    /// The body of the CreateTable request.
    pub create: Value,
    /// The attribute that holds the time at which an item expires; `None` when items don't expire.
    pub time_to_live: Option<String>,
}

/// A state machine whose definition substitutions have been made.
#[derive(Debug, Clone)]
pub struct StateMachine {
    /// Its logical id, which is also its name here.
    pub name: String,
    /// `STANDARD` or `EXPRESS`.
    pub kind: String,
    /// The definition in Amazon States Language.
    pub definition: String,
    /// The ARN of its role, which only the answers of the API use.
    pub role_arn: String,
}

impl Route {
    fn takes(&self, method: &str, path: &str) -> bool {
        if !self.method.as_deref().is_some_and(|taken| taken == "ANY" || taken == method) {
            return false;
        }
        let (mut wanted, mut given) = (self.path.split('/'), path.split('/'));
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return true,
                // A greedy parameter takes all that is left.
                (Some(parameter), Some(_)) if parameter.ends_with("+}") => return true,
                (Some(parameter), Some(segment)) if parameter.starts_with('{') && !segment.is_empty() => {}
                (Some(literal), Some(segment)) if literal == segment => {}
                _ => return false,
            }
        }
    }
}

impl System {
    /// The route that a request takes: the one of its method and path, rather without parameters than with, or
    /// else the default one (API Gateway Developer Guide, "Create routes for HTTP APIs").
    pub fn route_of(&self, method: &str, path: &str) -> Option<&Route> {
        let taking = || self.routes.iter().filter(|route| route.takes(method, path));
        let literal = taking().find(|route| !route.path.contains('{'));
        let default = || self.routes.iter().find(|route| route.method.is_none());
        literal.or_else(|| taking().next()).or_else(default)
    }

    /// The function that a name or an ARN means, whatever version or alias it names besides.
    pub fn function(&self, name_or_arn: &str) -> Option<&Function> {
        let name = name_or_arn.split_once(":function:").map_or(name_or_arn, |(_, name)| name);
        self.functions.get(name.split(':').next().unwrap_or(name))
    }

    /// Replaces the integration in each route by the function that the integration calls.
    pub(super) fn integrate(&mut self) {
        for route in &mut self.routes {
            if let Some(function) = self.integrations.get(&route.function) {
                route.function.clone_from(function);
            }
        }
    }

    /// Adds to each function the permissions of its role.
    pub(super) fn empower(&mut self) {
        for function in self.functions.values_mut() {
            function.permissions.extend(self.roles.of(&function.role));
        }
    }

    /// Checks that every function and event bus that a route, schedule or rule names exists.
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
