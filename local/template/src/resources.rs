//! Turns the resources of a template into what the local runtime runs.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::intrinsics::{Scope, scalar_text};
use crate::model::{Authorization, Authorizer, Function, Route, Rule, Schedule, StateMachine, System, Table};
use crate::permissions::permissions;
use crate::{Error, Place};

/// The number of retries that Lambda makes by default. A template can only lower it.
const MOST_RETRIES: usize = 2;

/// Resource types that have no meaning on one machine and are skipped.
const WITHOUT_MEANING_HERE: &[&str] = &[
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Stage",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::IAM::ManagedPolicy",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup",
    "AWS::Logs::MetricFilter",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
    "AWS::Serverless::HttpApi",
];

/// Adds what `Ref` and `Fn::GetAtt` return for a resource.
pub(super) fn name_resource(scope: &mut Scope, id: &str, kind: &str, place: &Place) {
    let Place { region, account } = place;
    let arn = |service: &str, resource: String| format!("arn:aws:{service}:{region}:{account}:{resource}");
    let (reference, arn) = match kind {
        "AWS::Serverless::Function" | "AWS::Lambda::Function" => {
            (id.to_owned(), arn("lambda", format!("function:{id}")))
        }
        "AWS::Serverless::StateMachine" | "AWS::StepFunctions::StateMachine" => {
            let arn = arn("states", format!("stateMachine:{id}"));
            (arn.clone(), arn)
        }
        "AWS::DynamoDB::Table" => (id.to_owned(), arn("dynamodb", format!("table/{id}"))),
        "AWS::Events::EventBus" => (id.to_owned(), arn("events", format!("event-bus/{id}"))),
        "AWS::SQS::Queue" => (format!("http://localhost/{account}/{id}"), arn("sqs", id.to_owned())),
        "AWS::SNS::Topic" => {
            let arn = arn("sns", id.to_owned());
            (arn.clone(), arn)
        }
        "AWS::IAM::Role" => (id.to_owned(), format!("arn:aws:iam::{account}:role/{id}")),
        "AWS::Logs::LogGroup" => (id.to_owned(), arn("logs", format!("log-group:{id}"))),
        _ => (id.to_owned(), arn("cloudformation", format!("resource/{id}"))),
    };
    if kind == "AWS::Serverless::Function" {
        name_resource(scope, &role_of(id), "AWS::IAM::Role", place);
    }
    scope.refs.insert(id.to_owned(), Value::String(reference));
    scope.attributes.insert(format!("{id}.Arn"), arn);
    for attribute in ["Name", "QueueName", "TopicName"] {
        scope.attributes.insert(format!("{id}.{attribute}"), id.to_owned());
    }
    for attribute in ["ApiEndpoint", "FunctionUrl"] {
        scope.attributes.insert(format!("{id}.{attribute}"), "http://localhost".to_owned());
    }
}

/// Adds what `Ref` returns for the alias that SAM publishes a function under (AWS SAM Developer Guide, "Referencing a
/// function version and alias resource").
pub(super) fn name_alias(scope: &mut Scope, id: &str, alias: &str) {
    if let Some(arn) = scope.attributes.get(&format!("{id}.Arn")).filter(|arn| arn.contains(":function:")) {
        scope.refs.insert(format!("{id}.Alias"), Value::String(format!("{arn}:{alias}")));
    }
}

/// The logical id of the role that SAM makes for a function without one (AWS SAM Developer Guide, "Generated
/// AWS CloudFormation resources for AWS::Serverless::Function").
fn role_of(function: &str) -> String {
    format!("{function}Role")
}

/// Adds a resource to the system, or refuses it.
#[allow(clippy::too_many_arguments)]
pub(super) fn add_resource(
    system: &mut System,
    id: &str,
    kind: &str,
    properties: &Value,
    metadata: &Value,
    globals: &Value,
    scope: &Scope,
    open: &dyn Fn(&str) -> Result<String, Error>,
) -> Result<(), Error> {
    match kind {
        "AWS::Serverless::Function" => add_function(system, id, properties, metadata, &globals["Function"]),
        "AWS::Serverless::StateMachine" => add_state_machine(system, id, properties, scope, open),
        "AWS::DynamoDB::Table" => {
            system.tables.push(table(id, properties));
            Ok(())
        }
        "AWS::Events::EventBus" => {
            system.buses.push(id.to_owned());
            Ok(())
        }
        "AWS::Events::Rule" => add_rule(system, id, properties),
        "AWS::ApiGatewayV2::Integration" => {
            let function = function_id(&properties["IntegrationUri"])?;
            system.integrations.insert(id.to_owned(), function);
            Ok(())
        }
        "AWS::ApiGatewayV2::Route" => add_route(system, properties),
        "AWS::ApiGatewayV2::Authorizer" => add_authorizer(system, properties),
        "AWS::IAM::Role" => {
            system.roles.add_role(id, properties);
            Ok(())
        }
        "AWS::IAM::Policy" => {
            system.roles.add_policy(properties);
            Ok(())
        }
        "AWS::Lambda::Url" => {
            let function = function_id(&properties["TargetFunctionArn"])?;
            system.routes.push(Route {
                method: None,
                path: "$default".to_owned(),
                function,
                authorization: Authorization::None,
            });
            Ok(())
        }
        known if WITHOUT_MEANING_HERE.contains(&known) => Ok(()),
        other => Err(Error::Unsupported(format!("the resource type {other}"))),
    }
}

