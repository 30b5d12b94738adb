//! Which payment an event of Stripe is about (Stripe API Reference, "The Event object").
//!
//! Nothing else of an event is believed: what has become of the payment is asked for, since events may come in
//! any order and late.

use serde::Deserialize;
use serde_json::Value;

/// The types of events that the shop wants to hear of; the first words of those that begin with them.
const WANTED: [&str; 6] = [
    "payment_intent.amount_capturable_updated",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "charge.refund",
    "charge.dispute.",
];

/// An event, as far as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The id, which is the same for each time that the event is sent.
    pub id: String,
    /// The id of the PaymentIntent that it is about.
    pub payment: String,
}

#[derive(Deserialize)]
struct Whole {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Value,
}

/// Reads an event. `Ok(None)` for one that the shop doesn't want to hear of.
///
/// # Errors
/// When it is no event.
pub fn read(body: &[u8]) -> Result<Option<Event>, serde_json::Error> {
    let Whole { id, kind, data: Data { object } } = serde_json::from_slice(body)?;
    if !WANTED.iter().any(|wanted| kind.starts_with(wanted)) {
        return Ok(None);
    }
    let payment = if kind.starts_with("payment_intent.") { &object["id"] } else { &object["payment_intent"] };
    // A charge, a refund or a dispute may have its intent within.
    let payment = payment.as_str().or_else(|| payment["id"].as_str());
    Ok(payment.map(|payment| Event { id, payment: payment.to_owned() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: &str, object: &str) -> Option<String> {
        let body = format!(r#"{{"id":"evt_1","type":"{kind}","data":{{"object":{object}}}}}"#);
        read(body.as_bytes()).unwrap().map(|event| event.payment)
    }

    #[test]
    fn an_event_is_about_one_payment() {
        let pi = || Some("pi_1".to_owned());
        for kind in ["amount_capturable_updated", "payment_failed", "canceled", "succeeded"] {
            assert_eq!(of(&format!("payment_intent.{kind}"), r#"{"id":"pi_1"}"#), pi(), "{kind}");
        }
        for kind in
            ["charge.refunded", "charge.refund.updated", "charge.dispute.created", "charge.dispute.closed"]
        {
            assert_eq!(of(kind, r#"{"id":"x","payment_intent":"pi_1"}"#), pi(), "{kind}");
            assert_eq!(of(kind, r#"{"id":"x","payment_intent":{"id":"pi_1"}}"#), pi(), "{kind}");
            assert_eq!(of(kind, r#"{"id":"x","payment_intent":null}"#), None, "a charge without an intent");
        }
        for kind in ["customer.created", "payment_intent.created", "charge.succeeded"] {
            assert_eq!(of(kind, r#"{"id":"pi_1","payment_intent":"pi_1"}"#), None, "{kind}");
        }
        assert!(read(b"{}").is_err() && read(b"").is_err() && read(b"[1]").is_err());
    }
}
