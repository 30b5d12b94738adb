//! The template is read as CloudFormation would read it, and what can't be run here is refused by name.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::time::Duration;

use template::{self, Authorization, Error, Parameters, Place, System};

fn place() -> Place {
    Place { region: "us-east-1".to_owned(), account: "000000000000".to_owned() }
}

fn parse(text: &str) -> Result<System, Error> {
    parse_with(text, &[])
}

fn parse_with(text: &str, parameters: &[(&str, &str)]) -> Result<System, Error> {
    let given = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let parameters = Parameters { given, ..Parameters::default() };
    template::parse(text, &parameters, &place(), &|file| {
        Ok(format!(r#"{{"file": "{file}", "arn": "${{Arn}}"}}"#))
    })
}

fn function(properties: &str) -> String {
    format!(
        "Parameters:\n  Window: {{Type: Number, Default: 30, MinValue: 1}}\nConditions:\n  Long: !Not [!Equals [!Ref Window, 30]]\n\
         Globals: {{Function: {{Timeout: 7, Environment: {{Variables: {{TABLE: !Ref Orders, SHARED: a}}}}}}}}\nResources:\n  \
         Orders: {{Type: 'AWS::DynamoDB::Table', Properties: {{KeySchema: [{{AttributeName: id, KeyType: HASH}}], \
         TimeToLiveSpecification: {{AttributeName: expires, Enabled: true}}}}}}\n  Pay:\n    Type: AWS::Serverless::Function\n    \
         Metadata: {{BuildProperties: {{Binary: pay}}}}\n    Properties: {properties}\n"
    )
}

#[test]
fn the_systems_own_template_can_be_run() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    let system = template::load(&path, &Parameters::default(), &place()).unwrap();
    let audit = system.routes.iter().find(|route| route.path.ends_with("/{order_id}/audit")).unwrap();
    assert_eq!((audit.method.as_deref(), audit.function.as_str()), (Some("POST"), "ApiFunction"));
    assert_eq!(system.state_machines.len(), 3);
    for machine in &system.state_machines {
        assert!(!machine.definition.contains("${"), "{} has substitutions left", machine.name);
    }
    for function in system.functions.values() {
        let unresolved = function.environment.values().find(|value| value.contains("${"));
        assert_eq!(unresolved, None, "{}", function.name);
    }
}

#[test]
fn a_function_gets_its_own_and_the_global_settings() {
    let text = function(
        "{Environment: {Variables: {SHARED: b, WINDOW: !Ref Window, ARN: !GetAtt Orders.Arn, \
         SUB: !Sub 'x-${Window}-${Orders.Arn}', IF: !If [Long, yes, !Ref 'AWS::NoValue']}}}",
    );
    let system = parse(&text).unwrap();
    let pay = &system.functions["Pay"];
    assert_eq!((pay.binary.as_str(), pay.timeout, pay.memory), ("pay", Duration::from_secs(7), 128));
    let arn = "arn:aws:dynamodb:us-east-1:000000000000:table/Orders";
    let expected = [("ARN", arn.to_owned()), ("SHARED", "b".to_owned()), ("SUB", format!("x-30-{arn}"))];
    for (name, value) in expected {
        assert_eq!(pay.environment[name], value);
    }
    assert_eq!((pay.environment["TABLE"].as_str(), pay.environment["WINDOW"].as_str()), ("Orders", "30"));
    assert!(!pay.environment.contains_key("IF"));
    let long = parse_with(&text, &[("Window", "60")]).unwrap();
    assert_eq!(long.functions["Pay"].environment["IF"], "yes");
    assert_eq!(system.tables[0].time_to_live.as_deref(), Some("expires"));
}

#[test]
fn the_role_that_sam_makes_for_a_function_takes_further_policies() {
    let policies = "{Policies: [{Statement: [{Effect: Allow, Action: 'dynamodb:GetItem', Resource: !GetAtt Orders.Arn}]}]}";
    let more = "  Answer:\n    Type: AWS::IAM::Policy\n    Properties:\n      Roles: [!Ref PayRole]\n      PolicyDocument:\n        \
                Statement: [{Effect: Allow, Action: 'states:SendTaskSuccess', Resource: '*'}]\n";
    let system = parse(&(function(policies) + more)).unwrap();
    let pay = &system.functions["Pay"];
    let actions: Vec<_> = pay.permissions.iter().map(|permission| permission.action.as_str()).collect();
    assert_eq!((pay.role.as_str(), actions), ("PayRole", vec!["dynamodb:GetItem", "states:SendTaskSuccess"]));
}

#[test]
fn events_become_routes_schedules_and_rules() {
    let text = function(
        "{Events: {A: {Type: HttpApi, Properties: {Method: post, Path: '/pay/{id}'}}, B: {Type: HttpApi, Properties: {}}, \
         C: {Type: Schedule, Properties: {Schedule: rate(5 minutes)}}, \
         D: {Type: EventBridgeRule, Properties: {Pattern: {source: [shop]}}}, \
         E: {Type: EventBridgeRule, Properties: {State: DISABLED, Pattern: {source: [shop]}}}}}",
    );
    let system = parse(&text).unwrap();
    let routes: Vec<_> =
        system.routes.iter().map(|route| (route.method.as_deref(), route.path.as_str())).collect();
    assert_eq!(routes, [(Some("POST"), "/pay/{id}"), (None, "$default")]);
    assert_eq!(system.schedules[0].every, Duration::from_secs(300));
    assert_eq!(system.rules.len(), 1, "one that is off delivers nothing");
    assert_eq!((system.rules[0].bus.as_str(), system.rules[0].function.as_str()), ("default", "Pay"));
}

#[test]
fn a_route_leads_through_its_integration_to_a_function() {
    let text = function("{}")
        + "  Route: {Type: 'AWS::ApiGatewayV2::Route', Properties: {RouteKey: 'get /pay/{id}', Target: !Sub 'integrations/${Calls}', \
           AuthorizationType: JWT, AuthorizationScopes: [pay]}}\n  \
           Calls: {Type: 'AWS::ApiGatewayV2::Integration', Properties: {IntegrationUri: !GetAtt Pay.Arn}}\n";
    let route = &parse(&text).unwrap().routes[0];
    assert_eq!((route.method.as_deref(), route.path.as_str()), (Some("GET"), "/pay/{id}"));
    assert_eq!(route.function, "Pay");
    assert_eq!(route.authorization, Authorization::Jwt(vec!["pay".to_owned()]));
    let nowhere = parse(&text.replace("${Calls}", "other")).unwrap_err().to_string();
    assert!(nowhere.contains("other"), "{nowhere}");
}

#[test]
fn a_definition_gets_its_substitutions() {
    let text = function("{}")
        + "  Machine:\n    Type: AWS::Serverless::StateMachine\n    Properties: {DefinitionUri: order.asl.json, DefinitionSubstitutions: {Arn: !GetAtt Pay.Arn}}\n";
    let machine = &parse(&text).unwrap().state_machines[0];
    assert_eq!(
        machine.definition,
        r#"{"file": "order.asl.json", "arn": "arn:aws:lambda:us-east-1:000000000000:function:Pay"}"#
    );
}

#[test]
fn what_cannot_be_run_is_refused_by_name() {
    let refused = |text: &str| parse(text).unwrap_err().to_string();
    let bucket = refused("Resources: {Photos: {Type: 'AWS::S3::Bucket'}}");
    assert!(bucket.contains("Photos") && bucket.contains("AWS::S3::Bucket"), "{bucket}");
    let queue = refused(&function("{Events: {Jobs: {Type: SQS, Properties: {}}}}"));
    assert!(queue.contains("Pay") && queue.contains("SQS"), "{queue}");
    let name = refused(&function("{Environment: {Variables: {X: !Ref Nothing}}}"));
    assert!(name.contains("Nothing"), "{name}");
    let cron =
        refused(&function("{Events: {C: {Type: Schedule, Properties: {Schedule: 'cron(0 1 * * ? *)'}}}}"));
    assert!(cron.contains("cron"), "{cron}");
}

#[test]
fn a_bad_parameter_is_refused_with_what_would_do() {
    let refused =
        |parameters: &[(&str, &str)]| parse_with(&function("{}"), parameters).unwrap_err().to_string();
    assert!(refused(&[("Windw", "1")]).contains("it has: Window"));
    assert!(refused(&[("Window", "0")]).contains("at least 1"));
    assert!(refused(&[("Window", "soon")]).contains("must be a number"));
}

#[test]
fn a_list_among_the_parameters_is_a_list_and_an_authorizer_says_whose_tokens_are_taken() {
    let text = r#"
Parameters:
  Issuer: {Type: String, Default: "https://id.example"}
  Audiences: {Type: CommaDelimitedList, Default: "shop, console"}
Resources:
  Tokens:
    Type: AWS::ApiGatewayV2::Authorizer
    Properties:
      AuthorizerType: JWT
      IdentitySource: [$request.header.Authorization]
      JwtConfiguration: {Issuer: !Ref Issuer, Audience: !Ref Audiences}
"#;
    let system = parse(text).unwrap();
    let authorizer = system.authorizer.unwrap();
    assert_eq!(
        (authorizer.issuer.as_str(), authorizer.audiences),
        ("https://id.example", vec!["shop".to_owned(), "console".to_owned()])
    );
    for (from, to, said) in [
        ("AuthorizerType: JWT", "AuthorizerType: REQUEST", "REQUEST"),
        ("$request.header.Authorization", "$request.querystring.token", "Authorization"),
    ] {
        let refused = parse(&text.replace(from, to)).unwrap_err().to_string();
        assert!(refused.contains(said), "{refused}");
    }
    let (_, tokens) = text.split_once("  Tokens:").unwrap();
    let refused = parse(&format!("{text}  More:{tokens}")).unwrap_err().to_string();
    assert!(refused.contains("second authorizer"), "{refused}");
}

#[test]
fn an_alias_of_a_function_is_the_function_here() {
    let text = r#"
Globals: {Function: {AutoPublishAlias: live}}
Resources:
  Pay:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: pay}}
    Properties: {}
  Calls:
    Type: AWS::ApiGatewayV2::Integration
    Properties: {IntegrationUri: !Ref Pay.Alias}
  All:
    Type: AWS::ApiGatewayV2::Route
    Properties: {RouteKey: $default, Target: !Sub "integrations/${Calls}"}
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties: {DefinitionUri: a, DefinitionSubstitutions: {Arn: !Ref Pay.Alias}}
"#;
    let system = parse(text).unwrap();
    assert_eq!(system.routes[0].function, "Pay");
    let definition = &system.state_machines[0].definition;
    assert!(definition.contains("arn:aws:lambda:us-east-1:000000000000:function:Pay:live"), "{definition}");
    let unpublished =
        parse(&text.replace("{AutoPublishAlias: live}", "{Timeout: 1}")).unwrap_err().to_string();
    assert!(unpublished.contains("Pay.Alias"), "{unpublished}");
}
