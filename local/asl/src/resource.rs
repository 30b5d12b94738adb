//! What a Task's `Resource` names (AWS Step Functions Developer Guide, "Integrating services").

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::integration::{self, Standing};

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
    /// Reads the `Resource` of a Task; `None` when it is none of the kinds that a Task can call.
    ///
    /// An integration may be written with a region and an account
    /// (`arn:aws:states:us-east-1:123456789012:lambda:invoke`), and means the same then.
    pub(crate) fn parse(arn: &str) -> Option<Self> {
        let (service, region_on) = arn.strip_prefix("arn:")?.split_once(':')?.1.split_once(':')?;
        let (_region, account_on) = region_on.split_once(':')?;
        let (_account, resource) = account_on.split_once(':')?;
        match (service, resource.split_once(':')?) {
            ("lambda", ("function", name)) if !name.is_empty() => {
                Some(Self::LambdaFunction { arn: arn.to_owned() })
            }
            ("states", ("activity", _)) => Some(Self::Activity { arn: arn.to_owned() }),
            ("states", ("stateMachine" | "execution" | "express" | "mapRun", _)) => None,
            ("states", ("aws-sdk", rest)) => Self::parse_integration(true, rest.split_once(':')?),
            ("states", integration) => Self::parse_integration(false, integration),
            _ => None,
        }
    }

    fn parse_integration(sdk: bool, (service, action): (&str, &str)) -> Option<Self> {
        let (action, pattern) = match action.split_once('.') {
            None => (action, Some(Pattern::RequestResponse)),
            Some((action, "sync")) => (action, Some(Pattern::Sync)),
            Some((action, "sync:2")) => (action, Some(Pattern::Sync2)),
            Some((action, "waitForTaskToken")) => (action, Some(Pattern::WaitForTaskToken)),
            Some((action, _)) => (action, None),
        };
        if integration::standing(sdk, service, action, pattern) == Standing::Unknown {
            return None;
        }
        Some(Self::Service { service: service.to_owned(), action: action.to_owned(), sdk, pattern: pattern? })
    }

    /// Whether this runtime can call it. A host refuses a call of any other, which only an execution of an
    /// earlier release can still ask for.
    pub fn is_served(&self) -> bool {
        match self {
            Self::LambdaFunction { .. } => true,
            Self::Service { service, action, sdk, pattern } => {
                integration::standing(*sdk, service, action, Some(*pattern)) == Standing::Served
            }
            Self::Activity { .. } => false,
        }
    }
}

/// The resource as a definition names it: a function's or an activity's ARN, or an integration without what
/// stands before it (`lambda:invoke.waitForTaskToken`).
impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LambdaFunction { arn } | Self::Activity { arn } => f.write_str(arn),
            Self::Service { service, action, sdk, pattern } => {
                let (form, pattern) = (if *sdk { "aws-sdk:" } else { "" }, pattern.suffix());
                write!(f, "{form}{service}:{action}{pattern}")
            }
        }
    }
}

impl Pattern {
    /// The end of the ARN that asks for the pattern.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::RequestResponse => "",
            Self::Sync => ".sync",
            Self::Sync2 => ".sync:2",
            Self::WaitForTaskToken => ".waitForTaskToken",
        }
    }
}
