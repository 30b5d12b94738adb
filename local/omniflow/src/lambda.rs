//! Lambda on one machine: the template's functions, run in this process.
//!
//! An invocation returns the result or the error that Lambda would return. When a handler panics or exceeds
//! its timeout, only that invocation fails.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use ambient::Randomness;
use futures::FutureExt;
use omniflow_services::invocation::logged;
use omniflow_services::{Fault, Handler};
use omniflow_tables::Counter;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::remote::RemoteFunctions;
use template::{Function, Place};

/// The number of invocations of one function that run at the same time. Others wait, and their timeout starts
/// only when they run: under load functions start later but don't run slower, so none exceeds its timeout
/// because processors are busy. Each function has places of its own, as with Lambda's reserved concurrency
/// (Lambda Developer Guide, "Configuring reserved concurrency"), so that steps that wait for a slow payment
/// gateway hold up neither the API nor other steps. It is more than the number of requests that the API keeps
/// waiting at once (its `Patience`), so that they don't hold up the others.
pub const AT_ONCE: usize = 128;

/// What an invocation returns: the output of the function, or its error.
pub type Invoked = Result<Value, FunctionError>;

/// The error of a function, as Lambda reports it.
#[derive(Debug, Clone)]
pub struct FunctionError {
    /// The name of the error, which `Retry` and `Catch` match.
    pub error_type: String,
    /// The payload of the response: JSON text with `errorType` and `errorMessage`, as the function's runtime
    /// wrote it.
    pub payload: String,
}

impl FunctionError {
    fn new(error_type: impl Into<String>, message: impl Into<String>) -> Self {
        let error_type = error_type.into();
        let payload = json!({ "errorType": error_type, "errorMessage": message.into() }).to_string();
        Self { error_type, payload }
    }
}

/// Why a function could not be invoked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No function has this name.
    #[error("Function not found: {0}")]
    NotFound(String),
    /// The endpoint of functions outside this process could not be reached.
    #[error("the Lambda endpoint failed: {0}")]
    Endpoint(String),
    /// The endpoint has refused the invocation, or failed at it.
    #[error("{message}")]
    #[allow(missing_docs, reason = "the names say it")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The name of the exception, such as `TooManyRequestsException`, if the endpoint gave one.
        code: Option<String>,
        message: String,
    },
}

/// A function of the template with its handler.
pub struct Hosted {
    /// The function's settings in the template.
    pub function: Function,
    /// The code that an invocation runs.
    pub handler: Box<dyn Handler>,
}

/// A function, and the places for its invocations.
struct Concurrent {
    hosted: Hosted,
    places: Semaphore,
}

/// All functions that can be invoked. Clones share them.
#[derive(Clone)]
pub struct Functions(Arc<Inner>);

struct Inner {
    hosted: BTreeMap<String, Concurrent>,
    remote: Option<RemoteFunctions>,
    invocations: Counter,
    place: Place,
    randomness: Randomness,
}

impl Functions {
    /// Takes the functions of this process, and the endpoint for all others, if there is one.
    pub fn new(
        hosted: impl IntoIterator<Item = Hosted>,
        remote: Option<RemoteFunctions>,
        place: Place,
        randomness: Randomness,
    ) -> Self {
        Self::with_places(hosted, remote, place, randomness, AT_ONCE)
    }

    /// As [`Functions::new`], with this number of invocations of each function that run at the same time.
    pub fn with_places(
        hosted: impl IntoIterator<Item = Hosted>,
        remote: Option<RemoteFunctions>,
        place: Place,
        randomness: Randomness,
        at_once: usize,
    ) -> Self {
        let hosted = hosted.into_iter().map(|hosted| {
            (hosted.function.name.clone(), Concurrent { hosted, places: Semaphore::new(at_once) })
        });
        Self(Arc::new(Inner {
            hosted: hosted.collect(),
            remote,
            invocations: Counter::default(),
            place,
            randomness,
        }))
    }

    /// Invokes a function by its name or ARN and waits for its result.
    ///
    /// # Errors
    /// When there is no such function, or the endpoint for functions outside this process can't be reached.
    pub async fn invoke(&self, name_or_arn: &str, event: Value) -> Result<Invoked, Error> {
        // The semaphore is never closed, so this always gets a permit in the end.
        let _place = match self.0.hosted.get(function_name(name_or_arn)) {
            Some(function) => function.places.acquire().await.ok(),
            None => None,
        };
        self.invoke_at_once(name_or_arn, event).await
    }

    /// As [`Functions::invoke`], but without waiting for a place. It is for invocations that are short and must
    /// be answered however much others ask.
    ///
    /// # Errors
    /// As [`Functions::invoke`].
    pub async fn invoke_at_once(&self, name_or_arn: &str, event: Value) -> Result<Invoked, Error> {
        let name = function_name(name_or_arn);
        match (self.0.hosted.get(name), &self.0.remote) {
            (Some(function), _) => {
                let begun = Instant::now();
                let invoked = run(&function.hosted, event, &self.0.randomness).await;
                self.0.invocations.add(begun);
                Ok(invoked)
            }
            (None, Some(remote)) => remote.invoke(name, &event).await,
            (None, None) => Err(Error::NotFound(name_or_arn.to_owned())),
        }
    }

