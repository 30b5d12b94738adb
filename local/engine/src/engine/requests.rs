//! The way of requests to whatever commits them: the engine's thread, or the task that drives the engine.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};

use tokio::sync::Notify;

use crate::request::Request;

/// Sends requests. Clones send to the same engine.
#[derive(Clone)]
pub(super) struct Requests {
    sender: Sender<Request>,
    /// Wakes the task that drives the engine. A thread needs no waking: it sleeps at the receiver.
    driver: Option<Arc<Notify>>,
}

/// Nobody receives requests any more.
pub(super) struct Closed;

impl Requests {
    pub(super) fn to_thread() -> (Self, Receiver<Request>) {
        let (sender, inbox) = mpsc::channel();
        (Self { sender, driver: None }, inbox)
    }

    pub(super) fn to_driver(woken: Arc<Notify>) -> (Self, Receiver<Request>) {
        let (sender, inbox) = mpsc::channel();
        (Self { sender, driver: Some(woken) }, inbox)
    }

    pub(super) fn send(&self, request: Request) -> Result<(), Closed> {
        self.sender.send(request).map_err(|_| Closed)?;
        if let Some(driver) = &self.driver {
            driver.notify_one();
        }
        Ok(())
    }
}
