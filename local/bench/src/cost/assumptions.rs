//! What can't be counted on one machine and is assumed, on the safe side.

/// The assumptions in words, as the report prints them.
pub(crate) const IN_WORDS: &[&str] = &[
    "Customers read their order once; whoever pays, cancels or reviews makes one call more.",
    "No function remembers anything from an earlier invocation, so every one reads its order.",
    "An invocation is billed 10 ms of its own and, one call after the other, 5 ms for a read of DynamoDB, 8 for a write, \
     25 for a transaction, 25 for a call of Step Functions, 20 for PutEvents; functions are warm.",
    "Task tokens have 740 characters, as AWS's.",
    "Lambda's own lines in the logs have 400 bytes for the start of an invocation and 400 for its report, where the \
     template lets it write them.",
    "X-Ray records one API request in twenty with all that follows from it, as under load; besides, it records the first \
     request of each second.",
    "Not in it: storage, backups, data that leaves AWS, alarms, dashboard and metrics by the month, messages that Amazon \
     SES sends, and the sweeper, which costs the same whatever is sold.",
];

/// Milliseconds that a handler is busy itself, on a small share of a processor.
const OWN: u64 = 10;

/// How long Lambda's own lines about an invocation are.
pub(crate) const PLATFORM_LINES: usize = 800;

/// How long a task token is on AWS.
pub(crate) const TOKEN: usize = 740;

/// The part of the API requests that X-Ray records (X-Ray Developer Guide, "Configuring sampling rules": the default is
/// the first request of each second and 5 % of the others).
pub(crate) const TRACED: f64 = 0.05;

/// The milliseconds for which an invocation is billed that makes these calls.
pub(crate) fn billed_milliseconds<'a>(operations: impl Iterator<Item = &'a str>) -> u64 {
    OWN + operations.map(latency).sum::<u64>()
}

fn latency(operation: &str) -> u64 {
    match operation {
        "GetItem" | "BatchGetItem" | "Query" | "Scan" => 5,
        "PutItem" | "UpdateItem" => 8,
        "PutEvents" => 20,
        _ => 25,
    }
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
