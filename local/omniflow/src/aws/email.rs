//! Amazon SES on one machine: SendEmail of its API v2, which puts the message into the outbox.
//!
//! Sources: Amazon SES API v2 Reference, "SendEmail"; Developer Guide, "Using the mailbox simulator".

use ambient::Surroundings;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::{json_response, parse};
use crate::outbox::{Message, Outbox};

/// The path of SendEmail.
pub(super) const PATH: &str = "/v2/email/outbound-emails";
/// The address of the mailbox simulator that bounces. SES accepts a message to it and reports the bounce
/// later; here the message is refused at once, so that a failing notification can be seen.
const BOUNCES: &str = "bounce@simulator.amazonses.com";

pub(super) fn answer(
    outbox: &Outbox,
    surroundings: &Surroundings,
    request: &Request<Bytes>,
) -> Response<Bytes> {
    if request.method() != Method::POST {
        return refusal("NotFoundException", "only SendEmail is served here");
    }
    let Ok(body) = parse(request.body()) else {
        return refusal("BadRequestException", "the body is no JSON");
    };
    let message = match read(&body, surroundings) {
        Ok(message) => message,
        Err(problem) => return refusal("BadRequestException", problem),
    };
    if message.to.iter().any(|to| to == BOUNCES) {
        return refusal("MessageRejected", "the address bounces");
    }
    let id = message.message_id.clone();
    outbox.put(message);
    json_response(StatusCode::OK, json!({ "MessageId": id }).to_string().into())
}

fn read(body: &Value, surroundings: &Surroundings) -> Result<Message, &'static str> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let to = body["Destination"]["ToAddresses"].as_array().into_iter().flatten();
    let to: Vec<_> = to.map(text).filter(|address| !address.is_empty()).collect();
    let simple = &body["Content"]["Simple"];
    if to.is_empty() {
        return Err("Destination.ToAddresses is missing");
    }
    if !simple.is_object() {
        return Err("Content.Simple is missing; raw and templated messages are not supported here");
    }
    let at = surroundings.clock.now();
    Ok(Message {
        message_id: surroundings.randomness.uuid_v7(at).to_string(),
        at,
        from: text(&body["FromEmailAddress"]),
        to,
        subject: text(&simple["Subject"]["Data"]),
        text: text(&simple["Body"]["Text"]["Data"]),
    })
}

/// An error in the form of services with REST paths: the name of the error is in a header.
fn refusal(code: &'static str, message: &str) -> Response<Bytes> {
    let body = json!({ "message": message }).to_string();
    let mut response = json_response(StatusCode::BAD_REQUEST, body.into());
    response.headers_mut().insert("x-amzn-errortype", http::HeaderValue::from_static(code));
    response
}
