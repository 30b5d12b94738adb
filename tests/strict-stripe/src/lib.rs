//! A Stripe in memory: the part of its API that the shop calls, as strict as Stripe is where it matters. The functions'
//! tests and the simulation use the same one.
//!
//! - Each POST takes an idempotency key. The same key with other parameters is an `idempotency_error`; with the
//!   same, the first answer comes again, a refusal too, and nothing is done (Stripe API Reference, "Idempotent
//!   requests").
//! - A parameter that the call doesn't have is refused, and so is a call that the payment's state doesn't allow.
//! - Money is counted: [`StrictStripe::money`] tells what was held, taken and given back of a payment.
//!
//! What a payment method does, its name says:
//!
//! | method | what happens |
//! | --- | --- |
//! | `pm_card_visa` | the money is held |
//! | `pm_card_chargeDeclined` | declined without a reason |
//! | `pm_card_insufficient` | declined: not enough money |
//! | `pm_card_3ds` | the customer must authenticate |
//! | any other | there is no such method |
//!
//! Faults are asked for with [`StrictStripe::fail`].

#![allow(clippy::unwrap_used, reason = "tests")]

mod api;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use omniflow_services::{Secret, Unanswered, Web, WebAnswer, WebRequest};
use omniflow_stripe::signature;
use serde_json::{Value, json};

/// The address at which the API answers.
pub const URL: &str = "https://stripe.test";
/// The key of the account.
pub const API_KEY: &str = "sk_test_strict";
/// The account's key for pages.
pub const PUBLISHABLE_KEY: &str = "pk_test_strict";
/// The secret that its events are signed with.
pub const WEBHOOK_SECRET: &str = "whsec_strict";

/// The account's keys, in the form in which the secret store has them.
pub fn keys() -> Secret {
    let keys = json!({
        "api_key": API_KEY,
        "publishable_key": PUBLISHABLE_KEY,
        "webhook_secrets": [WEBHOOK_SECRET],
    });
    Secret::new(keys.to_string())
}

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is carried out, and its answer is lost or comes too late.
    AnswerLost,
    /// It is not carried out, and nobody answers.
    NotReached,
    /// It is not carried out, and this status is the answer.
    Status(u16),
}

/// What was done with the money of a payment, in Stripe's units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Moved {
    pub held: u64,
    pub taken: u64,
    pub returned: u64,
}

/// How a payment stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Standing {
    /// The order that it was opened for.
    pub order: String,
    pub status: &'static str,
    /// The price, in Stripe's units.
    pub amount: u64,
    /// What was given back of it.
    pub returned: u64,
    /// Each time that some of it was given back: the purpose, as whoever asked for it says, and how much it was.
    pub refunds: Vec<(String, u64)>,
}

/// A PaymentIntent with its charge.
#[derive(Debug, Clone)]
pub(crate) struct Intent {
    pub(crate) id: String,
    pub(crate) amount: u64,
    pub(crate) currency: String,
    pub(crate) status: &'static str,
    pub(crate) method: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) error: Option<Value>,
    pub(crate) cancellation_reason: Option<&'static str>,
    pub(crate) refunds: Vec<u64>,
    /// What each of them was for, as whoever asked for it says.
    pub(crate) purposes: Vec<String>,
    pub(crate) disputes: Vec<&'static str>,
    pub(crate) charges: u32,
}

/// A call, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Call {
    pub method: String,
    pub path: String,
    pub body: String,
    pub key: Option<String>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) intents: BTreeMap<String, Intent>,
    /// The first answer to each idempotency key, with what was asked.
    pub(crate) kept: HashMap<String, (String, u16, Value)>,
    pub(crate) calls: Vec<Call>,
    faults: Vec<(String, Fault, u32)>,
    pub(crate) count: u32,
    events: u32,
}

/// A Stripe account in memory.
#[derive(Default)]
pub struct StrictStripe(Mutex<State>);

impl StrictStripe {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the next so many calls fail whose method and path contain this text, such as `/capture`.
    pub fn fail(&self, what: &str, fault: Fault, times: u32) {
        self.state().faults.push((what.to_owned(), fault, times));
    }

    /// No call fails any more.
    pub fn heal(&self) {
        self.state().faults.clear();
    }

    /// All calls so far.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// The number of calls whose method and path contain this text and that were not repeats of an earlier one.
    pub fn count(&self, what: &str) -> usize {
        let state = self.state();
        let mut seen = std::collections::HashSet::new();
        let calls = state.calls.iter().filter(|call| format!("{} {}", call.method, call.path).contains(what));
        calls.filter(|call| call.key.as_ref().is_none_or(|key| seen.insert(key.clone()))).count()
    }

    /// The ids of all payments that were opened for this order, oldest first.
    pub fn payments(&self, order: &str) -> Vec<String> {
        let state = self.state();
        let of_order = |intent: &&Intent| intent.metadata.get("order_id").is_some_and(|id| id == order);
        state.intents.values().filter(of_order).map(|intent| intent.id.clone()).collect()
    }

    /// How a payment stands, if there is one of this id.
    pub fn standing(&self, payment: &str) -> Option<Standing> {
        let state = self.state();
        let intent = state.intents.get(payment)?;
        Some(Standing {
            order: intent.metadata.get("order_id").cloned().unwrap_or_default(),
            status: intent.status,
            amount: intent.amount,
            returned: intent.refunds.iter().sum(),
            refunds: intent.purposes.iter().cloned().zip(intent.refunds.iter().copied()).collect(),
        })
    }

