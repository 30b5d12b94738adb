//! Reads `template.yaml`, which describes the whole system, for a run on one machine.
//!
//! The local runtime runs the functions with their routes, schedules, rules and environment, the tables, the
//! event buses and the state machines. Resource types that have no meaning on one machine (queues for dead
//! letters, log groups, alarms) are skipped; any other is refused by name.

mod intrinsics;
mod model;
mod permissions;
mod resources;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use intrinsics::Scope;
pub use model::{Authorization, Authorizer, Function, Route, Rule, Schedule, StateMachine, System, Table};
pub use permissions::Permission;

/// Why a template can't be run here.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Error {
    /// The file can't be read.
    #[error("{path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    /// The file is not YAML.
    #[error("not YAML: {0}")]
    Yaml(#[from] serde_yaml_ng::Error),
    /// A part of the template doesn't have the form that it must have.
    #[error("{0}")]
    Shape(String),
    /// Something refers to a name that doesn't exist.
    #[error("nothing here is named '{0}'")]
    UnknownName(String),
    /// A value was given for a parameter that the template doesn't have.
    #[error("the template has no parameter '{name}'; it has: {known}")]
    UnknownParameter {
        name: String,
        /// The names of the template's parameters.
        known: String,
    },
    /// A parameter has a value that its declaration forbids.
    #[error("parameter {name}={value}: {problem}")]
    BadParameter { name: String, value: String, problem: String },
    /// The template uses something that the local runtime doesn't run.
    #[error("{0} is not supported here")]
    Unsupported(String),
    /// Any of these errors, with the resource in which it was found.
    #[error("{resource}: {source}")]
    In {
        /// The logical id of the resource.
        resource: String,
        source: Box<Error>,
    },
}

/// The region and the account of the deployment, which appear in ARNs.
#[derive(Debug, Clone)]
pub struct Place {
    /// Such as `us-east-1`.
    pub region: String,
    /// The 12 digits of the account.
    pub account: String,
}

/// The values of the template's parameters.
#[derive(Debug, Clone, Default)]
pub struct Parameters {
    /// The values that were given. Each must belong to a parameter of the template.
    pub given: BTreeMap<String, String>,
    /// Values that replace the template's own defaults. Those of parameters that the template doesn't have
    /// are ignored.
    pub defaults: BTreeMap<String, String>,
}

/// Reads the template at `path`, with these values of its parameters.
///
/// # Errors
/// When it can't be read, refers to a name that doesn't exist, or uses something that isn't supported here.
pub fn load(path: &Path, parameters: &Parameters, place: &Place) -> Result<System, Error> {
    let text = read(path)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    parse(&text, parameters, place, &|file| read(&folder.join(file)))
}

fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|source| Error::File { path: path.to_owned(), source })
}

/// As [`load`], but from a text; `open` reads the files that the template names (the definitions of the
/// state machines).
///
/// # Errors
/// As [`load`].
pub fn parse(
    text: &str,
    parameters: &Parameters,
    place: &Place,
    open: &dyn Fn(&str) -> Result<String, Error>,
) -> Result<System, Error> {
    let template = intrinsics::from_yaml(serde_yaml_ng::from_str(text)?)?;
    let resources = section(&template, "Resources");
    let mut scope = Scope {
        refs: pseudo_parameters(place),
        attributes: BTreeMap::new(),
        conditions: section(&template, "Conditions"),
        mappings: Value::Object(section(&template, "Mappings")),
    };
    let declared = section(&template, "Parameters");
    let values = parameter_values(&declared, parameters)?;
    scope.refs.extend(
        values.iter().map(|(name, value)| (name.clone(), referred_to(value, &declared[name.as_str()]))),
    );
    for (id, resource) in &resources {
        resources::name_resource(&mut scope, id, kind(id, resource)?, place);
        let of = |place: &Value| place["AutoPublishAlias"].as_str().map(str::to_owned);
        if let Some(alias) = of(&resource["Properties"]).or_else(|| of(&template["Globals"]["Function"])) {
            resources::name_alias(&mut scope, id, &alias);
        }
    }
    let globals = scope.resolve(&template["Globals"])?;
    let mut system = System { parameters: values, ..System::default() };
    for (id, resource) in &resources {
        let mut add = || -> Result<(), Error> {
            if let Some(condition) = resource.get("Condition").and_then(Value::as_str)
                && !scope.condition(condition)?
            {
                return Ok(());
            }
            let properties = scope.resolve(&resource["Properties"])?;
            let metadata = scope.resolve(&resource["Metadata"])?;
            resources::add_resource(
                &mut system,
                id,
                kind(id, resource)?,
                &properties,
                &metadata,
                &globals,
                &scope,
                open,
            )
        };
        add().map_err(|source| Error::In { resource: id.clone(), source: Box::new(source) })?;
    }
    system.integrate();
    system.empower();
    system.check()?;
    Ok(system)
}

