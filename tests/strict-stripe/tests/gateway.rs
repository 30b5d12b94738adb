//! The gateway against the strict Stripe: what no order of the shop's comes to, and that it is strict.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ambient::{Clock, ManualClock};
use futures::future::BoxFuture;
use omniflow_domain::payment_gateway::{Charge, MoneyAt, RefundError};
use omniflow_domain::{Currency, Money, OrderId, PaymentGateway as _};
use omniflow_services::{Secret, Secrets, ServiceError, Web as _, WebRequest};
use omniflow_stripe::{Stripe, StripeGateway};
use serde_json::{Value, json};
use strict_stripe::{API_KEY, Fault, Moved, StrictStripe};

/// Gives out the keys, and counts how often.
#[derive(Default)]
struct Keys(AtomicU32);

impl Secrets for Keys {
    fn get<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Secret, ServiceError>> {
        assert_eq!(id, "arn:stripe");
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Ok(strict_stripe::keys()) })
    }
}

struct Case {
    stripe: Arc<StrictStripe>,
    keys: Arc<Keys>,
    clock: ManualClock,
    gateway: StripeGateway,
    order: OrderId,
    amount: Money,
}

impl Case {
    fn new() -> Self {
        let (stripe, keys) = (Arc::new(StrictStripe::default()), Arc::new(Keys::default()));
        let clock = ManualClock::starting_at(ambient::SystemClock.now());
        let api = Stripe::at(
            "https://stripe.test",
            "arn:stripe",
            stripe.clone(),
            keys.clone(),
            Arc::new(clock.clone()),
        );
        let amount = Money::parse("10", Currency::USD).unwrap();
        let order = OrderId::parse("ORD-1800000000000000007").unwrap();
        Self { stripe, keys, clock, gateway: StripeGateway::new(Arc::new(api)), order, amount }
    }

    fn charge<'a>(&'a self, method: Option<&'a str>, payment: Option<&'a str>) -> Charge<'a> {
        Charge { order: &self.order, amount: self.amount, method, payment }
    }

    /// A payment whose money was taken.
    async fn taken(&self) -> String {
        let opened = self.gateway.open(self.charge(None, None)).await.unwrap().unwrap();
        let charge = self.charge(Some("pm_card_visa"), Some(&opened.payment));
        assert_eq!(self.gateway.authorise(charge).await.unwrap().as_deref(), Some("pm_card_visa"));
        self.gateway.capture(charge).await.unwrap();
        opened.payment
    }
}

fn cents(cents: u64) -> Money {
    Money::from_minor_units(cents, Currency::USD).unwrap()
}

#[tokio::test(start_paused = true)]
async fn parts_are_given_back_once_each_and_never_more_than_was_taken() {
    let case = Case::new();
    let payment = case.taken().await;
    let charge = case.charge(None, Some(&payment));
    for _ in 0..3 {
        case.gateway.refund_part(charge, cents(300), "return-1").await.unwrap();
    }
    case.stripe.fail("/v1/refunds", Fault::AnswerLost, 2);
    let lost = case.gateway.refund_part(charge, cents(300), "return-2").await.unwrap_err();
    assert!(matches!(lost, RefundError::Timeout), "{lost:?}");
    case.gateway.refund_part(charge, cents(300), "return-2").await.unwrap();
    assert_eq!(case.stripe.money(&payment), Moved { held: 0, taken: 1000, returned: 600 });
    let report = case.gateway.report(charge).await.unwrap();
    assert_eq!((report.money, report.returned), (MoneyAt::Shop, Some(cents(600))));
    let too_much = case.gateway.refund_part(charge, cents(401), "return-3").await.unwrap_err();
    assert!(matches!(too_much, RefundError::Refused), "{too_much:?}");
    // What is left, and nothing twice.
    for _ in 0..2 {
        assert!(case.gateway.refund(charge).await.unwrap());
    }
    assert_eq!(case.stripe.money(&payment).returned, 1000);
    assert_eq!(case.gateway.report(charge).await.unwrap().money, MoneyAt::Returned);
}

#[tokio::test(start_paused = true)]
async fn the_keys_are_read_again_after_a_while_and_when_stripe_does_not_take_them() {
    let case = Case::new();
    let opened = case.gateway.open(case.charge(None, None)).await.unwrap().unwrap();
    let charge = case.charge(None, Some(&opened.payment));
    case.gateway.report(charge).await.unwrap();
    assert_eq!(case.keys.0.load(Ordering::Relaxed), 1);
    case.clock.advance(std::time::Duration::from_secs(301));
    case.gateway.report(charge).await.unwrap();
    assert_eq!(case.keys.0.load(Ordering::Relaxed), 2);
    case.stripe.fail("GET", Fault::Status(401), 1);
    let refused = case.gateway.report(charge).await.unwrap_err();
    let source = std::error::Error::source(&refused).unwrap().to_string();
    assert!(source.contains("STRIPE_SECRET") && !source.contains(API_KEY), "{source}");
    case.gateway.report(charge).await.unwrap();
    assert_eq!(case.keys.0.load(Ordering::Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn the_same_idempotency_key_with_other_parameters_is_refused_and_with_the_same_does_nothing_again() {
    let case = Case::new();
    let send = async |amount: &str| -> (u16, Value) {
        let request = WebRequest {
            method: "POST",
            url: "https://stripe.test/v1/payment_intents".to_owned(),
            headers: vec![
                ("authorization", format!("Bearer {API_KEY}")),
                ("stripe-version", "2024-06-20".to_owned()),
                ("idempotency-key", "key".to_owned()),
            ],
            body: format!("amount={amount}&currency=usd&capture_method=manual"),
        };
        let answer = case.stripe.send(request).await.unwrap();
        (answer.status, serde_json::from_slice(&answer.body).unwrap())
    };
    let first = send("1000").await;
    assert_eq!((first.0, &first.1["id"]), (200, &json!("pi_1")));
    assert_eq!(send("1000").await, first);
    let other = send("1001").await;
    assert_eq!((other.0, &other.1["error"]["type"]), (400, &json!("idempotency_error")));
}