fn add_function(
    system: &mut System,
    id: &str,
    properties: &Value,
    metadata: &Value,
    globals: &Value,
) -> Result<(), Error> {
    let property = |name: &str| Some(&properties[name]).filter(|v| !v.is_null()).unwrap_or(&globals[name]);
    let binary = metadata["BuildProperties"]["Binary"].as_str().ok_or_else(|| {
        Error::Shape("Metadata.BuildProperties.Binary is missing: it names the function's handler".to_owned())
    })?;
    let mut environment = BTreeMap::new();
    for source in [globals, properties] {
        for (name, value) in source["Environment"]["Variables"].as_object().into_iter().flatten() {
            environment.insert(name.clone(), scalar_text(value)?);
        }
    }
    system.functions.insert(
        id.to_owned(),
        Function {
            name: id.to_owned(),
            binary: binary.to_owned(),
            timeout: Duration::from_secs(number(property("Timeout"))?.unwrap_or(3)),
            memory: number(property("MemorySize"))?.unwrap_or(128),
            environment,
            permissions: properties["Policies"]
                .as_array()
                .into_iter()
                .flatten()
                .flat_map(permissions)
                .collect(),
            role: properties["Role"].as_str().map_or_else(|| role_of(id), role_name),
            retries: number(&properties["EventInvokeConfig"]["MaximumRetryAttempts"])?
                .map_or(MOST_RETRIES, |retries| {
                    usize::try_from(retries).unwrap_or(MOST_RETRIES).min(MOST_RETRIES)
                }),
        },
    );
    for (name, event) in properties["Events"].as_object().into_iter().flatten() {
        add_event(system, id, name, event)?;
    }
    Ok(())
}

/// The name of a role, which is the last part of its ARN.
fn role_name(arn: &str) -> String {
    arn.rsplit('/').next().unwrap_or(arn).to_owned()
}

fn number(value: &Value) -> Result<Option<u64>, Error> {
    match value {
        Value::Null => Ok(None),
        value => scalar_text(value)?
            .parse()
            .map(Some)
            .map_err(|_| Error::Shape(format!("expected a whole number, not {value}"))),
    }
}

fn add_event(system: &mut System, function: &str, name: &str, event: &Value) -> Result<(), Error> {
    let properties = &event["Properties"];
    match event["Type"].as_str().unwrap_or_default() {
        "HttpApi" => {
            let path = properties["Path"].as_str().unwrap_or("$default");
            let method = properties["Method"].as_str().map(str::to_uppercase);
            system.routes.push(Route {
                method: method.filter(|_| path != "$default"),
                path: path.to_owned(),
                function: function.to_owned(),
                authorization: Authorization::None,
            });
        }
        "Schedule" | "ScheduleV2" => {
            let expression = properties["Schedule"].as_str().or(properties["ScheduleExpression"].as_str());
            let input = properties["Input"].as_str().and_then(|text| serde_json::from_str(text).ok());
            system.schedules.push(Schedule {
                name: format!("{function}{name}"),
                function: function.to_owned(),
                every: rate(expression.unwrap_or_default())?,
                input,
            });
        }
        // A rule that is off delivers nothing.
        "EventBridgeRule" | "CloudWatchEvent" if properties["State"] == "DISABLED" => {}
        "EventBridgeRule" | "CloudWatchEvent" => system.rules.push(Rule {
            name: format!("{function}{name}"),
            bus: properties["EventBusName"].as_str().unwrap_or("default").to_owned(),
            pattern: properties["Pattern"].clone(),
            function: function.to_owned(),
        }),
        other => return Err(Error::Unsupported(format!("the event type {other} of {name}"))),
    }
    Ok(())
}

/// Reads a rate such as `rate(5 minutes)`. Source: EventBridge User Guide, "Rate expressions".
fn rate(expression: &str) -> Result<Duration, Error> {
    let parsed = expression
        .strip_prefix("rate(")
        .and_then(|rest| rest.strip_suffix(')'))
        .and_then(|rest| rest.split_once(' '))
        .and_then(|(count, unit)| {
            let seconds = match unit.trim_end_matches('s') {
                "minute" => 60,
                "hour" => 3600,
                "day" => 86_400,
                _ => return None,
            };
            Some(Duration::from_secs(count.parse::<u64>().ok().filter(|count| *count > 0)? * seconds))
        });
    parsed.ok_or_else(|| {
        Error::Unsupported(format!("the schedule '{expression}' (rate(n minutes|hours|days) is)"))
    })
}

