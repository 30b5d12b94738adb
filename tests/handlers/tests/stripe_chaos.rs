//! Orders at Stripe under a seed: customers, windows, steps, calls that fail, and words of Stripe that come twice,
//! late, out of order or never. Whatever happens, the money is where the order says.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use ambient::{Clock as _, ManualClock, Randomness};
use omniflow_domain::order::PaymentState;
use omniflow_domain::{OrderId, Status};
use omniflow_testing::{At, Shop, Walk};
use serde_json::{Value, json};
use strict_stripe::{Fault, Moved, StrictStripe};

const STOCK: [(&str, &str, u32); 2] = [("ring", "wh-east", 999), ("fragile-vase", "wh-west", 999)];
/// The number of runs, each of which has a seed of its own.
const RUNS: u64 = 40;
/// The largest number of things that happen in a run before all is healed.
const MOST_HAPPENINGS: u32 = 40;
const METHODS: [&str; 4] = ["pm_card_visa", "pm_card_3ds", "pm_card_insufficient", "pm_gone"];
const KINDS: [&str; 5] = [
    "payment_intent.amount_capturable_updated",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "payment_intent.succeeded",
    "charge.refunded",
];

struct Run {
    shop: Shop,
    stripe: Arc<StrictStripe>,
    clock: ManualClock,
    dice: Randomness,
    id: OrderId,
    walk: Walk,
    /// What Stripe has sent and may send again.
    sent: Vec<(String, String)>,
    amount: u64,
}

impl Run {
    async fn begin(seed: u64) -> Self {
        let (shop, stripe, clock) = Shop::with_stripe(&STOCK);
        let dice = Randomness::seeded(seed);
        let items = if dice.below(4) == 0 { json!(["ring", "fragile-vase"]) } else { json!(["ring"]) };
        let amount = 1000 * items.as_array().unwrap().len() as u64;
        let mut body = json!({ "items": items });
        if dice.below(4) == 0 {
            body["payment"] = json!({ "method": METHODS[dice.below(4) as usize] });
        }
        let id = shop.place(body).await;
        Self { walk: Walk::of(&id), shop, stripe, clock, dice, id, sent: Vec::new(), amount }
    }

    fn payment(&self) -> Option<String> {
        self.stripe.payments(self.id.as_str()).into_iter().next()
    }

    async fn post(&self, call: &str, body: Value) {
        let answer = self.shop.http("POST", &format!("/api/v1/orders/{}/{call}", self.id), body).await;
        assert!([200, 400, 402, 409, 503].contains(&answer.status), "{call}: {answer:?}");
    }

    /// One thing that may happen at any time.
    async fn happen(&mut self) {
        match self.dice.below(12) {
            0 | 1 => self.post("pay", json!({ "method": METHODS[self.dice.below(4) as usize] })).await,
            2 => self.post("pay", json!({})).await,
            3 => self.post("payment", json!({})).await,
            4 if self.dice.below(3) == 0 => self.post("cancel", json!({})).await,
            5 => self.on_page(),
            6 => {
                let calls = ["GET", "POST", "/confirm", "/capture", "/cancel", "/refunds"];
                let faults = [Fault::AnswerLost, Fault::NotReached, Fault::Status(429), Fault::Status(500)];
                let (call, fault) = (calls[self.dice.below(6) as usize], faults[self.dice.below(4) as usize]);
                self.stripe.fail(call, fault, 1 + self.dice.below(4));
            }
            7 if self.dice.below(3) == 0 => self.close_window().await,
            8 | 9 => self.word().await,
            _ => {
                self.walk.step(&self.shop).await;
            }
        }
    }

    /// The customer's page confirms, or its customer proves who they are.
    fn on_page(&self) {
        let Some(payment) = self.payment() else { return };
        match self.stripe.status(&payment) {
            "requires_payment_method" | "requires_confirmation" => {
                self.stripe.confirm_on_page(&payment, METHODS[self.dice.below(3) as usize]);
            }
            "requires_action" => self.stripe.authenticate(&payment, self.dice.below(2) == 0),
            _ => {}
        }
    }

