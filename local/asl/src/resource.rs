//! What a Task's `Resource` names (AWS Step Functions Developer Guide, "Integrating services").

use serde::{Deserialize, Serialize};

/// The thing that a Task calls.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Resource {
    /// A Lambda function that the definition names by its ARN.
    LambdaFunction {
        /// The function's ARN, with a version or an alias if the definition has one.
        arn: String,
    },
    /// A service integration, `arn:aws:states:::service:action.pattern`.
    Service {
        /// The service, such as `lambda`, `dynamodb`, `events` or `states`. For an SDK integration it is the
        /// part after `aws-sdk:`.
        service: String,
        /// The action in camel case, such as `invoke`.
        action: String,
        /// Whether it is an `aws-sdk` integration.
        sdk: bool,
        /// What the task waits for.
        pattern: Pattern,
    },
    /// An activity. This runtime has none; [`Machine::unsupported`](crate::Machine::unsupported) names each
    /// use.
    Activity {
        /// The activity's ARN.
        arn: String,
    },
}

/// What a task that calls a service waits for (AWS Step Functions Developer Guide, "Discover service
/// integration patterns").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Pattern {
    /// The task waits for the service's answer, which is its result.
    RequestResponse,
    /// `.sync`: the task waits for the end of the job that it has started, and the job's description is its
    /// result.
    Sync,
    /// `.sync:2`: as `.sync`, with the job's output as JSON rather than as JSON text.
    Sync2,
    /// `.waitForTaskToken`: the task waits for SendTaskSuccess, which brings the result.
    WaitForTaskToken,
}

impl Resource {
    /// Reads the `Resource` of a Task. Text that is neither a service integration nor an activity counts as a
    /// function's ARN; validation has refused what is no ARN.
    pub(crate) fn parse(arn: &str) -> Self {
        if let Some(integration) = arn.strip_prefix("arn:aws:states:::") {
            return Self::parse_integration(integration);
        }
        if arn.starts_with("arn:aws:states:") && arn.contains(":activity:") {
            return Self::Activity { arn: arn.to_owned() };
        }
        Self::LambdaFunction { arn: arn.to_owned() }
    }

    fn parse_integration(integration: &str) -> Self {
        let (sdk, service) = match integration.strip_prefix("aws-sdk:") {
            Some(rest) => (true, rest),
            None => (false, integration),
        };
        let (service, action) = service.split_once(':').unwrap_or((service, ""));
        let (action, pattern) = match action.split_once('.') {
            Some((action, "sync")) => (action, Pattern::Sync),
            Some((action, "sync:2")) => (action, Pattern::Sync2),
            Some((action, "waitForTaskToken")) => (action, Pattern::WaitForTaskToken),
            _ => (action, Pattern::RequestResponse),
        };
        Self::Service { service: service.to_owned(), action: action.to_owned(), sdk, pattern }
    }
}