/// The logical id of the function that an ARN names, whose versions and aliases are one here.
fn function_id(arn: &Value) -> Result<String, Error> {
    let arn = arn.as_str().unwrap_or_default();
    let named = arn.split_once(":function:");
    let function = named.map(|(_, name)| name.split(':').next().unwrap_or(name).to_owned());
    function.ok_or_else(|| Error::Unsupported(format!("the target {arn} (functions are)")))
}

/// Adds a route. In place of its function stands the integration, until all integrations are known.
fn add_route(system: &mut System, properties: &Value) -> Result<(), Error> {
    let key = properties["RouteKey"].as_str().unwrap_or("$default");
    let (method, path) = match key.split_once(' ') {
        Some((method, path)) => (Some(method.to_uppercase()), path),
        None if key == "$default" => (None, key),
        None => return Err(Error::Shape(format!("the RouteKey '{key}' is not a method and a path"))),
    };
    let scopes = properties["AuthorizationScopes"].as_array().into_iter().flatten();
    let authorization = match properties["AuthorizationType"].as_str().unwrap_or("NONE") {
        "NONE" => Authorization::None,
        "AWS_IAM" => Authorization::Iam,
        "JWT" => Authorization::Jwt(scopes.map(scalar_text).collect::<Result<_, _>>()?),
        other => return Err(Error::Unsupported(format!("the AuthorizationType {other}"))),
    };
    let target = properties["Target"].as_str().unwrap_or_default();
    let function = target.strip_prefix("integrations/").unwrap_or(target).to_owned();
    system.routes.push(Route { method, path: path.to_owned(), function, authorization });
    Ok(())
}

/// Adds what checks tokens, of which there can be one.
fn add_authorizer(system: &mut System, properties: &Value) -> Result<(), Error> {
    let kind = properties["AuthorizerType"].as_str().unwrap_or_default();
    let sources: Vec<_> = properties["IdentitySource"].as_array().into_iter().flatten().collect();
    if kind != "JWT" || sources != ["$request.header.Authorization"] {
        return Err(Error::Unsupported(format!(
            "an authorizer that isn't of tokens in 'Authorization' ({kind})"
        )));
    }
    if system.authorizer.is_some() {
        return Err(Error::Unsupported("a second authorizer".to_owned()));
    }
    let configuration = &properties["JwtConfiguration"];
    let audiences = configuration["Audience"].as_array().into_iter().flatten();
    system.authorizer = Some(Authorizer {
        issuer: scalar_text(&configuration["Issuer"])?,
        audiences: audiences.map(scalar_text).collect::<Result<_, _>>()?,
    });
    Ok(())
}

fn add_rule(system: &mut System, id: &str, properties: &Value) -> Result<(), Error> {
    for target in properties["Targets"].as_array().into_iter().flatten() {
        let function = function_id(&target["Arn"])?;
        system.rules.push(Rule {
            name: id.to_owned(),
            bus: properties["EventBusName"].as_str().unwrap_or("default").to_owned(),
            pattern: properties["EventPattern"].clone(),
            function,
        });
    }
    Ok(())
}

fn table(id: &str, properties: &Value) -> Table {
    let mut create = json!({ "TableName": id, "BillingMode": "PAY_PER_REQUEST" });
    for name in ["AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "LocalSecondaryIndexes"] {
        if !properties[name].is_null() {
            create[name] = properties[name].clone();
        }
    }
    let expiry = &properties["TimeToLiveSpecification"];
    let enabled = expiry["Enabled"].as_bool().unwrap_or(expiry["Enabled"] == "true");
    let time_to_live = expiry["AttributeName"].as_str().filter(|_| enabled).map(str::to_owned);
    Table { name: id.to_owned(), create, time_to_live }
}

fn add_state_machine(
    system: &mut System,
    id: &str,
    properties: &Value,
    scope: &Scope,
    open: &dyn Fn(&str) -> Result<String, Error>,
) -> Result<(), Error> {
    let mut definition = match (&properties["DefinitionUri"], &properties["Definition"]) {
        (Value::String(file), _) => open(file)?,
        (_, inline @ Value::Object(_)) => inline.to_string(),
        _ => return Err(Error::Shape("a state machine needs DefinitionUri or Definition".to_owned())),
    };
    for (name, value) in properties["DefinitionSubstitutions"].as_object().into_iter().flatten() {
        definition = definition.replace(&format!("${{{name}}}"), &scalar_text(value)?);
    }
    let role = scope.attributes.get(&format!("{id}.Arn")).cloned().unwrap_or_default();
    system.state_machines.push(StateMachine {
        name: id.to_owned(),
        kind: properties["Type"].as_str().unwrap_or("STANDARD").to_owned(),
        definition,
        role_arn: role.replace(":states:", ":iam:").replace(":stateMachine:", ":role/"),
    });
    Ok(())
}
