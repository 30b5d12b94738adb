//! Amazon SES as the functions call it.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderValue, Request, Response, StatusCode};
use omniflow::functions::Clients;
use omniflow_services::ServiceError;
use omniflow_tables::{InProcess, Service};
use template::Place;

use ambient::Surroundings;

use super::retries::{self, ATTEMPTS, Fate};
use crate::fault::Fault;
use crate::world::{Invocation, World};

/// The seam.
#[derive(Clone)]
pub struct Mail {
    world: Arc<World>,
    behind: InProcess,
}

impl Mail {
    /// A client of the SDK that sends its requests through the seam before this SES. The attempts that the SDK makes
    /// are the seam's, whose pauses are drawn from the seed.
    pub fn client(world: Arc<World>, behind: InProcess, place: &Place) -> aws_sdk_sesv2::Client {
        let surroundings =
            Surroundings { clock: Arc::new(world.clock), randomness: world.randomness.clone() };
        Clients::by_sdk(&InProcess::new(Self { world, behind }), place, surroundings).email
    }

    fn fate(&self) -> Fate {
        let world = &self.world;
        if world.happens(Fault::MailRefused) {
            return Fate::Refused(ServiceError::new("MessageRejected", "refused by the simulation"), false);
        }
        if world.happens(Fault::MailThrottled) {
            return Fate::Refused(ServiceError::new("TooManyRequestsException", "Rate exceeded"), true);
        }
        if !world.happens(Fault::MailAnswerLost) {
            return Fate::Done;
        }
        if let Some(event) = event() {
            // Whoever gets no answer can't know that the message is out, and SES knows no idempotency keys.
            world.books(|books| books.may_come_twice(&event));
        }
        Fate::AnswerLost
    }

    async fn send(self, request: Request<Bytes>) -> Result<Response<Bytes>, ServiceError> {
        let answer = self.behind.answer(request).await;
        if answer.status() == StatusCode::OK
            && let Some(event) = event()
        {
            self.world.note_here(format_args!("SES takes the message of {event}"));
            self.world.books(|books| books.mailed(&event));
        }
        Ok(answer)
    }
}

/// The event that the current invocation tells a customer of.
fn event() -> Option<String> {
    Invocation::current()?.event.clone()
}

impl Service for Mail {
    fn answer(&self, request: Request<Bytes>) -> BoxFuture<'static, Response<Bytes>> {
        let seam = self.clone();
        Box::pin(async move {
            let send = |request| -> BoxFuture<'static, _> { Box::pin(seam.clone().send(request)) };
            // SES does nothing late.
            let late = |_, _| ();
            let sent =
                retries::call(&seam.world, "SendEmail", ATTEMPTS, request, || seam.fate(), send, late).await;
            sent.unwrap_or_else(|error| refusal(&error))
        })
    }
}

/// An error as services with REST paths answer it: its name is in a header.
fn refusal(error: &ServiceError) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(b"{}"));
    *response.status_mut() = match error.code {
        Some(_) => StatusCode::BAD_REQUEST,
        None => StatusCode::SERVICE_UNAVAILABLE,
    };
    let code = error.code.as_deref().and_then(|code| HeaderValue::from_str(code).ok());
    response.headers_mut().extend(code.map(|code| (http::HeaderName::from_static("x-amzn-errortype"), code)));
    response
}

/// Notes when an invocation ends before its work does: it may have sent a message and not noted that it has.
pub struct Unfinished {
    world: Arc<World>,
    event: Option<String>,
}

impl Unfinished {
    /// An invocation that begins its work.
    pub fn new(world: &Arc<World>, invocation: &Invocation) -> Self {
        Self { world: Arc::clone(world), event: invocation.event.clone() }
    }

    /// The invocation has done its work.
    pub fn finished(mut self) {
        self.event = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(event) = &self.event {
            self.world.books(|books| books.may_come_twice(event));
        }
    }
}
