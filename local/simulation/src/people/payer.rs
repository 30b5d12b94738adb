//! How customers pay at Stripe: the shop's server confirms their payment, or their own page does; some are declined and try
//! another card, some are asked by their bank who they are.

use serde_json::{Value, json};
use tokio::time::sleep;

use super::customer::{Customer, weighted};
use crate::books::Promise;
use crate::dice::Dice;
use crate::seams::stripe::Stripe;
use crate::till::Due;

/// The payment methods, with their weights. What each does, the model of Stripe says.
const CARDS: [(&str, u64); 5] = [
    ("pm_card_visa", 78),
    ("pm_card_3ds", 10),
    ("pm_card_chargeDeclined", 5),
    ("pm_card_insufficient", 5),
    ("pm_gone", 2),
];
/// The card that whoever was declined tries next.
const OTHER: &str = "pm_card_visa";
/// How long customers take to prove who they are, in milliseconds.
const PROOF: (u64, u64) = (1_000, 60_000);
/// How long they take to type a card's number, in milliseconds.
const TYPING: (u64, u64) = (1_000, 20_000);

/// The card that a customer has.
pub fn card(dice: &mut Dice) -> &'static str {
    weighted(dice, &CARDS).unwrap_or(OTHER)
}

impl Customer {
    /// Pays at Stripe, one way or the other.
    pub(super) async fn pay_at_stripe(&self, order: &str, dice: &mut Dice) {
        let cards = [Some(card(dice)), dice.chance(0.6).then_some(OTHER)];
        let on_page = dice.chance(0.5);
        for card in cards.into_iter().flatten() {
            let goes_on = match on_page {
                true => self.pay_on_the_page(order, card, dice).await,
                false => self.have_the_server_pay(order, card, dice).await,
            };
            if !goes_on {
                return;
            }
            sleep(dice.milliseconds(TYPING)).await;
        }
    }

    /// Whether the card was declined, so that another one may be tried.
    async fn have_the_server_pay(&self, order: &str, card: &str, dice: &mut Dice) -> bool {
        let path = format!("/api/v1/orders/{order}/pay");
        let request = self.request("POST", path, None, json!({ "method": card }));
        let (status, body) = self.decide(order, &request, Some(Promise::Paid), dice).await;
        if status != 402 {
            return status == 400;
        }
        let Some(payment) = body["payment_id"].as_str() else { return true };
        self.prove(payment, dice);
        false
    }

    /// As [`Customer::have_the_server_pay`], by the customer's own page.
    async fn pay_on_the_page(&self, order: &str, card: &str, dice: &mut Dice) -> bool {
        let path = format!("/api/v1/orders/{order}/payment");
        let request = self.request("POST", path, None, Value::Null);
        let (status, body) = self.decide(order, &request, None, dice).await;
        let Some(payment) = body["payment_id"].as_str().filter(|_| status == 200) else { return false };
        sleep(dice.milliseconds(TYPING)).await;
        let stripe = Stripe(self.world.clone());
        let status = || self.world.stripe.standing(payment).map(|standing| standing.status);
        let is_open = |status: &str| status.starts_with("requires_") && status != "requires_capture";
        if !status().is_some_and(is_open) {
            return false;
        }
        self.world.note(order, format_args!("{} confirms {payment} by {card} on the page", self.subject));
        stripe.watch(payment, false, |model| model.confirm_on_page(payment, card));
        match status() {
            Some("requires_action") => self.prove(payment, dice),
            Some("requires_capture") if dice.chance(0.5) => {
                // The page tells the shop as well as Stripe does.
                let path = format!("/api/v1/orders/{order}/pay");
                let told = self.request("POST", path, None, json!({}));
                self.decide(order, &told, Some(Promise::Paid), dice).await;
            }
            Some("requires_payment_method") => return true,
            _ => {}
        }
        false
    }

    fn prove(&self, payment: &str, dice: &mut Dice) {
        let takes = u64::try_from(dice.milliseconds(PROOF).as_millis()).unwrap_or(u64::MAX);
        let due = Due::Authenticate { payment: payment.to_owned(), succeeds: dice.chance(0.8) };
        let at = self.world.now() + takes;
        self.world.till(|till| till.plan(at, due));
    }
}
