//! How long calls of AWS take, as a caller within the same region sees it. AWS promises no such times; these are on the
//! slow side of what is usual, so that what is computed from them is not too low.

use std::time::Duration;

/// What an invocation computes itself, on the small share of a processor that a function with little memory has.
pub const OWN: Duration = Duration::from_millis(10);

/// How long a call of this operation takes, such as `GetItem`.
pub fn of(operation: &str) -> Duration {
    Duration::from_millis(match operation {
        "GetItem" | "BatchGetItem" | "Query" | "Scan" => 5,
        "PutItem" | "UpdateItem" => 8,
        "PutEvents" => 20,
        // Transactions, and all calls of Step Functions.
        _ => 25,
    })
}
