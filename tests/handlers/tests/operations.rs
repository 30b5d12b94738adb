//! What a deployed stack is operated by: its alarms, its routes' shares and their order, its dead letters. Read from
//! `template.yaml` as it is written, since none of it has a meaning on one machine.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use omniflow_api::{Access, ROUTES};
use omniflow_domain::ErrorName;
use serde_yaml_ng::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn template() -> Value {
    serde_yaml_ng::from_str(&std::fs::read_to_string(root().join("template.yaml")).unwrap()).unwrap()
}

/// The resources of a type, by their logical ids.
fn resources(kind: &str) -> BTreeMap<String, Value> {
    let template = template();
    let all = template["Resources"].as_mapping().unwrap().iter();
    let of_kind = all.filter(|(_, resource)| resource["Type"].as_str() == Some(kind));
    of_kind.map(|(id, resource)| (id.as_str().unwrap().to_owned(), resource.clone())).collect()
}

/// A value as text, its functions included, in which names can be looked for.
fn text(value: &Value) -> String {
    serde_yaml_ng::to_string(value).unwrap()
}

#[test]
fn every_alarm_has_its_paragraph_in_the_runbook_and_every_paragraph_an_alarm() {
    let runbook = std::fs::read_to_string(root().join("docs/runbook.md")).unwrap();
    let sections: BTreeMap<_, _> =
        runbook.split("\n## ").skip(1).map(|section| section.split_once('\n').unwrap()).collect();
    let mut used = BTreeSet::new();
    for (name, alarm) in resources("AWS::CloudWatch::Alarm") {
        let description = alarm["Properties"]["AlarmDescription"].as_str().unwrap().to_owned();
        let (_, address) = description.split_once("See docs/runbook.md#").unwrap();
        let anchor = address.trim_end_matches('.');
        assert!(sections.contains_key(anchor), "{name}: no paragraph {anchor}");
        used.insert(anchor.to_owned());
    }
    for (anchor, section) in sections {
        assert!(used.contains(anchor), "no alarm leads to {anchor}");
        for part in ["**Means**:", "**Look**:", "**Do**:", "**Over**:"] {
            assert!(section.contains(part), "{anchor} lacks {part}");
        }
    }
}

#[test]
fn an_alarm_tells_when_it_begins_and_ends_and_what_no_data_mean() {
    for (name, alarm) in resources("AWS::CloudWatch::Alarm") {
        let properties = &alarm["Properties"];
        for actions in ["AlarmActions", "OKActions"] {
            assert!(text(&properties[actions]).contains("AlarmTopic"), "{name}: {actions}");
        }
        // Silence is good, except from what must never be silent.
        let missing = properties["TreatMissingData"].as_str().unwrap();
        assert_eq!(missing == "breaching", name.starts_with("Silent"), "{name}: {missing}");
    }
}

#[test]
fn what_alarms_count_is_what_the_functions_write() {
    let written = |name: &str| {
        let sources = ["functions/store/src", "functions/domain/src", "functions/order/src"];
        let mut folders: Vec<_> = sources.iter().map(|folder| root().join(folder)).collect();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if std::fs::read_to_string(&path).unwrap().contains(&format!("\"{name}\"")) {
                    return true;
                }
            }
        }
        false
    };
    let filters = resources("AWS::Logs::MetricFilter");
    let filtered: BTreeSet<_> = filters
        .values()
        .map(|filter| filter["Properties"]["MetricTransformations"][0]["MetricName"].as_str().unwrap())
        .collect();
    let mut counted = 0;
    for (name, alarm) in resources("AWS::CloudWatch::Alarm") {
        let namespace = text(&alarm["Properties"]["Namespace"]);
        if namespace.contains("OmniFlow") {
            let metric = alarm["Properties"]["MetricName"].as_str().unwrap();
            let own = namespace.contains("OmniFlow/");
            assert!(if own { filtered.contains(metric) } else { written(metric) }, "{name}: {metric}");
            counted += 1;
        }
    }
    assert!(counted >= 4, "the alarms are found");
}

#[test]
fn steps_count_as_disturbed_by_what_a_retry_may_help() {
    let filters = resources("AWS::Logs::MetricFilter");
    let pattern = filters["DisturbedStepsFilter"]["Properties"]["FilterPattern"].as_str().unwrap();
    let named: BTreeSet<_> = pattern.split('"').filter_map(ErrorName::parse).collect();
    // That a warehouse rejects is no disturbance, though the step is made again for another one.
    let is_disturbance = |name: &ErrorName| name.is_worth_a_retry() && *name != ErrorName::ShipmentRejected;
    let worth: BTreeSet<_> = ErrorName::ALL.iter().copied().filter(is_disturbance).collect();
    assert_eq!(named, worth);
}

