//! The calls that the API has, and what each takes and refuses.

use std::collections::BTreeMap;

use omniflow_services::WebRequest;
use serde_json::{Value, json};

use crate::{API_KEY, Call, Intent, State};

type Answer = (u16, Value);
type Form = BTreeMap<String, String>;

fn refused(status: u16, kind: &str, code: &str, message: &str) -> Answer {
    (status, json!({ "error": { "type": kind, "code": code, "message": message } }))
}

fn invalid(code: &str, message: &str) -> Answer {
    refused(400, "invalid_request_error", code, message)
}

fn other_state(intent: &Intent) -> Answer {
    invalid("payment_intent_unexpected_state", &format!("the status is {}", intent.status))
}

/// What the bank says of the intent's method.
pub(crate) fn charge(intent: &mut Intent) {
    let declined = |code: &str| json!({ "type": "card_error", "code": "card_declined", "decline_code": code, "message": "Your card was declined." });
    intent.charges += 1;
    let error = match intent.method.as_deref() {
        Some("pm_card_chargeDeclined") => declined("generic_decline"),
        Some("pm_card_insufficient") => declined("insufficient_funds"),
        Some("pm_card_3ds") => {
            intent.status = "requires_action";
            return;
        }
        _ => {
            (intent.status, intent.error) = ("requires_capture", None);
            return;
        }
    };
    (intent.status, intent.error, intent.method) = ("requires_payment_method", Some(error), None);
}

impl State {
    pub(crate) fn answer(&mut self, path: &str, request: &WebRequest) -> Answer {
        let header = |wanted: &str| {
            request.headers.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.as_str())
        };
        if header("authorization") != Some(&format!("Bearer {API_KEY}")) {
            return refused(401, "invalid_request_error", "", "Invalid API Key provided");
        }
        assert!(header("stripe-version").is_some(), "each call names the version of the API");
        let key = header("idempotency-key").map(str::to_owned);
        let (method, body) = (request.method, request.body.clone());
        self.calls.push(Call { method: method.to_owned(), path: path.to_owned(), body, key: key.clone() });
        if method == "GET" {
            return self.read(path);
        }
        let key = key.expect("each POST has an idempotency key");
        let asked = format!("{path} {}", request.body);
        if let Some((before, status, answer)) = self.kept.get(&key) {
            if *before != asked {
                return refused(400, "idempotency_error", "", "the key came with other parameters before");
            }
            return (*status, answer.clone());
        }
        let form = form_urlencoded::parse(request.body.as_bytes()).into_owned().collect();
        let (status, answer) = self.write(path, &form);
        self.kept.insert(key, (asked, status, answer.clone()));
        (status, answer)
    }

    fn read(&self, path: &str) -> Answer {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let query: Form = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let intent = |id: &str| self.intents.get(id);
        match path.trim_start_matches("/v1/").split('/').collect::<Vec<_>>()[..] {
            ["payment_intents", id] => match intent(id) {
                Some(intent) => (200, shown(intent, query.contains_key("expand[0]"))),
                None => refused(404, "invalid_request_error", "resource_missing", "no such payment_intent"),
            },
            ["refunds"] => match intent(&query["payment_intent"]) {
                Some(intent) => {
                    let refunds = intent
                        .purposes
                        .iter()
                        .map(|purpose| json!({ "status": "succeeded", "metadata": { "purpose": purpose } }));
                    (200, json!({ "data": refunds.collect::<Vec<_>>() }))
                }
                None => invalid("resource_missing", "no such payment_intent"),
            },
            ["disputes"] => {
                let disputes = intent(&query["payment_intent"]).map_or(&[][..], |intent| &intent.disputes);
                (
                    200,
                    json!({ "data": disputes.iter().map(|status| json!({ "status": status })).collect::<Vec<_>>() }),
                )
            }
            _ => refused(404, "invalid_request_error", "", "unrecognized request URL"),
        }
    }

    fn write(&mut self, path: &str, form: &Form) -> Answer {
        match path.trim_start_matches("/v1/").split('/').collect::<Vec<_>>()[..] {
            ["payment_intents"] => self.create(form),
            ["payment_intents", id] => self.change(id, form, &["payment_method", "metadata"], update),
            ["payment_intents", id, "confirm"] => self.change(id, form, &[], |intent, _| confirm(intent)),
            ["payment_intents", id, "capture"] => self.change(id, form, &[], |intent, _| capture(intent)),
            ["payment_intents", id, "cancel"] => self.change(id, form, &[], |intent, _| cancel(intent)),
            ["refunds"] => {
                let id = form["payment_intent"].clone();
                self.change(&id, form, &["payment_intent", "amount", "metadata"], refund)
            }
            _ => refused(404, "invalid_request_error", "", "unrecognized request URL"),
        }
    }

    fn create(&mut self, form: &Form) -> Answer {
        const TAKES: [&str; 5] = ["amount", "currency", "capture_method", "payment_method_types", "metadata"];
        if let Some(unknown) = unknown(form, &TAKES) {
            return unknown;
        }
        let Some(amount) = form["amount"].parse().ok().filter(|amount| *amount > 0) else {
            return invalid("parameter_invalid_integer", "amount must be a positive integer");
        };
        let currency = form["currency"].clone();
        if currency.len() != 3 || currency.bytes().any(|byte| !byte.is_ascii_lowercase()) {
            return invalid("", "currency must be three lower-case letters");
        }
        assert_eq!(form["capture_method"], "manual", "money is held first, and taken later");
        self.count += 1;
        let intent = Intent {
            id: format!("pi_{}", self.count),
            amount,
            currency,
            status: "requires_payment_method",
            method: None,
            metadata: metadata(form),
            error: None,
            cancellation_reason: None,
            refunds: Vec::new(),
            purposes: Vec::new(),
            disputes: Vec::new(),
            charges: 0,
        };
        let answer = shown(&intent, false);
        self.intents.insert(intent.id.clone(), intent);
        (200, answer)
    }

    fn change(
        &mut self,
        id: &str,
        form: &Form,
        takes: &[&str],
        change: impl FnOnce(&mut Intent, &Form) -> Answer,
    ) -> Answer {
        if let Some(unknown) = unknown(form, takes) {
            return unknown;
        }
        match self.intents.get_mut(id) {
            Some(intent) => change(intent, form),
            None => refused(404, "invalid_request_error", "resource_missing", "no such payment_intent"),
        }
    }
}