fn section(template: &Value, name: &str) -> Map<String, Value> {
    template[name].as_object().cloned().unwrap_or_default()
}

fn kind<'a>(id: &str, resource: &'a Value) -> Result<&'a str, Error> {
    resource["Type"].as_str().ok_or_else(|| Error::Shape(format!("{id} has no Type")))
}

fn pseudo_parameters(place: &Place) -> BTreeMap<String, Value> {
    let pairs = [
        ("AWS::AccountId", place.account.as_str()),
        ("AWS::Region", place.region.as_str()),
        ("AWS::Partition", "aws"),
        ("AWS::URLSuffix", "amazonaws.com"),
        ("AWS::StackName", "omniflow"),
        ("AWS::StackId", "arn:aws:cloudformation:local:stack/omniflow"),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect()
}

fn parameter_values(
    declared: &Map<String, Value>,
    parameters: &Parameters,
) -> Result<BTreeMap<String, String>, Error> {
    if let Some(name) = parameters.given.keys().find(|name| !declared.contains_key(*name)) {
        let known = declared.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(Error::UnknownParameter { name: name.clone(), known });
    }
    let values = declared.iter().map(|(name, declaration)| {
        let value = match parameters.given.get(name).or_else(|| parameters.defaults.get(name)) {
            Some(value) => value.clone(),
            None => intrinsics::scalar_text(&declaration["Default"])
                .map_err(|_| Error::Shape(format!("parameter {name} has no default and was not given")))?,
        };
        check_parameter(name, &value, declaration)?;
        Ok((name.clone(), value))
    });
    values.collect()
}

/// What `Ref` returns for a parameter with this value: a list for a `CommaDelimitedList`, without the spaces
/// around its items (AWS CloudFormation Template Reference, "Parameters"), and a text for every other.
fn referred_to(value: &str, declaration: &Value) -> Value {
    match declaration["Type"].as_str() {
        Some("CommaDelimitedList") => value.split(',').map(|item| Value::from(item.trim())).collect(),
        _ => Value::from(value),
    }
}

fn check_parameter(name: &str, value: &str, declaration: &Value) -> Result<(), Error> {
    let bad = |problem: String| {
        Err(Error::BadParameter { name: name.to_owned(), value: value.to_owned(), problem })
    };
    if let Some(allowed) = declaration["AllowedValues"].as_array() {
        let allowed: Vec<_> =
            allowed.iter().filter_map(|value| intrinsics::scalar_text(value).ok()).collect();
        if !allowed.iter().any(|allowed| allowed == value) {
            return bad(format!("must be one of {}", allowed.join(", ")));
        }
    }
    if declaration["Type"] == "Number" {
        let Ok(number) = value.parse::<f64>() else { return bad("must be a number".to_owned()) };
        if let Some(least) = declaration["MinValue"].as_f64()
            && number < least
        {
            return bad(format!("must be at least {least}"));
        }
        if let Some(most) = declaration["MaxValue"].as_f64()
            && number > most
        {
            return bad(format!("must be at most {most}"));
        }
    }
    Ok(())
}
