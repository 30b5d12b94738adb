//! The service integrations that this runtime has: the one table that validation, compiling and the calls
//! themselves go by, so that a task is never run as something else than what it says.
//!
//! Sources: AWS Step Functions Developer Guide, "Integrating services" and "Learning to use AWS service SDK
//! integrations"; the actions are those of the APIs that the local runtime answers.

use crate::resource::Pattern;

/// The actions of one service in one form of integration, and the patterns in which they may be called.
struct Integration {
    /// Whether it is an `aws-sdk` integration.
    sdk: bool,
    service: &'static str,
    actions: &'static [&'static str],
    patterns: &'static [Pattern],
}

use Pattern::{RequestResponse, Sync, Sync2, WaitForTaskToken};

const INTEGRATIONS: [Integration; 7] = [
    optimised("lambda", &["invoke"], &[RequestResponse, WaitForTaskToken]),
    optimised("dynamodb", &["getItem", "putItem", "updateItem", "deleteItem"], &[RequestResponse]),
    optimised("events", &["putEvents"], &[RequestResponse, WaitForTaskToken]),
    optimised("states", &["startExecution"], &[RequestResponse, Sync, Sync2, WaitForTaskToken]),
    by_sdk("lambda", &["invoke"]),
    by_sdk("eventbridge", &["putEvents"]),
    by_sdk(
        "dynamodb",
        &[
            "batchExecuteStatement",
            "batchGetItem",
            "batchWriteItem",
            "createTable",
            "deleteItem",
            "deleteTable",
            "describeTable",
            "describeTimeToLive",
            "executeStatement",
            "executeTransaction",
            "getItem",
            "listTables",
            "listTagsOfResource",
            "putItem",
            "query",
            "scan",
            "tagResource",
            "transactGetItems",
            "transactWriteItems",
            "untagResource",
            "updateItem",
            "updateTable",
            "updateTimeToLive",
        ],
    ),
];

/// The actions of Step Functions itself that the `aws-sdk:sfn` integration has here.
const SFN: Integration = by_sdk(
    "sfn",
    &[
        "createStateMachine",
        "deleteStateMachine",
        "describeExecution",
        "describeStateMachine",
        "describeStateMachineForExecution",
        "getExecutionHistory",
        "listExecutions",
        "listStateMachines",
        "listTagsForResource",
        "redriveExecution",
        "sendTaskFailure",
        "sendTaskHeartbeat",
        "sendTaskSuccess",
        "startExecution",
        "startSyncExecution",
        "stopExecution",
        "testState",
        "updateStateMachine",
        "validateStateMachineDefinition",
    ],
);

const fn optimised(
    service: &'static str,
    actions: &'static [&'static str],
    patterns: &'static [Pattern],
) -> Integration {
    Integration { sdk: false, service, actions, patterns }
}

const fn by_sdk(service: &'static str, actions: &'static [&'static str]) -> Integration {
    Integration { sdk: true, service, actions, patterns: &[RequestResponse, WaitForTaskToken] }
}

/// The actions and patterns of optimised integrations that AWS has and this runtime hasn't. They are told
/// from those that AWS refuses as well.
const ELSEWHERE: [Integration; 2] = [
    optimised("sns", &["publish"], &[RequestResponse, WaitForTaskToken]),
    optimised("sqs", &["sendMessage"], &[RequestResponse, WaitForTaskToken]),
];

/// What can be said about an integration that a definition names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is had here.
    Served,
    /// AWS has it, or may have it, and this runtime hasn't.
    Elsewhere,
    /// AWS refuses it as well: the service has no such action or pattern, or the case is wrong.
    Unknown,
}

/// Looks an integration up. The pattern is absent when the ARN ends in none that exists.
pub(crate) fn standing(sdk: bool, service: &str, action: &str, pattern: Option<Pattern>) -> Standing {
    let Some(pattern) = pattern.filter(|_| !service.is_empty() && !action.is_empty()) else {
        return Standing::Unknown;
    };
    let had = || INTEGRATIONS.iter().chain([&SFN]);
    let of_service = |i: &&Integration| i.sdk == sdk && i.service == service;
    let has = |i: &Integration| i.actions.contains(&action) && i.patterns.contains(&pattern);
    if had().filter(of_service).any(has) {
        return Standing::Served;
    }
    if sdk {
        // An SDK integration writes its action with a small letter first, and has no `.sync`.
        let misspelt = had().filter(|i| i.sdk).any(|i| {
            i.service.eq_ignore_ascii_case(service)
                && i.actions.iter().any(|a| a.eq_ignore_ascii_case(action))
        });
        let possible = [RequestResponse, WaitForTaskToken].contains(&pattern)
            && service.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
            && action.starts_with(|c: char| c.is_ascii_lowercase());
        return if possible && !misspelt { Standing::Elsewhere } else { Standing::Unknown };
    }
    let mut known = INTEGRATIONS.iter().chain(&ELSEWHERE).filter(|i| !i.sdk);
    match known.find(|i| i.service.eq_ignore_ascii_case(service)) {
        Some(integration) if integration.service == service && has(integration) => Standing::Elsewhere,
        Some(_) => Standing::Unknown,
        None => Standing::Elsewhere,
    }
}
