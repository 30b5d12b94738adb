//! Stripe as the functions call it: the model in memory, behind faults. Whatever moves money there is told to the books, and
//! to the shop by an event, which comes twice, late or never.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use omniflow_services::{Unanswered, Web, WebAnswer, WebRequest};
use strict_stripe::{Standing, StrictStripe};

use crate::books::Fact;
use crate::fault::Fault;
use crate::planted::Planted;
use crate::seams::watch::return_of;
use crate::till::Due;
use crate::world::{Invocation, World};

/// The name of the secret that holds the account's keys: the simulation's value of the template's parameter `StripeSecret`.
pub const SECRET: &str = "stripe";
/// How long the caller waits for an answer: as long as the HTTP client of the functions does.
const PATIENCE: Duration = Duration::from_secs(8);
/// How late Stripe does what it does later, in milliseconds.
const LATER: (u64, u64) = (PATIENCE.as_millis() as u64, 240_000);
/// How soon Stripe sends word, in milliseconds.
const SOON: (u64, u64) = (20, 3_000);
/// By how many milliseconds word is late.
const LATE: (u64, u64) = (1_000, 600_000);
/// After how many milliseconds a bank lets go of what it holds, where it does: days in the world, but before it is taken.
const HOLD: (u64, u64) = (10, 4_000);
/// After how many milliseconds people give money back in the dashboard.
const GIVE_BACK: (u64, u64) = (100, 600_000);

/// The seam.
#[derive(Clone)]
pub struct Stripe(pub Arc<World>);