    /// The name of the function with this binary, if the template has one.
    pub fn with_binary(&self, binary: &str) -> Option<&str> {
        let functions = self.0.hosted.values().map(|function| &function.hosted.function);
        functions
            .into_iter()
            .find(|function| function.binary == binary)
            .map(|function| function.name.as_str())
    }

    /// How often a failed asynchronous invocation of this function is retried at most.
    pub fn retries(&self, name: &str) -> usize {
        self.0.hosted.get(name).map_or(usize::MAX, |function| function.hosted.function.retries)
    }

    /// The ARN that a function of this name has, whether or not it exists.
    pub fn arn(&self, name_or_arn: &str) -> String {
        let Place { region, account } = &self.0.place;
        format!("arn:aws:lambda:{region}:{account}:function:{}", function_name(name_or_arn))
    }

    /// The number of invocations and the time they took.
    pub fn invocations(&self) -> &Counter {
        &self.0.invocations
    }

    /// Whether this function may be invoked: it is in this process, or there is an endpoint for others.
    pub fn contains(&self, name_or_arn: &str) -> bool {
        self.0.hosted.contains_key(function_name(name_or_arn)) || self.0.remote.is_some()
    }
}

/// The name in `arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]`, `NAME:QUALIFIER` or `NAME`.
fn function_name(name_or_arn: &str) -> &str {
    let name = name_or_arn.split_once(":function:").map_or(name_or_arn, |(_, name)| name);
    name.split(':').next().unwrap_or(name)
}

async fn run(hosted: &Hosted, event: Value, randomness: &Randomness) -> Invoked {
    let limit = hosted.function.timeout;
    // The handler runs in this task instead of a new one: a panic is caught all the same, and no other
    // thread must be woken.
    let work = logged(&*hosted.handler, &hosted.function.name, event);
    let work = AssertUnwindSafe(work).catch_unwind();
    match tokio::time::timeout(limit, work).await {
        Ok(Ok(Ok(output))) => Ok(output),
        Ok(Ok(Err(Fault { error_type, message }))) => Err(FunctionError::new(error_type, message)),
        Ok(Err(panic)) => Err(FunctionError::new("Runtime.Panic", panic_text(&*panic))),
        Err(_) => {
            let seconds = limit.as_secs_f64();
            let message = format!(
                "RequestId: {} Error: Task timed out after {seconds:.2} seconds",
                randomness.uuid_v4()
            );
            Err(FunctionError::new("Sandbox.Timedout", message))
        }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text =
        panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    format!("the handler panicked: {}", text.unwrap_or("without a text"))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use super::*;

    /// A function of this name that runs this handler.
    pub(crate) fn hosted(name: &str, timeout: Duration, handler: impl Handler + 'static) -> Hosted {
        let function = Function {
            name: name.to_owned(),
            binary: name.to_lowercase(),
            timeout,
            memory: 128,
            environment: BTreeMap::new(),
            permissions: Vec::new(),
            role: String::new(),
            retries: 0,
        };
        Hosted { function, handler: Box::new(handler) }
    }

    struct Fake(fn(&Value));

    impl Handler for Fake {
        fn handle(&self, event: Value) -> futures::future::BoxFuture<'_, Result<Value, Fault>> {
            Box::pin(async move {
                (self.0)(&event);
                std::future::pending().await
            })
        }
    }

    async fn invoke(work: fn(&Value)) -> FunctionError {
        let place = Place { region: "us-east-1".to_owned(), account: "000000000000".to_owned() };
        let fake = hosted("Fake", Duration::from_millis(10), Fake(work));
        let functions = Functions::new([fake], None, place, Randomness::seeded(1));
        functions.invoke("Fake", Value::Null).await.unwrap().unwrap_err()
    }

    #[tokio::test]
    async fn a_panic_and_a_timeout_are_that_invocations_errors() {
        let panicked = invoke(|_| panic!("on purpose")).await;
        assert_eq!(panicked.error_type, "Runtime.Panic");
        assert!(panicked.payload.contains("on purpose"), "{}", panicked.payload);
        assert_eq!(invoke(|_| {}).await.error_type, "Sandbox.Timedout");
    }

    #[test]
    fn a_function_is_found_by_name_and_by_arn() {
        assert_eq!(function_name("Pay"), "Pay");
        assert_eq!(function_name("Pay:$LATEST"), "Pay");
        assert_eq!(function_name("arn:aws:lambda:us-east-1:000000000000:function:Pay:live"), "Pay");
    }
}
