//! The Lambda API: Invoke.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::Value;

use super::{ApiError, json_response, parse, respond};
use crate::lambda::{Error, Functions};

/// The function that `POST /2015-03-31/functions/NAME/invocations` names.
pub(super) fn name_in_path(method: &Method, path: &str) -> Option<String> {
    let name = path.strip_prefix("/2015-03-31/functions/")?.strip_suffix("/invocations")?;
    (method == Method::POST).then(|| name.replace("%3A", ":").replace("%3a", ":"))
}

pub(super) async fn answer(functions: &Functions, name: &str, request: &Request<Bytes>) -> Response<Bytes> {
    let event = match parse(request.body()) {
        Ok(event) => event,
        Err(error) => return respond(Err(error)),
    };
    let kind = request.headers().get("x-amz-invocation-type").and_then(|value| value.to_str().ok());
    if kind == Some("Event") {
        return invoke_later(functions.clone(), name.to_owned(), event);
    }
    match functions.invoke(name, event).await {
        Ok(Ok(output)) => json_response(StatusCode::OK, output.to_string().into()),
        Ok(Err(error)) => {
            let mut response = json_response(StatusCode::OK, error.payload.into());
            response
                .headers_mut()
                .insert("x-amz-function-error", http::HeaderValue::from_static("Unhandled"));
            response
        }
        Err(error) => respond(Err(refusal(&error))),
    }
}

fn invoke_later(functions: Functions, name: String, event: Value) -> Response<Bytes> {
    if !functions.contains(&name) {
        return respond(Err(refusal(&Error::NotFound(name))));
    }
    tokio::spawn(async move {
        if let Ok(Err(error)) = functions.invoke(&name, event).await {
            tracing::warn!(function = name, error = %error.payload, "an asynchronous invocation failed");
        }
    });
    json_response(StatusCode::ACCEPTED, Bytes::new())
}

fn refusal(error: &Error) -> ApiError {
    match error {
        Error::NotFound(_) => ApiError {
            status: StatusCode::NOT_FOUND,
            code: "ResourceNotFoundException".to_owned(),
            message: error.to_string(),
        },
        Error::Refused { status, code, message } => ApiError {
            status: StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_GATEWAY),
            code: code.clone().unwrap_or_else(|| "ServiceException".to_owned()),
            message: message.clone(),
        },
        Error::Endpoint(_) => ApiError {
            status: StatusCode::BAD_GATEWAY,
            code: "ServiceException".to_owned(),
            message: error.to_string(),
        },
    }
}
