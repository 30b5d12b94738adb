//! The front of the shop: whichever process runs at the moment, and the requests to its HTTP API.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use engine::Engine;
use omniflow::StartError;
use serde_json::{Value, json};
use template::System;
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};
use tokio::time::{sleep, timeout};

use crate::process::{self, Process};
use crate::stores::Stores;
use crate::world::World;

/// How long a client waits for an answer: as long as API Gateway does, and a second.
const PATIENCE: Duration = Duration::from_secs(31);
/// How long a supervisor waits before it starts a process again that did not start.
const AGAIN: Duration = Duration::from_secs(1);
/// How often it does.
const STARTS: u32 = 20;

/// The front of the shop.
pub struct Front {
    world: Arc<World>,
    stores: Stores,
    system: RefCell<Rc<System>>,
    process: RefCell<Option<Process>>,
    releases: Cell<u32>,
    /// Whoever starts and kills the process does so alone.
    turn: Semaphore,
}

/// What a client gets.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// An answer of the API: the HTTP status and the body.
    Http(u64, Value),
    /// Nothing, or an error of the gateway: nobody knows whether the request was carried out.
    Nothing,
}

/// Who sends a request.
#[derive(Debug, Clone)]
pub enum Caller<'a> {
    /// A customer, by their subject.
    Customer(&'a str),
    /// An operator, who also reviews orders.
    Operator(&'a str),
    /// A warehouse or Stripe, by the headers with which they sign what they say.
    Signed(Vec<(&'static str, String)>),
}

/// A request to the API.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Who sends it.
    pub caller: Caller<'a>,
    /// Such as `POST`.
    pub method: &'static str,
    /// Such as `/api/v1/orders`.
    pub path: String,
    /// What follows the question mark.
    pub query: &'static str,
    /// The idempotency key.
    pub key: Option<String>,
    /// The body.
    pub body: Value,
}

impl Request<'_> {
    /// The event that API Gateway makes of it (payload format version 2.0).
    fn event(&self) -> Value {
        let (subject, scope) = match self.caller {
            Caller::Customer(subject) => (subject, "openid"),
            Caller::Operator(subject) => (subject, "openid omniflow/operate"),
            Caller::Signed(_) => ("", ""),
        };
        let mut event = json!({
            "version": "2.0",
            "rawPath": self.path,
            "rawQueryString": self.query,
            "headers": { "content-type": "application/json" },
            "requestContext": {
                "http": { "method": self.method, "path": self.path },
                "authorizer": { "jwt": { "claims": { "sub": subject, "scope": scope } } },
            },
            "isBase64Encoded": false,
        });
        if let Caller::Signed(headers) = &self.caller {
            // The gateway lets them through without asking who they are.
            event["requestContext"]["authorizer"] = Value::Null;
            for (name, value) in headers {
                event["headers"][*name] = Value::from(value.as_str());
            }
        }
        if let Some(key) = &self.key {
            event["headers"]["idempotency-key"] = Value::from(key.as_str());
        }
        if !self.body.is_null() {
            event["body"] = Value::from(self.body.to_string());
        }
        if let Some(order) = self.path.split('/').find(|part| part.starts_with("ORD-")) {
            event["pathParameters"] = json!({ "order_id": order });
        }
        event
    }
}

impl Front {
    /// A shop whose process keeps what it knows in these stores, and is not running yet.
    pub fn new(world: Arc<World>, system: Rc<System>, stores: Stores) -> Self {
        Self {
            world,
            stores,
            system: RefCell::new(system),
            process: RefCell::new(None),
            releases: Cell::new(0),
            turn: Semaphore::new(1),
        }
    }

    /// Waits until nobody else starts or kills the process.
    pub async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turn.acquire().await.ok()
    }

    /// Starts the process, again and again if need be.
    ///
    /// # Errors
    /// When it doesn't start at last.
    pub async fn start(&self) -> Result<(), StartError> {
        let mut tries = 1;
        loop {
            let system = Rc::clone(&self.system.borrow());
            match Process::start(&self.world, &system, &self.stores).await {
                Ok(process) => {
                    self.world.note_all(format_args!("the process runs"));
                    *self.process.borrow_mut() = Some(process);
                    return Ok(());
                }
                Err(error) if tries == STARTS => return Err(error),
                Err(error) => {
                    self.world.note_all(format_args!("the process does not start: {error}"));
                    tries += 1;
                    sleep(AGAIN).await;
                }
            }
        }
    }

    /// Kills the process, if it runs.
    pub async fn kill(&self) {
        let process = self.process.borrow_mut().take();
        if let Some(process) = process {
            self.world.note_all(format_args!("the process is killed"));
            process.kill().await;
            if process::forgets(&self.world)
                && let Err(error) = self.stores.restore_journal()
            {
                self.world.note_all(format_args!("the journal can't be restored: {error}"));
            }
        }
    }

    /// Copies the journal aside, for the bug that makes it forget.
    pub fn copy_journal(&self) {
        if let Err(error) = self.stores.copy_journal() {
            self.world.note_all(format_args!("the journal can't be copied: {error}"));
        }
    }

    /// Takes another release, which the next start runs: the same with other definitions, and the other keys of the
    /// indexes.
    pub fn release(&self) {
        self.releases.set(self.releases.get() + 1);
        let mut system = System::clone(&self.system.borrow());
        for machine in &mut system.state_machines {
            if let Ok(mut definition) = serde_json::from_str::<Value>(&machine.definition) {
                definition["Comment"] = Value::from(format!("Release {}", self.releases.get()));
                machine.definition = definition.to_string();
            }
        }
        for function in system.functions.values_mut() {
            if let Some(sharded) = function.environment.get_mut("SHARDED_KEYS") {
                *sharded = if *sharded == "true" { "read" } else { "true" }.to_owned();
            }
        }
        *self.system.borrow_mut() = Rc::new(system);
    }

    /// Sends a request and waits for its answer.
    pub async fn ask(&self, request: &Request<'_>) -> Answer {
        let answered: Option<oneshot::Receiver<_>> =
            self.process.borrow().as_ref().map(|process| process.ask(request.event()));
        let Some(answered) = answered else {
            // Nobody listens at the port.
            sleep(Duration::from_millis(100)).await;
            return Answer::Nothing;
        };
        let answer = match timeout(PATIENCE, answered).await {
            Ok(Ok(Some(answer))) => answer,
            Ok(_) | Err(_) => return Answer::Nothing,
        };
        let status = answer["statusCode"].as_u64().unwrap_or_default();
        let body = answer["body"].as_str().map(serde_json::from_str);
        Answer::Http(status, body.and_then(Result::ok).unwrap_or_default())
    }

    /// The engine, if the process runs.
    pub fn engine(&self) -> Option<Engine> {
        self.process.borrow().as_ref().map(|process| process.aws.engine.clone())
    }

    /// Acts on the process, if it runs.
    pub fn with_process<T>(&self, act: impl FnOnce(&Process) -> T) -> Option<T> {
        self.process.borrow().as_ref().map(act)
    }
}