/// The refusal of a form that has a parameter which the call doesn't take.
fn unknown(form: &Form, takes: &[&str]) -> Option<Answer> {
    let name = |parameter: &str| parameter.split('[').next().unwrap_or_default().to_owned();
    let unknown = form.keys().find(|parameter| !takes.contains(&name(parameter).as_str()))?;
    Some(invalid("parameter_unknown", &format!("Received unknown parameter: {unknown}")))
}

fn metadata(form: &Form) -> BTreeMap<String, String> {
    let entries = form.iter().filter_map(|(name, value)| {
        let name = name.strip_prefix("metadata[")?.strip_suffix(']')?;
        Some((name.to_owned(), value.clone()))
    });
    entries.collect()
}

fn update(intent: &mut Intent, form: &Form) -> Answer {
    if !intent.status.starts_with("requires_") || intent.status == "requires_capture" {
        return other_state(intent);
    }
    intent.metadata.extend(metadata(form));
    if let Some(method) = form.get("payment_method") {
        if !method.starts_with("pm_card_") {
            let message = format!("No such PaymentMethod: '{method}'");
            let mut answer = invalid("resource_missing", &message);
            answer.1["error"]["param"] = json!("payment_method");
            return answer;
        }
        intent.method = Some(method.clone());
        intent.status = "requires_confirmation";
    }
    (200, shown(intent, false))
}

fn confirm(intent: &mut Intent) -> Answer {
    if intent.status != "requires_confirmation" {
        return other_state(intent);
    }
    charge(intent);
    match &intent.error {
        Some(error) if intent.status == "requires_payment_method" => (402, json!({ "error": error })),
        _ => (200, shown(intent, false)),
    }
}

fn capture(intent: &mut Intent) -> Answer {
    if intent.status != "requires_capture" {
        return other_state(intent);
    }
    intent.status = "succeeded";
    (200, shown(intent, false))
}

fn cancel(intent: &mut Intent) -> Answer {
    if !intent.status.starts_with("requires_") {
        return other_state(intent);
    }
    intent.status = "canceled";
    (200, shown(intent, false))
}

fn refund(intent: &mut Intent, form: &Form) -> Answer {
    if intent.status != "succeeded" {
        return invalid("charge_not_captured", "there is nothing to give back");
    }
    let left = intent.amount - intent.refunds.iter().sum::<u64>();
    let wanted = match form.get("amount") {
        Some(amount) => amount.parse().unwrap_or(u64::MAX),
        None => left,
    };
    if left == 0 {
        return invalid("charge_already_refunded", "the charge has been refunded");
    }
    if wanted > left {
        return invalid("amount_too_large", "more than is left");
    }
    intent.refunds.push(wanted);
    intent.purposes.push(form.get("metadata[purpose]").cloned().unwrap_or_default());
    (200, json!({ "id": format!("re_{}", intent.refunds.len()), "status": "succeeded" }))
}

/// The intent as the API shows it; its charge with all its members, if that was asked for, else by its id.
fn shown(intent: &Intent, expanded: bool) -> Value {
    let refunded: u64 = intent.refunds.iter().sum();
    let charge = match (intent.charges, expanded) {
        (0, _) => Value::Null,
        (number, false) => json!(format!("ch_{number}")),
        (number, true) => json!({
            "id": format!("ch_{number}"),
            "amount_refunded": refunded,
            "refunded": refunded == intent.amount,
            "disputed": !intent.disputes.is_empty(),
        }),
    };
    json!({
        "id": intent.id,
        "object": "payment_intent",
        "status": intent.status,
        "amount": intent.amount,
        "currency": intent.currency,
        "client_secret": format!("{}_secret_strict", intent.id),
        "payment_method": intent.method,
        "metadata": intent.metadata,
        "cancellation_reason": intent.cancellation_reason,
        "last_payment_error": intent.error,
        "latest_charge": charge,
    })
}
