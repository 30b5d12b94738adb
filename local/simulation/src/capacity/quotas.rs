//! The quotas that an AWS account has in a region by default.
//!
//! Sources: AWS Step Functions Developer Guide, "Step Functions service quotas" ("Quotas related to state throttling" and
//! "Quotas related to API action throttling", Standard); AWS Lambda Developer Guide, "Lambda quotas" and "Lambda scaling
//! behavior"; Amazon EventBridge User Guide, "Amazon EventBridge quotas"; Amazon API Gateway Developer Guide, "Quotas for
//! configuring and running an API in API Gateway"; Amazon DynamoDB Developer Guide, "Quotas in Amazon DynamoDB".

/// What an account may do in a region.
#[derive(Debug, Clone, PartialEq)]
pub struct Quotas {
    /// The name of each call that a token bucket limits, with the tokens that the bucket holds and gets in a second.
    pub calls: Vec<(&'static str, f64, f64)>,
    /// How many invocations of all functions run at once.
    pub concurrency: u64,
    /// The write units and the read units that each table takes in a second when it is new, and each index.
    pub warm: (f64, f64),
    /// Those that a table takes in a second at most.
    pub table: (f64, f64),
}

/// The call that each state is which an execution enters.
pub const TRANSITION: &str = "StateTransition";
/// The requests to the HTTP API.
pub const REQUEST: &str = "HTTP API";
/// The events that EventBridge hands to targets.
pub const DELIVERY: &str = "EventBridge invocations";

/// The regions in which Step Functions gives most.
const LARGE: [&str; 3] = ["us-east-1", "us-west-2", "eu-west-1"];
/// The regions in which API Gateway gives 2,500 requests a second, and a burst of 1,250.
const SMALL_APIS: [&str; 13] = [
    "af-south-1",
    "eu-south-1",
    "ap-southeast-3",
    "me-central-1",
    "ap-south-2",
    "ap-southeast-4",
    "eu-south-2",
    "eu-central-2",
    "il-central-1",
    "ca-west-1",
    "ap-southeast-5",
    "ap-southeast-7",
    "mx-central-1",
];
/// What EventBridge takes in a second by `PutEvents`, and hands to targets, where that is not what it does in "each of the
/// other supported Regions".
const EVENTS: [(&str, f64, f64); 18] = [
    ("us-east-1", 10_000.0, 18_750.0),
    ("us-west-2", 10_000.0, 18_750.0),
    ("eu-west-1", 10_000.0, 18_750.0),
    ("us-east-2", 2_400.0, 4_500.0),
    ("eu-central-1", 2_400.0, 4_500.0),
    ("us-west-1", 1_200.0, 2_250.0),
    ("ap-northeast-1", 1_200.0, 2_250.0),
    ("ap-southeast-1", 1_200.0, 2_250.0),
    ("ap-southeast-2", 1_200.0, 2_250.0),
    ("eu-west-2", 1_200.0, 2_250.0),
    ("ap-east-1", 600.0, 1_100.0),
    ("ap-northeast-2", 600.0, 1_100.0),
    ("ap-south-1", 600.0, 1_100.0),
    ("ca-central-1", 600.0, 1_100.0),
    ("eu-north-1", 600.0, 1_100.0),
    ("eu-west-3", 600.0, 1_100.0),
    ("sa-east-1", 600.0, 1_100.0),
    ("eu-south-2", 2_400.0, 750.0),
];
/// The same in each of the other regions.
const OTHER_EVENTS: (f64, f64) = (400.0, 750.0);

impl Quotas {
    /// Those of this region. `None` when no region can have this name.
    pub fn of(region: &str) -> Option<Self> {
        if !is_region(region) {
            return None;
        }
        let pick = |large: (f64, f64), other: (f64, f64)| if LARGE.contains(&region) { large } else { other };
        let call = |name, (size, a_second)| (name, size, a_second);
        let events = EVENTS.iter().find(|(name, ..)| *name == region);
        let (put, delivered) = events.map_or(OTHER_EVENTS, |(_, put, delivered)| (*put, *delivered));
        let requests = if SMALL_APIS.contains(&region) { (1_250.0, 2_500.0) } else { (5_000.0, 10_000.0) };
        Some(Self {
            calls: vec![
                call("StartExecution", pick((1_300.0, 300.0), (800.0, 150.0))),
                call("SendTaskSuccess", pick((3_000.0, 500.0), (1_500.0, 300.0))),
                call("SendTaskFailure", pick((3_000.0, 500.0), (1_500.0, 300.0))),
                call("StopExecution", pick((1_000.0, 200.0), (500.0, 25.0))),
                call("RedriveExecution", pick((1_300.0, 300.0), (800.0, 150.0))),
                call("DescribeExecution", pick((300.0, 15.0), (250.0, 10.0))),
                call("GetExecutionHistory", (400.0, 20.0)),
                call(TRANSITION, pick((5_000.0, 5_000.0), (800.0, 800.0))),
                call("PutEvents", (put, put)),
                call(DELIVERY, (delivered, delivered)),
                call(REQUEST, requests),
            ],
            concurrency: 1_000,
            warm: (4_000.0, 12_000.0),
            table: (40_000.0, 40_000.0),
        })
    }

    /// The same, so many times as much: as an account that has asked for it, and whose tables were warmed up. What a
    /// partition of a table takes can't be asked for.
    #[must_use]
    pub fn times(mut self, factor: u32) -> Self {
        let times = f64::from(factor);
        for (_, size, a_second) in &mut self.calls {
            *size *= times;
            *a_second *= times;
        }
        for (writes, reads) in [&mut self.warm, &mut self.table] {
            *writes *= times;
            *reads *= times;
        }
        self.concurrency *= u64::from(factor);
        self
    }
}

/// Whether this is written as the names of regions are, such as `us-east-1`.
fn is_region(name: &str) -> bool {
    let parts: Vec<_> = name.split('-').collect();
    let is_word = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    matches!(parts.as_slice(), [words @ .., number] if words.len() >= 2
        && words.iter().all(is_word)
        && number.len() == 1
        && number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_are_those_of_the_region_and_grow_with_the_factor() {
        let call = |quotas: &Quotas, wanted: &str| {
            let found = quotas.calls.iter().find(|(name, ..)| *name == wanted).unwrap();
            (found.1, found.2)
        };
        let virginia = Quotas::of("us-east-1").unwrap();
        assert_eq!(call(&virginia, "StartExecution"), (1_300.0, 300.0));
        assert_eq!(call(&virginia, "PutEvents"), (10_000.0, 10_000.0));
        let frankfurt = Quotas::of("eu-central-1").unwrap();
        assert_eq!(call(&frankfurt, "StopExecution"), (500.0, 25.0));
        assert_eq!(call(&frankfurt, TRANSITION), (800.0, 800.0));
        let milan = Quotas::of("eu-south-1").unwrap();
        assert_eq!((call(&milan, REQUEST), call(&milan, "PutEvents")), ((1_250.0, 2_500.0), (400.0, 400.0)));
        let ten = virginia.times(10);
        assert_eq!((call(&ten, "StartExecution"), ten.concurrency), ((13_000.0, 3_000.0), 10_000));
    }

    #[test]
    fn what_is_no_region_has_none() {
        for name in ["", "us-east", "useast1", "us-east-1a", "US-EAST-1", "eu--1"] {
            assert_eq!(Quotas::of(name), None, "{name}");
        }
        assert!(Quotas::of("us-gov-west-1").is_some());
    }
}