    /// Answers a request as the API does, without the faults that [`StrictStripe::fail`] asks for.
    pub fn answer(&self, request: &WebRequest) -> WebAnswer {
        let path = request.url.strip_prefix(URL).expect("no other host is called");
        let (status, body) = self.state().answer(path, request);
        WebAnswer { status, body: body.to_string().into_bytes() }
    }

    /// Forgets all that is known because of an order: a long run has no room for it.
    pub fn forget(&self, order: &str) {
        let payments = self.payments(order);
        let mut state = self.state();
        let of_order = |key: &str| key.starts_with(order);
        state.intents.retain(|id, _| !payments.contains(id));
        state.kept.retain(|key, _| !of_order(key));
        state.calls.retain(|call| {
            let is_named =
                || call.path.split(['/', '?', '&', '=']).any(|part| payments.iter().any(|id| id == part));
            !call.key.as_deref().is_some_and(of_order) && !is_named()
        });
    }

    /// The status of a payment.
    pub fn status(&self, payment: &str) -> &'static str {
        self.state().intents[payment].status
    }

    /// What was done with the money of a payment.
    pub fn money(&self, payment: &str) -> Moved {
        let state = self.state();
        let intent = &state.intents[payment];
        Moved {
            held: if intent.status == "requires_capture" { intent.amount } else { 0 },
            taken: if intent.status == "succeeded" { intent.amount } else { 0 },
            returned: intent.refunds.iter().sum(),
        }
    }

    /// The customer's page confirms the payment by this method, as Stripe's own script does.
    pub fn confirm_on_page(&self, payment: &str, method: &str) {
        let mut state = self.state();
        let intent = state.intents.get_mut(payment).unwrap();
        assert!(intent.status.starts_with("requires_") && intent.status != "requires_capture", "{intent:?}");
        intent.method = Some(method.to_owned());
        api::charge(intent);
    }

    /// The customer proves to their bank who they are, or fails to.
    pub fn authenticate(&self, payment: &str, succeeds: bool) {
        let mut state = self.state();
        let intent = state.intents.get_mut(payment).unwrap();
        assert_eq!(intent.status, "requires_action");
        if succeeds {
            intent.status = "requires_capture";
        } else {
            intent.status = "requires_payment_method";
            intent.method = None;
            intent.error = Some(json!({ "code": "payment_intent_authentication_failure" }));
        }
    }

    /// The shop's people give money back in Stripe's dashboard.
    pub fn refund_in_dashboard(&self, payment: &str, units: u64) {
        let mut state = self.state();
        let intent = state.intents.get_mut(payment).unwrap();
        assert!(intent.status == "succeeded" && intent.refunds.iter().sum::<u64>() + units <= intent.amount);
        intent.refunds.push(units);
        intent.purposes.push(String::new());
    }

    /// The shop's people take the money in Stripe's dashboard.
    pub fn capture_in_dashboard(&self, payment: &str) {
        let mut state = self.state();
        let intent = state.intents.get_mut(payment).unwrap();
        assert_eq!(intent.status, "requires_capture");
        intent.status = "succeeded";
    }

    /// The shop's people cancel the payment in Stripe's dashboard, or, with the reason `automatic`, the bank's
    /// hold runs out.
    pub fn cancel_in_dashboard(&self, payment: &str, reason: Option<&'static str>) {
        let mut state = self.state();
        let intent = state.intents.get_mut(payment).unwrap();
        (intent.status, intent.cancellation_reason) = ("canceled", reason);
    }

    /// Money comes although the payment was cancelled, as happens with a bank that was asked before that and
    /// answers after it.
    pub fn arrive_late(&self, payment: &str) {
        self.state().intents.get_mut(payment).unwrap().status = "requires_capture";
    }

    /// A dispute about the payment begins, or goes on to this status.
    pub fn dispute(&self, payment: &str, status: &'static str) {
        let mut state = self.state();
        state.intents.get_mut(payment).unwrap().disputes = vec![status];
    }

    /// An event about the payment, as Stripe sends it: the body and its signature.
    pub fn event(&self, kind: &str, payment: &str, at: DateTime<Utc>) -> (String, String) {
        let mut state = self.state();
        state.events += 1;
        let object = if kind.starts_with("payment_intent.") {
            json!({ "id": payment, "object": "payment_intent" })
        } else {
            json!({ "id": "x_1", "payment_intent": payment })
        };
        let body =
            json!({ "id": format!("evt_{}", state.events), "type": kind, "data": { "object": object } });
        let body = body.to_string();
        let signature = signature::sign(body.as_bytes(), &Secret::new(WEBHOOK_SECRET), at);
        (body, signature)
    }
}

impl State {
    /// The fault that the call meets, if it is to meet one.
    fn fault(&mut self, what: &str) -> Option<Fault> {
        let (_, fault, left) =
            self.faults.iter_mut().find(|(wanted, _, left)| *left > 0 && what.contains(wanted.as_str()))?;
        *left -= 1;
        Some(*fault)
    }
}

impl Web for StrictStripe {
    fn send(&self, request: WebRequest) -> BoxFuture<'_, Result<WebAnswer, Unanswered>> {
        Box::pin(async move {
            let mut state = self.state();
            let path = request.url.strip_prefix(URL).expect("no other host is called");
            let what = format!("{} {path}", request.method);
            let fault = state.fault(&what);
            let (status, body) = match fault {
                Some(Fault::NotReached) => return Err(Unanswered("nobody was reached".into())),
                Some(Fault::Status(status)) => (status, json!({ "error": { "type": "api_error" } })),
                Some(Fault::AnswerLost) | None => state.answer(path, &request),
            };
            match fault {
                Some(Fault::AnswerLost) => Err(Unanswered("the answer was lost".into())),
                _ => Ok(WebAnswer { status, body: body.to_string().into_bytes() }),
            }
        })
    }
}
