//! `template.yaml`, the one description of the system, read for one machine.
//!
//! What the local runtime runs of it: functions with their routes, schedules, rules and environment, tables, event
//! buses, queues (as dead-letter queues) and state machines. What has no meaning on one machine (log groups, alarms,
//! IAM) is known and passed over; anything else is refused by name.

mod intrinsics;
mod model;
mod permissions;
mod resources;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use intrinsics::Scope;
pub use model::{Authorization, Function, Route, Rule, Schedule, StateMachine, System, Table};
pub use permissions::Permission;

/// Why a template can't be run here.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file can't be read.
    #[error("{path}: {source}")]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not YAML.
    #[error("not YAML: {0}")]
    Yaml(#[from] serde_yaml_ng::Error),
    /// It is not shaped as a template is.
    #[error("{0}")]
    Shape(String),
    /// A reference to nothing.
    #[error("nothing here is named '{0}'")]
    UnknownName(String),
    /// A parameter that the template doesn't have.
    #[error("the template has no parameter '{name}'; it has: {known}")]
    UnknownParameter {
        /// The name given.
        name: String,
        /// The names there are.
        known: String,
    },
    /// A parameter's value that its declaration forbids.
    #[error("parameter {name}={value}: {problem}")]
    BadParameter {
        /// The parameter.
        name: String,
        /// The value given.
        value: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Something that the local runtime doesn't run.
    #[error("{0} is not supported here")]
    Unsupported(String),
    /// Any of these, with the resource it is about.
    #[error("{resource}: {source}")]
    In {
        /// Its logical id.
        resource: String,
        /// What is wrong.
        source: Box<Error>,
    },
}

/// Names of the deployment, where AWS would have its own.
#[derive(Debug, Clone)]
pub struct Place {
    /// For ARNs.
    pub region: String,
    /// For ARNs, 12 digits.
    pub account: String,
}

/// Values of the template's parameters.
#[derive(Debug, Clone, Default)]
pub struct Parameters {
    /// What was asked for; each must be a parameter of the template.
    pub given: BTreeMap<String, String>,
    /// In place of the template's own defaults, for parameters that it has.
    pub defaults: BTreeMap<String, String>,
}

/// Reads the template at `path` with parameter values in place of the declared defaults.
///
/// # Errors
/// When it can't be read, refers to nothing, or needs what isn't supported here.
pub fn load(path: &Path, parameters: &Parameters, place: &Place) -> Result<System, Error> {
    let text = read(path)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    parse(&text, parameters, place, &|file| read(&folder.join(file)))
}

fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|source| Error::File { path: path.to_owned(), source })
}

/// As [`load`], from a text; `open` reads the files that it names (the state machines' definitions).
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
    let values = parameter_values(&section(&template, "Parameters"), parameters)?;
    scope.refs.extend(values.iter().map(|(name, value)| (name.clone(), Value::String(value.clone()))));
    for (id, resource) in &resources {
        resources::name_resource(&mut scope, id, kind(id, resource)?, place);
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
