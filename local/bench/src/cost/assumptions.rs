//! The assumptions about what can't be counted on one machine, chosen so that the cost is not too low.

use std::time::Duration;

use omniflow_figures::latency;

/// The assumptions in words, as the report prints them.
pub(crate) const IN_WORDS: &[&str] = &[
    "Customers read their order once; whoever pays, cancels or reviews makes one call more.",
    "No function remembers anything from an earlier invocation, so every one reads its order.",
    "A process takes the numbers of 20 orders at once, so that each of them pays a twentieth of that write, and, as if it \
     were alone, its time.",
    "An invocation is billed 10 ms of its own and, one call after the other, 5 ms for a read of DynamoDB, 8 for a write, \
     25 for a transaction, 25 for a call of Step Functions, 20 for PutEvents; functions are warm.",
    "Task tokens have 740 characters, as AWS's.",
    "Lambda's own lines in the logs have 400 bytes for the start of an invocation and 400 for its report, where the \
     template lets it write them.",
    "X-Ray records one API request in twenty with all that follows from it, as under load; besides, it records the first \
     request of each second.",
    "Of cold starts, 200 ms at 128 MB are billed for the process (AWS bills the INIT phase since August 2025).",
    "Not in it: storage, backups, data that leaves AWS, alarms, dashboard and metrics by the month, what Stripe and \
     carriers take, and the sweeper, which costs the same whatever is sold. No DynamoDB Streams, no queues and no search \
     index are used, so that they cost nothing: events go out with the step that decides, and a search reads orders.",
];

/// The milliseconds that are billed for the start of a function's process: some ten for the program, the rest for its
/// first connection, on the small share of a processor that it has.
pub(crate) const COLD_START_MILLISECONDS: f64 = 200.0;
/// The share of invocations that start a process. A shop with orders all day has fewer; one with an order an hour starts
/// one for each.
pub(crate) const COLD_SHARE: f64 = 0.01;

/// The bytes of Lambda's own log lines about one invocation.
pub(crate) const PLATFORM_LINES: usize = 800;

/// The length of a task token on AWS, in characters.
pub(crate) const TOKEN: usize = 740;

/// The share of API requests that X-Ray records. The default is the first request of each second and 5 % of
/// the others (X-Ray Developer Guide, "Configuring sampling rules").
pub(crate) const TRACED: f64 = 0.05;

/// The milliseconds that are billed for an invocation that makes these calls one after the other.
pub(crate) fn billed_milliseconds<'a>(operations: impl Iterator<Item = &'a str>) -> u128 {
    let billed: Duration = operations.map(latency::of).sum();
    (latency::OWN + billed).as_millis()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invocation_takes_its_own_time_and_that_of_its_calls() {
        assert_eq!(billed_milliseconds([].into_iter()), 10);
        let calls = ["GetItem", "PutItem", "TransactWriteItems", "SendTaskSuccess", "PutEvents"];
        assert_eq!(billed_milliseconds(calls.into_iter()), 10 + 5 + 8 + 25 + 25 + 20);
    }
}
