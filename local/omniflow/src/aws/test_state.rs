//! The TestState operation: runs one state once, without an execution. A task for which the request gives no
//! mock is really called.

use ambient::Surroundings;
use asl::test_state::{Configuration, FieldValidation, InspectionLevel, Mock, Request, run};
use asl::{Ambient, Resource, TaskId, Timestamp};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::{ApiError, Aws};
use crate::integrations;

pub(super) async fn answer(aws: &Aws, body: &Value) -> Result<Value, ApiError> {
    let (aws, body, runtime) = (aws.clone(), body.clone(), Handle::current());
    // The interpreter blocks while it waits for a task, which must not happen on one of the runtime's own
    // threads.
    let tested = tokio::task::spawn_blocking(move || test(&aws, &body, &runtime)).await;
    tested.unwrap_or_else(|died| {
        Err(ApiError {
            status: http::StatusCode::INTERNAL_SERVER_ERROR,
            code: "InternalFailure".to_owned(),
            message: died.to_string(),
        })
    })
}

fn test(aws: &Aws, body: &Value, runtime: &Handle) -> Result<Value, ApiError> {
    let text = |name: &str| body[name].as_str();
    let configuration = &body["stateConfiguration"];
    let request = Request {
        definition: text("definition").unwrap_or_default(),
        state_name: text("stateName"),
        input: text("input"),
        context: text("context"),
        variables: text("variables"),
        inspection_level: match text("inspectionLevel") {
            Some("DEBUG") => InspectionLevel::Debug,
            Some("TRACE") => InspectionLevel::Trace,
            _ => InspectionLevel::Info,
        },
        role_arn: text("roleArn"),
        reveal_secrets: body["revealSecrets"] == true,
        mock: mock(&body["mock"]),
        configuration: Configuration {
            retrier_retry_count: configuration["retrierRetryCount"].as_u64().unwrap_or(0),
            error_caused_by_state: configuration["errorCausedByState"].as_str(),
            map_iteration_failure_count: configuration["mapIterationFailureCount"].as_u64(),
            map_item_reader_data: configuration["mapItemReaderData"].as_str(),
        },
    };
    let mut call = |resource: &Resource, arguments: &Value| {
        let called = runtime.block_on(integrations::call(aws, resource, arguments));
        called.map_err(|error| (error.error, error.cause))
    };
    run(&request, &mut Live(&aws.surroundings), &mut call)
        .map(|answer| json!(answer))
        .map_err(|refused| ApiError::bad_request(refused.code, refused.message))
}

fn mock(mock: &Value) -> Option<Mock<'_>> {
    mock.as_object()?;
    let error = &mock["errorOutput"];
    Some(Mock {
        result: mock["result"].as_str(),
        error_output: error.is_object().then(|| (error["error"].as_str(), error["cause"].as_str())),
        field_validation: match mock["fieldValidationMode"].as_str() {
            Some("PRESENT") => FieldValidation::Present,
            Some("NONE") => FieldValidation::None,
            _ => FieldValidation::Strict,
        },
    })
}

/// The clock and the randomness of the runtime, for the interpreter.
struct Live<'a>(&'a Surroundings);

impl Ambient for Live<'_> {
    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    fn random(&mut self) -> u64 {
        self.0.randomness.bits()
    }

    fn task_token(&mut self, _: TaskId) -> String {
        self.0.randomness.uuid_v4().to_string()
    }
}