impl Stripe {
    async fn call(self, request: WebRequest) -> Result<WebAnswer, Unanswered> {
        let world = &self.0;
        world.travel("Stripe").await;
        let status = |status| Ok(WebAnswer { status, body: b"{}".to_vec() });
        if world.faults.is_out(Fault::GatewayOut) {
            return self.silence("nobody was reached").await;
        }
        if world.happens(Fault::GatewayRefused) {
            world.note_here(format_args!("Stripe fails: {} {}", request.method, request.url));
            return status(500);
        }
        if world.happens(Fault::GatewayThrottled) {
            world.note_here(format_args!("Stripe was called too often: {}", request.url));
            return status(429);
        }
        if world.happens(Fault::GatewayDoneLater) {
            let later = world.faults.milliseconds(Fault::GatewayDoneLater, LATER);
            world.note_here(format_args!("Stripe does it in {later:?}: {}", request.url));
            let stripe = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(later).await;
                stripe.carry_out(&request);
            });
            return self.silence("no answer came in time").await;
        }
        let answer = self.carry_out(&request);
        if world.happens(Fault::GatewayAnswerLost) {
            world.note_here(format_args!("Stripe's answer is lost: {}", request.url));
            return self.silence("the answer was lost").await;
        }
        Ok(answer)
    }

    async fn silence(&self, why: &'static str) -> Result<WebAnswer, Unanswered> {
        tokio::time::sleep(PATIENCE).await;
        Err(Unanswered(why.into()))
    }

    fn carry_out(&self, request: &WebRequest) -> WebAnswer {
        let payment = about(request);
        if let Some(answer) = self.planted(request, payment.as_deref()) {
            return answer;
        }
        let Some(payment) = payment else { return self.0.stripe.answer(request) };
        let answer = self.watch(&payment, false, |stripe| stripe.answer(request));
        if request.method != "GET"
            && let Some(standing) = self.0.stripe.standing(&payment)
        {
            let path = request.url.trim_start_matches(strict_stripe::URL);
            let line = format_args!("Stripe: {path}: {}, {}", answer.status, standing.status);
            self.0.note(&standing.order, line);
        }
        answer
    }

    /// The answer with which a planted bug lets a call go that is then not made.
    fn planted(&self, request: &WebRequest, payment: Option<&str>) -> Option<WebAnswer> {
        let path = request.url.trim_start_matches(strict_stripe::URL);
        let is_forgotten = match self.0.planted {
            Some(Planted::VoidForgotten) => path.ends_with("/cancel"),
            Some(Planted::ReturnForgotten) => path == "/v1/refunds" && request.method == "POST",
            Some(Planted::WindowClosedWithoutAsking) => {
                let function = Invocation::current().map_or("", |invocation| invocation.function);
                request.method == "GET" && function == "close-payment-window"
            }
            _ => false,
        };
        let standing =
            payment.filter(|_| is_forgotten).and_then(|payment| self.0.stripe.standing(payment))?;
        let id = payment.unwrap_or_default();
        let status = if request.method == "GET" { "requires_payment_method" } else { "canceled" };
        let body = match path {
            "/v1/refunds" => serde_json::json!({ "id": "re_0", "status": "succeeded" }),
            _ => serde_json::json!({
                "id": id, "object": "payment_intent", "status": status, "amount": standing.amount,
                "currency": "usd", "client_secret": "", "metadata": { "order_id": standing.order },
            }),
        };
        Some(WebAnswer { status: 200, body: body.to_string().into_bytes() })
    }

    /// Does something with a payment at Stripe, and tells of what has changed by it. `by_hand` says that it is done past
    /// the shop, in the dashboard.
    pub fn watch<T>(&self, payment: &str, by_hand: bool, act: impl FnOnce(&StrictStripe) -> T) -> T {
        let stripe = &self.0.stripe;
        let before = stripe.standing(payment);
        let done = act(stripe);
        if let (Some(before), Some(after)) = (before, stripe.standing(payment)) {
            self.changed(payment, &before, &after, by_hand);
        }
        done
    }

    fn changed(&self, payment: &str, before: &Standing, after: &Standing, by_hand: bool) {
        let world = &self.0;
        if before.status != after.status {
            match after.status {
                "requires_capture" => {
                    self.note(after, &Fact::Held(ambient::Clock::now(&world.clock)));
                    self.tell(payment, after, "payment_intent.amount_capturable_updated");
                    if world.happens(Fault::HoldExpires) {
                        let at = self.in_a_while(Fault::HoldExpires, HOLD);
                        world.till(|till| till.plan(at, Due::HoldExpires(payment.to_owned())));
                    }
                }
                "succeeded" => {
                    let (whole, rest) = (after.amount / 100, after.amount % 100);
                    self.note(after, &Fact::Captured(format!("{whole}.{rest:02}")));
                    self.tell(payment, after, "payment_intent.succeeded");
                    if world.happens(Fault::ReturnedAtGateway) {
                        let all = world.faults.draw(Fault::ReturnedAtGateway, |dice| dice.chance(0.5));
                        let at = self.in_a_while(Fault::ReturnedAtGateway, GIVE_BACK);
                        let due = Due::GiveBack { payment: payment.to_owned(), all };
                        world.till(|till| till.plan(at, due));
                    }
                }
                "canceled" => self.tell(payment, after, "payment_intent.canceled"),
                "requires_payment_method" => self.tell(payment, after, "payment_intent.payment_failed"),
                _ => {}
            }
        }
        for (purpose, units) in after.refunds.iter().skip(before.refunds.len()) {
            let (units, is_all) = (*units, after.returned == after.amount);
            if let Some(number) = return_of(purpose) {
                self.note(after, &Fact::RefundedForReturn { number, units });
            } else if by_hand {
                self.note(after, &Fact::ReturnedByHand { units, is_all });
            } else if is_all {
                self.note(after, &Fact::Refunded);
            }
            self.tell(payment, after, "charge.refunded");
        }
    }

    /// Notes that the bank has let go of the money of this payment.
    pub fn hold_expired(&self, payment: &str) {
        if let Some(standing) = self.0.stripe.standing(payment) {
            self.note(&standing, &Fact::HoldExpired);
        }
    }

    fn note(&self, standing: &Standing, fact: &Fact) {
        self.0.note(&standing.order, format_args!("{fact:?}"));
        self.0.books(|books| books.noted(&standing.order, fact));
    }

    fn in_a_while(&self, fault: Fault, range: (u64, u64)) -> u64 {
        self.0.now() + milliseconds(self.0.faults.milliseconds(fault, range))
    }

    /// Plans the event about a payment.
    fn tell(&self, payment: &str, standing: &Standing, kind: &str) {
        let world = &self.0;
        if world.happens(Fault::PaymentWordLost) {
            return world.note(&standing.order, format_args!("Stripe forgets to say {kind}"));
        }
        let (body, _) = world.stripe.event(kind, payment, ambient::Clock::now(&world.clock));
        let soon = world.now() + milliseconds(world.draw(|dice| dice.milliseconds(SOON)));
        let at = match world.happens(Fault::PaymentWordLate) {
            true => self.in_a_while(Fault::PaymentWordLate, LATE),
            false => soon,
        };
        let word = Due::Word { order: standing.order.clone(), body, times: 0 };
        if world.happens(Fault::PaymentWordTwice) {
            let again = self.in_a_while(Fault::PaymentWordTwice, LATE);
            world.till(|till| till.plan(again, word.clone()));
        }
        world.till(|till| till.plan(at, word));
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The payment that a request is about, if it is about one that there is.
fn about(request: &WebRequest) -> Option<String> {
    let is_payment = |part: &&str| part.starts_with("pi_");
    let parts = request.url.split(['/', '?', '&', '=']).chain(request.body.split(['&', '=']));
    parts.into_iter().find(is_payment).map(str::to_owned)
}

impl Web for Stripe {
    fn send(&self, request: WebRequest) -> BoxFuture<'_, Result<WebAnswer, Unanswered>> {
        Box::pin(self.clone().call(request))
    }
}
