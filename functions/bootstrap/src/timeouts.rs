//! How long calls may take, and invocations.
//!
//! By itself the SDK waits for an answer without end, so that one connection that went silent would use up
//! the whole time of the function: nothing would be tried again, and Lambda would end the process. So each
//! attempt has an end, each call with its attempts and the pauses between, and the invocation before Lambda
//! ends it. What was cut off may have happened; every function takes that into account anyway, as it does for
//! answers that are lost.

use std::time::Duration;

use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use omniflow_services::Fault;

/// The longest time for a connection to be made.
const CONNECT: Duration = Duration::from_secs(1);
/// The longest time for one attempt of a call. The slowest that the functions wait for, a transaction over
/// many rows of the stock or a page of a scan, take a tenth of that.
pub const ATTEMPT: Duration = Duration::from_millis(1500);
/// The longest time for a call with all its attempts. Two can run to their ends with the pause between them,
/// which is a second at most (AWS SDKs and Tools Reference Guide, "Retry behavior"); three, where they fail
/// sooner.
pub const OPERATION: Duration = Duration::from_secs(4);
/// The time before Lambda's deadline at which an invocation is given up, so that its failure can still be
/// logged and answered.
pub const MARGIN: Duration = Duration::from_millis(500);
/// The name of the failure of an invocation that was given up. It is not one of the functions' own: the state
/// machines try it again as any other failure that they don't name.
pub const OUT_OF_TIME: &str = "OutOfTime";

pub(crate) fn of_calls() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build()
}

/// Three attempts, with pauses that double and are shortened by chance.
pub(crate) fn retries() -> RetryConfig {
    RetryConfig::standard()
}

/// Ends the invocation before its deadline, which is in milliseconds since 1970, as the present is.
pub(crate) async fn within<T>(
    deadline: u64,
    now: i64,
    invocation: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    let left = deadline.saturating_sub(u64::try_from(now).unwrap_or_default());
    let left = Duration::from_millis(left).saturating_sub(MARGIN);
    tokio::time::timeout(left, invocation).await.unwrap_or_else(|_| {
        Err(Fault::new(OUT_OF_TIME, "the services that the function calls were too slow"))
    })
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Arc;

    use omniflow_services::{Environment, Sdk, Services as _};
    use tokio::net::TcpListener;
    use tokio::time::Instant;

    use super::*;
    use crate::sdk_config;

    /// The endpoint of a server that accepts connections and never answers.
    async fn silent() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let mut connections = Vec::new();
            while let Ok((connection, _)) = listener.accept().await {
                connections.push(connection);
            }
        });
        endpoint
    }

    fn services(endpoint: &str) -> Sdk {
        let variables = [
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ENDPOINT_URL", endpoint),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Sdk::new(sdk_config(&Environment::from_pairs(variables)).unwrap())
    }

    /// Time is virtual: it passes as soon as everybody waits for it.
    #[tokio::test(start_paused = true)]
    async fn a_call_to_a_server_that_never_answers_ends_in_time() {
        let services = Arc::new(services(&silent().await));
        let begun = Instant::now();
        let get = aws_sdk_dynamodb::operation::get_item::GetItemInput::builder().table_name("t");
        let key = aws_sdk_dynamodb::types::AttributeValue::S("k".to_owned());
        let failed = services.dynamodb().get_item(get.key("k", key)).await.unwrap_err();
        assert_eq!(failed.code, None, "nobody answered: {failed}");
        assert!(begun.elapsed() > ATTEMPT && begun.elapsed() <= OPERATION, "{:?}", begun.elapsed());

        let begun = Instant::now();
        let send = services.ses().send_email().from_email_address("a@example.com");
        let content = aws_sdk_sesv2::types::EmailContent::builder().build();
        send.content(content).send().await.unwrap_err();
        assert!(begun.elapsed() > ATTEMPT && begun.elapsed() <= OPERATION, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn an_invocation_ends_before_its_deadline() {
        let begun = Instant::now();
        let given_up = within(10_000, 2_000, pending::<Result<(), Fault>>()).await.unwrap_err();
        assert_eq!(
            (given_up.error_type.as_str(), begun.elapsed()),
            (OUT_OF_TIME, Duration::from_millis(7_500))
        );
        let begun = Instant::now();
        within(1_000, 2_000, pending::<Result<(), Fault>>()).await.unwrap_err();
        assert_eq!(begun.elapsed(), Duration::ZERO, "it was invoked too late");
        assert_eq!(within(10_000, 2_000, async { Ok(7) }).await, Ok(7));
    }
}