/// The resources that must be there before this one.
fn dependencies(resource: &Value) -> Vec<String> {
    let named = &resource["DependsOn"];
    let list = named.as_sequence().into_iter().flatten().chain(named.is_string().then_some(named));
    list.map(|id| id.as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_route_waits_for_the_one_before_and_the_stage_for_all() {
    let routes = resources("AWS::ApiGatewayV2::Route");
    let stages = resources("AWS::ApiGatewayV2::Stage");
    let stage = stages.values().next().unwrap();
    let mut next = dependencies(stage);
    let mut seen = BTreeSet::new();
    while let Some(at) = next.pop() {
        let before = dependencies(&routes[&at]);
        assert!(before.len() <= 1, "{at} waits for one");
        if seen.insert(at) {
            next.extend(before);
        }
    }
    let waited_for: Vec<_> = routes.values().flat_map(dependencies).collect();
    let distinct: BTreeSet<_> = waited_for.iter().collect();
    assert_eq!(
        (waited_for.len(), distinct.len()),
        (routes.len() - 1, routes.len() - 1),
        "no two wait for the same"
    );
    let missing: Vec<_> = routes.keys().filter(|route| !seen.contains(*route)).collect();
    assert!(
        missing.is_empty(),
        "let each new route depend on another, and the stage on the last: {missing:?}"
    );
}

#[test]
fn public_routes_have_a_share_of_their_own() {
    let stages = resources("AWS::ApiGatewayV2::Stage");
    let settings = &stages.values().next().unwrap()["Properties"]["RouteSettings"];
    let limited: BTreeSet<_> = settings
        .as_mapping()
        .unwrap()
        .iter()
        .map(|(route, limits)| {
            assert!(text(&limits["ThrottlingRateLimit"]).contains("PublicRequestsASecond"), "{route:?}");
            route.as_str().unwrap().to_owned()
        })
        .collect();
    let public = ROUTES.iter().filter(|(_, _, access)| *access == Access::Public);
    assert_eq!(limited, public.map(|(method, path, _)| format!("{method} {path}")).collect());
}

#[test]
fn the_access_log_names_no_person() {
    let stages = resources("AWS::ApiGatewayV2::Stage");
    let format = stages.values().next().unwrap()["Properties"]["AccessLogSettings"]["Format"]
        .as_str()
        .unwrap()
        .to_owned();
    for personal in ["sourceIp", "userAgent", "$context.path", "rawPath", "claims", "caller", "user\""] {
        assert!(!format.contains(personal), "{personal}");
    }
    assert!(format.contains("\"status\":$context.status"), "a number, which the filter compares");
}

#[test]
fn what_a_rule_can_not_hand_over_is_kept() {
    let policies = resources("AWS::SQS::QueuePolicy");
    let allowed = text(policies.values().next().unwrap());
    let mut rules = 0;
    for (name, function) in resources("AWS::Serverless::Function") {
        for (event, rule) in function["Properties"]["Events"].as_mapping().into_iter().flatten() {
            let letters = text(&rule["Properties"]["DeadLetterConfig"]["Arn"]);
            let queue = letters.split_whitespace().last().unwrap().trim_end_matches(".Arn").to_owned();
            assert!(queue.ends_with("DeadLetterQueue"), "{name} {event:?}: {letters}");
            assert!(allowed.contains(&format!("{queue}.Arn")), "events may not be sent to {queue}");
            rules += 1;
        }
    }
    assert!(rules >= 5, "the rules are found");
}

#[test]
fn whoever_invokes_a_function_names_its_alias() {
    let written = std::fs::read_to_string(root().join("template.yaml")).unwrap();
    for line in
        written.lines().filter(|line| line.contains("FunctionArn:") || line.contains("IntegrationUri:"))
    {
        assert!(line.trim_end().ends_with("Function.Alias"), "{line}");
    }
    assert_eq!(template()["Globals"]["Function"]["AutoPublishAlias"].as_str(), Some("live"));
    // An execution may name a function that a later release doesn't.
    for (name, machine) in resources("AWS::Serverless::StateMachine") {
        let policies = text(&machine["Properties"]["Policies"]);
        assert!(policies.contains("function:${AWS::StackName}-*"), "{name}");
    }
}

#[test]
fn openness_is_to_be_said_twice() {
    let template = template();
    let rule = &template["Rules"]["OpenAccessIsSaidTwice"];
    assert!(text(&rule["RuleCondition"]).contains("OpenAccess"));
    assert!(text(&rule["Assertions"]).contains("OpenAccessIsMeant"));
    for parameter in ["OpenAccess", "OpenAccessIsMeant"] {
        assert_eq!(template["Parameters"][parameter]["Default"].as_str(), Some("false"));
    }
}

#[test]
fn mail_goes_out_in_the_name_of_the_sender_alone() {
    let functions = resources("AWS::Serverless::Function");
    let policies = text(&functions["NotifyCustomerFunction"]["Properties"]["Policies"]);
    let (_, statement) = policies.split_once("ses:SendEmail").unwrap();
    assert!(statement.contains("ses:FromAddress") && statement.contains("NotificationSender"), "{statement}");
}