    async fn close_window(&self) {
        if self.shop.order(&self.id).await.status() == Status::AwaitingPayment {
            self.shop.pass_deadline(&self.id).await;
        }
        // It is tried again when all is healed.
        let _ = self.shop.forward("close-payment-window", &self.id).await;
    }

    /// Stripe sends word, now or again, of what has happened or of something else.
    async fn word(&mut self) {
        let Some(payment) = self.payment() else { return };
        let count = u32::try_from(self.sent.len()).unwrap();
        let repeats = count > 0 && self.dice.below(2) == 0;
        let (body, signature) = if repeats {
            self.sent[self.dice.below(count) as usize].clone()
        } else {
            let kind = KINDS[self.dice.below(5) as usize];
            let word = self.stripe.event(kind, &payment, self.clock.now());
            self.sent.push(word.clone());
            word
        };
        let answered = self.shop.hear(&body, &signature).await;
        assert!([200, 500].contains(&answered), "{answered}");
    }

    /// Nothing fails any more, and everything comes to its end.
    async fn heal(&mut self) {
        self.stripe.heal();
        if self.payment().is_some_and(|payment| self.stripe.status(&payment) == "requires_action") {
            self.close_window().await;
        }
        for _ in 0..200 {
            if let At::Waiting(..) = self.walk.at
                && !self.walk.step(&self.shop).await
            {
                self.close_window().await;
            }
            if let At::Ended(Err(_)) = &self.walk.at {
                self.walk.redrive(&self.shop);
            }
            self.walk.step(&self.shop).await;
            if matches!(self.walk.at, At::Ended(Ok(()))) {
                break;
            }
        }
        // The window's own execution ends, too, and Stripe's last word is of what has become of the payment.
        self.close_window().await;
        if let Some(payment) = self.payment() {
            let (body, signature) = self.stripe.event(KINDS[0], &payment, self.clock.now());
            assert_eq!(self.shop.hear(&body, &signature).await, 200);
        }
    }

    async fn check(&self, seed: u64) {
        let order = self.shop.order(&self.id).await;
        let about = format!("seed {seed}: {:?} {:?}", order.status(), order.payment());
        assert!(order.status().is_final(), "{about}; {:?}", self.walk.at);
        let payments = self.stripe.payments(self.id.as_str());
        assert!(payments.len() <= 1, "{about}");
        let moved = payments.first().map_or_else(Moved::default, |payment| self.stripe.money(payment));
        let kept = moved.held + moved.taken - moved.returned;
        match order.status() {
            Status::Completed => {
                assert_eq!((moved.taken, kept), (self.amount, self.amount), "{about}");
                assert_eq!(order.payment().state, PaymentState::Captured, "{about}");
            }
            _ => {
                assert_eq!(kept, 0, "{about}: {moved:?}");
                let returned = if moved.taken > 0 { PaymentState::Refunded } else { PaymentState::Void };
                assert_eq!(order.payment().state, returned, "{about}");
                for payment in &payments {
                    let status = self.stripe.status(payment);
                    assert!(["canceled", "succeeded"].contains(&status), "{about}: {status}");
                }
            }
        }
        let captures: Vec<_> =
            self.stripe.calls().into_iter().filter(|call| call.path.ends_with("/capture")).collect();
        let keys: std::collections::BTreeSet<_> = captures.iter().map(|call| &call.key).collect();
        assert!(keys.len() <= 1, "{about}: all captures have one key");
    }
}

#[tokio::test(start_paused = true)]
async fn the_money_is_where_the_order_says_whatever_happens() {
    let mut ends = std::collections::BTreeMap::new();
    for seed in 0..RUNS {
        let mut run = Run::begin(seed).await;
        for _ in 0..run.dice.below(MOST_HAPPENINGS) {
            run.happen().await;
        }
        run.heal().await;
        run.check(seed).await;
        *ends.entry(run.shop.order(&run.id).await.status().name()).or_insert(0) += 1;
    }
    assert!(ends.len() > 1, "some are completed, others cancelled: {ends:?}");
}
