//! Orders whose customers pay at Stripe: a strict one in memory, which loses answers and fails on demand.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use ambient::{Clock as _, ManualClock};
use omniflow_domain::order::{PaymentNews, PaymentState};
use omniflow_domain::{OrderId, Status};
use omniflow_testing::{At, HttpAnswer, Shop, Walk};
use serde_json::{Value, json};
use strict_stripe::{Fault, Moved, StrictStripe, WEBHOOK_SECRET};

const STOCK: [(&str, &str, u32); 2] = [("ring", "wh-east", 9), ("fragile-vase", "wh-west", 9)];
/// The price of a ring in cents.
const PRICE: u64 = 1000;
const TAKEN: Moved = Moved { held: 0, taken: PRICE, returned: 0 };
const HELD: Moved = Moved { held: PRICE, taken: 0, returned: 0 };
const NOTHING: Moved = Moved { held: 0, taken: 0, returned: 0 };
const CAPTURABLE: &str = "payment_intent.amount_capturable_updated";

/// An order of a ring at a shop with Stripe.
struct Case {
    shop: Shop,
    stripe: Arc<StrictStripe>,
    clock: ManualClock,
    id: OrderId,
    walk: Walk,
}

impl Case {
    /// The order waits for its payment.
    async fn waiting() -> Self {
        let (shop, stripe, clock) = Shop::with_stripe(&STOCK);
        let order = json!({ "items": ["ring"], "email": "ann@example.com" });
        let id = shop.place(order).await;
        let mut walk = Walk::until(&shop, &id, "AwaitPayment").await;
        walk.step(&shop).await;
        Self { shop, stripe, clock, id, walk }
    }

    /// As [`Case::waiting`], with a payment that a page can confirm.
    async fn opened() -> (Self, String) {
        let case = Self::waiting().await;
        let opened = case.post("payment", json!({})).await;
        assert_eq!(opened.status, 200, "{}", opened.body);
        let payment = opened.body["payment_id"].as_str().unwrap().to_owned();
        (case, payment)
    }

    /// The order is completed, and its money taken.
    async fn completed() -> (Self, String) {
        let (case, payment) = Self::opened().await;
        assert_eq!(case.pay("pm_card_visa").await.status, 200);
        case.to_the_end().await.unwrap();
        (case, payment)
    }

    /// Whether another execution than the first was started to close the window.
    async fn asks_again(&self) -> bool {
        let name = format!("{}-{}-0", self.id, self.shop.order(&self.id).await.timeline().len());
        self.shop.aws.started("PaymentWindowStateMachine", &name).is_some()
    }

    async fn post(&self, call: &str, body: Value) -> HttpAnswer {
        self.shop.http_in("en", "POST", &format!("/api/v1/orders/{}/{call}", self.id), body).await
    }

    async fn pay(&self, method: &str) -> HttpAnswer {
        self.post("pay", json!({ "method": method })).await
    }

    async fn hear(&self, kind: &str, payment: &str) -> u64 {
        let (body, signature) = self.stripe.event(kind, payment, self.clock.now());
        self.shop.hear(&body, &signature).await
    }

    async fn to_the_end(&self) -> Result<(), String> {
        self.walk.clone().to_the_end(&self.shop).await
    }

    async fn status(&self) -> Status {
        self.shop.order(&self.id).await.status()
    }

    async fn news(&self) -> Vec<PaymentNews> {
        self.shop.order(&self.id).await.payment().history.iter().map(|entry| entry.news).collect()
    }
}

fn problem(answer: &HttpAnswer) -> (u64, &str) {
    let kind = answer.body["type"].as_str().unwrap();
    (answer.status, kind.strip_prefix("urn:omniflow:problem:").unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_page_confirms_the_payment_and_stripes_word_pays_the_order() {
    let (case, payment) = Case::opened().await;
    let again = case.post("payment", json!({})).await;
    assert_eq!(
        again.body,
        json!({
            "order_id": case.id, "provider": "stripe", "payment_id": payment,
            "client_secret": format!("{payment}_secret_strict"), "publishable_key": strict_stripe::PUBLISHABLE_KEY,
            "amount": 10, "currency": "USD", "amount_in_units": PRICE,
            "deadline": again.body["deadline"],
        })
    );
    case.stripe.confirm_on_page(&payment, "pm_card_visa");
    let (body, signature) = case.stripe.event(CAPTURABLE, &payment, case.clock.now());
    for _ in 0..3 {
        assert_eq!(case.shop.hear(&body, &signature).await, 200);
    }
    assert_eq!(case.status().await, Status::PaymentReceived);
    case.to_the_end().await.unwrap();
    assert_eq!((case.status().await, case.stripe.money(&payment)), (Status::Completed, TAKEN));
    assert_eq!(case.hear("payment_intent.succeeded", &payment).await, 200);
    assert_eq!(case.stripe.payments(case.id.as_str()), [payment]);
    assert!(case.news().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_server_confirms_a_method_that_the_page_has_made() {
    let case = Case::waiting().await;
    let paid = case.pay("pm_card_visa").await;
    assert_eq!((paid.status, &paid.body["state"]), (200, &json!("PAYMENT_RECEIVED")), "{}", paid.body);
    assert_eq!(paid.body["payment"]["method"], "pm_card_visa");
    let payment = case.stripe.payments(case.id.as_str()).remove(0);
    assert_eq!(case.stripe.money(&payment), HELD);
    case.to_the_end().await.unwrap();
    assert_eq!((case.status().await, case.stripe.money(&payment)), (Status::Completed, TAKEN));
    assert_eq!(problem(&case.pay("pm_card_visa").await), (409, "wrong-state"));
}

#[tokio::test(start_paused = true)]
async fn a_declined_card_is_told_in_the_customers_words_and_another_one_may_pay() {
    let case = Case::waiting().await;
    for (language, words) in [("en", "not enough money"), ("zh", "余额不足"), ("ru", "недостаточно средств")]
    {
        let body = json!({ "method": "pm_card_insufficient" });
        let path = format!("/api/v1/orders/{}/pay", case.id);
        let declined = case.shop.http_in(language, "POST", &path, body).await;
        assert_eq!(problem(&declined), (402, "payment-declined"));
        assert!(declined.body["detail"].as_str().unwrap().contains(words), "{}", declined.body);
        assert_eq!(declined.body["reason"], "INSUFFICIENT_FUNDS");
    }
    assert_eq!(problem(&case.pay("pm_card_chargeDeclined").await), (402, "payment-declined"));
    let payment = case.stripe.payments(case.id.as_str()).remove(0);
    assert_eq!(case.hear("payment_intent.payment_failed", &payment).await, 200);
    assert_eq!(
        (case.status().await, case.news().await),
        (Status::AwaitingPayment, vec![PaymentNews::Declined])
    );
    assert_eq!(case.pay("pm_card_visa").await.status, 200);
    // Word of the attempt that failed comes when the next one has succeeded.
    assert_eq!(case.hear("payment_intent.payment_failed", &payment).await, 200);
    case.to_the_end().await.unwrap();
    assert_eq!((case.status().await, case.stripe.money(&payment)), (Status::Completed, TAKEN));
}

#[tokio::test(start_paused = true)]
async fn what_only_the_customer_can_do_is_left_to_their_page() {
    let case = Case::waiting().await;
    for body in [json!({}), json!({ "method": "pm_card_3ds" }), json!({ "method": "pm_card_3ds" })] {
        let asked = case.post("pay", body).await;
        assert_eq!(problem(&asked), (402, "payment-action-required"));
        let payment = asked.body["payment_id"].as_str().unwrap();
        assert_eq!(asked.body["client_secret"], format!("{payment}_secret_strict"));
        assert_eq!(asked.body["publishable_key"], strict_stripe::PUBLISHABLE_KEY);
    }
    let payment = case.stripe.payments(case.id.as_str()).remove(0);
    case.stripe.authenticate(&payment, false);
    let failed = case.post("pay", json!({})).await;
    assert_eq!(
        (problem(&failed), &failed.body["reason"]),
        ((402, "payment-declined"), &json!("NOT_AUTHENTICATED"))
    );
    assert_eq!(problem(&case.pay("pm_card_3ds").await), (402, "payment-action-required"));
    case.stripe.authenticate(&payment, true);
    // The page needn't wait for Stripe's word.
    let paid = case.post("pay", json!({})).await;
    assert_eq!((paid.status, &paid.body["state"]), (200, &json!("PAYMENT_RECEIVED")));
    assert_eq!(case.stripe.money(&payment), HELD);
    assert_eq!(case.pay("no method").await.status, 400);
}

#[tokio::test(start_paused = true)]
async fn a_method_that_stripe_does_not_know_is_refused_with_its_reason() {
    let case = Case::waiting().await;
    for (method, words) in [("pm_gone", "No such PaymentMethod"), ("pm-gone", "pm_1Nx"), ("", "pm_1Nx")] {
        let refused = case.pay(method).await;
        assert_eq!(problem(&refused), (400, "bad-request"), "{method}");
        assert!(refused.body["detail"].as_str().unwrap().contains(words), "{}", refused.body);
    }
    assert_eq!(case.status().await, Status::AwaitingPayment);
}

#[tokio::test(start_paused = true)]
async fn whatever_answer_is_lost_money_moves_once() {
    let calls: [(&str, &[&str]); 6] = [
        ("POST /v1/payment_intents", &["completed", "refunded", "cancelled"]),
        ("GET /v1/payment_intents", &["completed", "refunded", "cancelled"]),
        ("/confirm", &["completed"]),
        ("/capture", &["completed", "refunded"]),
        ("/cancel", &["cancelled"]),
        ("/v1/refunds", &["refunded"]),
    ];
    for (call, ends) in calls {
        for end in ends {
            // Once is made up for by the call itself, three times by whoever calls again.
            disturbed(call, Fault::AnswerLost, 1, end).await;
            for fault in [Fault::AnswerLost, Fault::NotReached, Fault::Status(429), Fault::Status(500)] {
                disturbed(call, fault, 3, end).await;
            }
        }
    }
}

/// An order whose calls fail so often, and are made again as people and the workflow do.
async fn disturbed(call: &str, fault: Fault, times: u32, end: &str) {
    let case = Case::waiting().await;
    let about = format!("{call} {fault:?} {times} {end}");
    case.stripe.fail(call, fault, times);
    let mut paid = case.pay("pm_card_visa").await;
    for _ in 0..4 {
        if paid.status == 503 {
            paid = case.pay("pm_card_visa").await;
        }
    }
    assert_eq!(paid.status, 200, "{about}: {}", paid.body);
    if end == "cancelled" {
        assert_eq!(case.post("cancel", json!({})).await.status, 200);
    }
    let mut captured = case.shop.forward("capture-payment", &case.id).await;
    for _ in 0..4 {
        match &captured {
            Err(fault) if fault.error_type == "GatewayTimeout" => {
                captured = case.shop.forward("capture-payment", &case.id).await;
            }
            _ => {}
        }
    }
    assert_eq!(captured.is_ok(), end != "cancelled", "{about}: {captured:?}");
    if end != "completed" {
        let mut undone = case.shop.undo("refund-payment", &case.id, "ShipmentFailed").await;
        for _ in 0..4 {
            if undone.is_err() {
                undone = case.shop.undo("refund-payment", &case.id, "ShipmentFailed").await;
            }
        }
        undone.unwrap_or_else(|fault| panic!("{about}: {fault:?}"));
    }
    let payments = case.stripe.payments(case.id.as_str());
    assert_eq!(payments.len(), 1, "{about}");
    let (moved, state) = match end {
        "completed" => (TAKEN, PaymentState::Captured),
        "refunded" => (Moved { returned: PRICE, ..TAKEN }, PaymentState::Refunded),
        _ => (NOTHING, PaymentState::Void),
    };
    assert_eq!(case.stripe.money(&payments[0]), moved, "{about}");
    assert_eq!(case.shop.order(&case.id).await.payment().state, state, "{about}");
}

#[tokio::test(start_paused = true)]
async fn an_order_that_brought_its_method_is_paid_without_anybody_waiting() {
    for (method, status, moved) in [
        ("pm_card_visa", Status::Completed, TAKEN),
        ("pm_card_chargeDeclined", Status::Cancelled, NOTHING),
        ("pm_card_3ds", Status::Cancelled, NOTHING),
        ("pm_gone", Status::Cancelled, NOTHING),
    ] {
        let (shop, stripe, _) = Shop::with_stripe(&STOCK);
        let id = shop.place(json!({ "items": ["ring"], "payment": { "method": method } })).await;
        Walk::of(&id).to_the_end(&shop).await.unwrap();
        let payment = stripe.payments(id.as_str()).remove(0);
        assert_eq!((shop.order(&id).await.status(), stripe.money(&payment)), (status, moved), "{method}");
        let ended = if status == Status::Completed { "succeeded" } else { "canceled" };
        assert_eq!(stripe.status(&payment), ended, "{method}: what was not paid can't be paid later");
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_that_can_not_be_shipped_gives_its_money_back() {
    let (shop, stripe, _) = Shop::with_stripe(&STOCK);
    let order = json!({ "items": ["ring", "fragile-vase"], "payment": { "method": "pm_card_visa" } });
    let id = shop.place(order).await;
    Walk::of(&id).to_the_end(&shop).await.unwrap();
    let payment = stripe.payments(id.as_str()).remove(0);
    assert_eq!(stripe.money(&payment), Moved { held: 0, taken: 2 * PRICE, returned: 2 * PRICE });
    let order = shop.order(&id).await;
    assert_eq!((order.status(), order.payment().state), (Status::Cancelled, PaymentState::Refunded));
    assert!(order.payment().history.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_window_that_is_about_to_close_asks_stripe_first() {
    // Confirmed, and no word came.
    let (case, payment) = Case::opened().await;
    case.stripe.confirm_on_page(&payment, "pm_card_visa");
    case.shop.pass_deadline(&case.id).await;
    case.shop.forward("close-payment-window", &case.id).await.unwrap();
    assert_eq!(case.status().await, Status::PaymentReceived);
    case.to_the_end().await.unwrap();
    assert_eq!((case.status().await, case.stripe.money(&payment)), (Status::Completed, TAKEN));

    // Not confirmed: it can't be any more, also when Stripe fails at first.
    let (case, payment) = Case::opened().await;
    case.shop.pass_deadline(&case.id).await;
    case.stripe.fail("GET", Fault::Status(503), 2);
    let silent = case.shop.forward("close-payment-window", &case.id).await.unwrap_err();
    assert_eq!(
        (silent.error_type.as_str(), case.status().await),
        ("GatewayTimeout", Status::AwaitingPayment)
    );
    case.stripe.fail("/cancel", Fault::NotReached, 2);
    case.shop.forward("close-payment-window", &case.id).await.unwrap_err();
    assert_eq!(
        (case.status().await, case.stripe.status(&payment)),
        (Status::Compensating, "requires_payment_method")
    );
    case.shop.forward("close-payment-window", &case.id).await.unwrap();
    assert_eq!(case.stripe.status(&payment), "canceled");
    case.to_the_end().await.unwrap();
    assert_eq!((case.status().await, case.stripe.money(&payment)), (Status::Cancelled, NOTHING));
}

/// The execution fails while the order waits, and a person has it go on when the time to be paid is over.
#[tokio::test(start_paused = true)]
async fn an_order_that_failed_while_it_waited_goes_on_with_what_stripe_says() {
    for (paid, heard, closed) in
        [(true, true, false), (true, false, true), (true, false, false), (false, false, true)]
    {
        let (mut case, payment) = Case::opened().await;
        case.shop.aws.end_execution(case.id.as_str(), "StoreUnavailable", None);
        case.shop.execution_failed(case.id.as_str()).await;
        if paid {
            case.stripe.confirm_on_page(&payment, "pm_card_visa");
        }
        if heard {
            assert_eq!(case.hear(CAPTURABLE, &payment).await, 200);
        }
        case.shop.pass_deadline(&case.id).await;
        if closed {
            case.shop.forward("close-payment-window", &case.id).await.unwrap();
        }
        assert_eq!(case.status().await, Status::NeedsAttention);
        assert_eq!(case.post("retry", json!({})).await.status, 200);
        case.walk.redrive(&case.shop);
        case.walk.step(&case.shop).await;
        if !(heard || paid && closed) {
            assert!(case.asks_again().await, "the execution of before has ended");
            case.shop.forward("close-payment-window", &case.id).await.unwrap();
        }
        case.to_the_end().await.ok();
        let (status, money) = if paid { (Status::Completed, TAKEN) } else { (Status::Cancelled, NOTHING) };
        assert_eq!((case.status().await, case.stripe.money(&payment)), (status, money), "{heard} {closed}");
        assert_eq!(case.stripe.status(&payment), if paid { "succeeded" } else { "canceled" });
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_else_closes_a_window_while_stripe_is_silent() {
    let (case, payment) = Case::opened().await;
    case.stripe.confirm_on_page(&payment, "pm_card_visa");
    case.stripe.fail("GET", Fault::NotReached, u32::MAX);
    case.clock.advance(std::time::Duration::from_secs(6 * 3600));
    case.shop.forward("close-payment-window", &case.id).await.unwrap_err();
    case.shop.invoke("reconcile-orders", json!({})).await.unwrap();
    assert!(case.asks_again().await, "another execution asks");
    case.shop.wait("open-payment-window", &case.id, "another token").await.unwrap();
    assert_eq!(case.status().await, Status::AwaitingPayment);
    let found = case.shop.http("GET", "/api/v1/doctor", Value::Null).await.body;
    assert!(found.to_string().contains("WINDOW_NOT_CLOSED"), "a person is told: {found}");
    case.stripe.heal();
    case.shop.forward("close-payment-window", &case.id).await.unwrap();
    assert_eq!((case.status().await, case.stripe.money(&payment)), (Status::PaymentReceived, HELD));
}

#[tokio::test(start_paused = true)]
async fn money_that_comes_too_late_goes_back_by_itself_and_the_customer_is_told_once() {
    for captured in [false, true] {
        let (case, payment) = Case::opened().await;
        assert_eq!(case.post("cancel", json!({})).await.status, 200);
        case.to_the_end().await.unwrap();
        assert_eq!((case.status().await, case.stripe.status(&payment)), (Status::Cancelled, "canceled"));
        case.stripe.arrive_late(&payment);
        if captured {
            case.stripe.capture_in_dashboard(&payment);
        }
        // The bus fails when the event comes first, and Stripe sends it again.
        let (body, signature) = case.stripe.event(CAPTURABLE, &payment, case.clock.now());
        case.shop.aws.fail("PutEvents", "InternalFailure");
        assert_eq!(case.shop.hear(&body, &signature).await, 500);
        case.shop.aws.heal();
        let told = case.shop.aws.events().len();
        for _ in 0..2 {
            assert_eq!(case.shop.hear(&body, &signature).await, 200);
        }
        let returned = if captured { PRICE } else { 0 };
        let moved = case.stripe.money(&payment);
        assert_eq!((moved.held, moved.taken, moved.returned), (0, returned, returned));
        assert_eq!(
            (case.status().await, case.news().await),
            (Status::Cancelled, vec![PaymentNews::LateReturned])
        );
        let state = if captured { PaymentState::Refunded } else { PaymentState::Void };
        assert_eq!(case.shop.order(&case.id).await.payment().state, state);
        let events = case.shop.aws.events().split_off(told);
        assert!(!events.is_empty() && events.iter().all(|event| event["event_id"] == events[0]["event_id"]));
        assert_eq!((&events[0]["news"], &events[0]["amount"]), (&json!("LATE_RETURNED"), &json!("10.00")));
        let schema = include_str!("../../../functions/domain/events/order-payment-changed.schema.json");
        check(schema, &events[0]);
        let mut sent = 0;
        for event in &events {
            let told = case.shop.invoke("notify-customer", json!({ "detail": event })).await.unwrap();
            sent += usize::from(told["message_id"].is_string());
        }
        assert_eq!(sent, 1, "a repeated event is told once");
        let shown = case.shop.http_in("en", "GET", &format!("/api/v1/orders/{}", case.id), Value::Null).await;
        assert_eq!(shown.body["payment"]["history"][0]["status"], "Paid too late, and given back");
    }
}

/// Checks an event against the schema that says what it looks like.
fn check(schema: &str, event: &Value) {
    let mut compiler = boon::Compiler::new();
    let mut schemas = boon::Schemas::new();
    compiler.add_resource("schema.json", serde_json::from_str(schema).unwrap()).unwrap();
    let schema = compiler.compile("schema.json", &mut schemas).unwrap();
    schemas.validate(event, schema).unwrap_or_else(|error| panic!("{error}: {event}"));
}

#[tokio::test(start_paused = true)]
async fn what_is_done_in_stripes_dashboard_is_noted() {
    let (case, payment) = Case::completed().await;
    case.stripe.refund_in_dashboard(&payment, 250);
    assert_eq!(case.hear("charge.refunded", &payment).await, 200);
    let order = case.shop.order(&case.id).await;
    assert_eq!(order.payment().returned.unwrap().to_string(), "2.50");
    assert_eq!(order.payment().state, PaymentState::Captured);
    case.stripe.dispute(&payment, "needs_response");
    assert_eq!(case.hear("charge.dispute.created", &payment).await, 200);
    case.stripe.refund_in_dashboard(&payment, 750);
    assert_eq!(case.hear("charge.refunded", &payment).await, 200);
    case.stripe.dispute(&payment, "lost");
    for _ in 0..2 {
        assert_eq!(case.hear("charge.dispute.closed", &payment).await, 200);
    }
    let news = [
        PaymentNews::ReturnedAtProvider,
        PaymentNews::DisputeOpened,
        PaymentNews::ReturnedAtProvider,
        PaymentNews::DisputeLost,
    ];
    assert_eq!((case.status().await, case.news().await), (Status::Completed, news.to_vec()));
    assert_eq!(case.shop.order(&case.id).await.payment().state, PaymentState::Refunded);
    let path = format!("/api/v1/orders/{}", case.id);
    let shown = case.shop.http("GET", &path, Value::Null).await.body["payment"].clone();
    assert_eq!((&shown["dispute"], &shown["provider_id"]), (&json!("LOST"), &json!(payment)));
    // What is between the shop and its bank is not for the customer.
    case.shop.tamper(&case.id, |order| order.customer_id = Some("ann".to_owned())).await;
    let ann = omniflow_testing::customer("ann");
    let shown = case.shop.http_as(&ann, "GET", &path, Value::Null).await.body["payment"].clone();
    assert!(shown["dispute"].is_null() && shown["provider_id"].is_null(), "{shown}");
    assert_eq!(shown["history"].as_array().unwrap().len(), 2, "{shown}");
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_is_gone_before_the_money_is_taken_undoes_the_order() {
    for reason in [Some("automatic"), None] {
        let (case, payment) = Case::opened().await;
        assert_eq!(case.pay("pm_card_visa").await.status, 200);
        case.stripe.cancel_in_dashboard(&payment, reason);
        assert_eq!(case.hear("payment_intent.canceled", &payment).await, 200);
        case.to_the_end().await.unwrap();
        let order = case.shop.order(&case.id).await;
        assert_eq!(
            (order.status(), order.reason()),
            (Status::Cancelled, Some(omniflow_domain::Reason::PaymentFailed))
        );
        assert_eq!(case.news().await, [PaymentNews::HoldLost]);
        assert_eq!(case.stripe.money(&payment), NOTHING);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_believed_that_is_not_signed() {
    let (case, payment) = Case::opened().await;
    case.stripe.confirm_on_page(&payment, "pm_card_visa");
    let now = case.clock.now();
    let (body, good) = case.stripe.event(CAPTURABLE, &payment, now);
    let (_, old) = case.stripe.event(CAPTURABLE, &payment, now - chrono::TimeDelta::seconds(301));
    let other = omniflow_stripe::signature::sign(
        body.as_bytes(),
        &omniflow_services::Secret::new("whsec_other"),
        now,
    );
    let calls = case.stripe.calls().len();
    for (body, signature) in [
        (body.as_str(), ""),
        (&body, &old),
        (&body, &other),
        (&body.replace("pi_1", "pi_2"), &good),
        ("", &good),
        (&format!("{body} "), &good),
    ] {
        assert_eq!(case.shop.hear(body, signature).await, 400, "{signature}");
    }
    assert_eq!(case.stripe.calls().len(), calls, "nothing is asked for those who are not believed");
    assert_eq!(case.status().await, Status::AwaitingPayment);
    let base64 = base64(body.as_bytes());
    assert_eq!(case.shop.hear_base64(&base64, &good).await, 200);
    assert_eq!(case.status().await, Status::PaymentReceived);
    // What is signed and no event at all.
    let signed =
        omniflow_stripe::signature::sign(b"[]", &omniflow_services::Secret::new(WEBHOOK_SECRET), now);
    assert_eq!(case.shop.hear("[]", &signed).await, 400);
    let simulated = Shop::stocked(&STOCK);
    assert_eq!(simulated.hear(&body, &good).await, 404);
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0u32, |word, byte| (word << 8) | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * place)) as usize & 63] as char;
            text.push(if place <= chunk.len() { digit } else { '=' });
        }
    }
    text
}

#[tokio::test(start_paused = true)]
async fn events_about_others_and_those_that_come_when_stripe_is_down_do_no_harm() {
    let (case, payment) = Case::opened().await;
    // Another system on the same account, an unknown payment, and a kind that nobody wants.
    assert_eq!(case.hear(CAPTURABLE, "pi_99").await, 200);
    assert_eq!(case.hear("customer.created", &payment).await, 200);
    let (elsewhere, other) = Case::opened().await;
    elsewhere.stripe.confirm_on_page(&other, "pm_card_visa");
    let (body, signature) = elsewhere.stripe.event(CAPTURABLE, &other, case.clock.now());
    assert_eq!(case.shop.hear(&body, &signature).await, 200);
    assert_eq!(case.status().await, Status::AwaitingPayment);
    case.stripe.confirm_on_page(&payment, "pm_card_visa");
    case.stripe.fail("GET", Fault::Status(500), 2);
    let (body, signature) = case.stripe.event(CAPTURABLE, &payment, case.clock.now());
    assert_eq!(case.shop.hear(&body, &signature).await, 500);
    for (operation, code) in
        [("PutItem", "ThrottlingException"), ("TransactWriteItems", "ThrottlingException")]
    {
        case.shop.aws.fail(operation, code);
    }
    assert_eq!(case.shop.hear(&body, &signature).await, 500);
    case.shop.aws.heal();
    assert_eq!(case.shop.hear(&body, &signature).await, 200);
    assert_eq!(case.status().await, Status::PaymentReceived);
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_while_the_bank_is_asked_leaves_no_money_held() {
    let (case, payment) = Case::opened().await;
    // The answer of the bank comes when the order is no longer to be paid.
    let held = case.shop.aws.hold("PutItem");
    let Case { shop, stripe, id, walk, .. } = case;
    let shop = Arc::new(shop);
    let (payer, pays) = (Arc::clone(&shop), id.clone());
    let paying = tokio::spawn(async move { payer.pay(&pays, "pm_card_visa").await });
    held.arrived().await;
    assert_eq!(stripe.money(&payment), HELD);
    assert_eq!(shop.decide(&id, "cancel").await.status, 200);
    held.release();
    assert_eq!(paying.await.unwrap().status, 409);
    assert_eq!(stripe.money(&payment), NOTHING);
    walk.to_the_end(&shop).await.unwrap();
    assert_eq!((shop.order(&id).await.status(), stripe.status(&payment)), (Status::Cancelled, "canceled"));
}

#[tokio::test(start_paused = true)]
async fn no_key_and_no_secret_of_a_page_is_stored_or_shown() {
    let (case, payment) = Case::completed().await;
    let mut all =
        case.shop.http("GET", &format!("/api/v1/orders/{}", case.id), Value::Null).await.body.to_string();
    for table in ["OrdersTable", "IdempotencyTable", "SimulatedLedgerTable"] {
        all += &json!(case.shop.items(table)).to_string();
    }
    all += &json!(case.shop.aws.events()).to_string();
    for operation in ["StartExecution", "SendTaskSuccess", "PutItem", "TransactWriteItems"] {
        let calls = case.shop.aws.calls(operation);
        all.extend(calls.iter().map(|call| call.body.to_string()));
    }
    assert!(all.contains(&payment), "the payment's id is");
    for secret in [strict_stripe::API_KEY, WEBHOOK_SECRET, "_secret_strict"] {
        assert!(!all.contains(secret), "{secret}");
    }
}

#[tokio::test(start_paused = true)]
async fn amounts_are_charged_in_stripes_units_and_those_that_can_not_be_are_refused_at_once() {
    for (currency, amount, units) in [("JPY", "1250", 1250), ("KWD", "12.340", 12340), ("ISK", "500", 50000)]
    {
        let sells = [("CURRENCY", currency), ("AUDIT_THRESHOLD", "1000000")];
        let (shop, stripe, _) = Shop::with_stripe_selling(&STOCK, &sells);
        let order = json!({ "items": ["ring"], "amount": amount, "payment": { "method": "pm_card_visa" } });
        let id = shop.place(order).await;
        Walk::of(&id).to_the_end(&shop).await.unwrap();
        let payment = stripe.payments(id.as_str()).remove(0);
        assert_eq!(stripe.money(&payment).taken, units, "{currency}");
    }
    let sells = [("CURRENCY", "KWD"), ("AUDIT_THRESHOLD", "1000000")];
    let (shop, ..) = Shop::with_stripe_selling(&STOCK, &sells);
    for (language, words) in [("en", "such as 12.350"), ("zh", "12.350"), ("ru", "например 12.350")] {
        let body = json!({ "items": ["ring"], "amount": "12.345" });
        let refused = shop.http_in(language, "POST", "/api/v1/orders", body).await;
        assert_eq!(problem(&refused), (400, "bad-request"));
        assert!(refused.body["detail"].as_str().unwrap().contains(words), "{}", refused.body);
    }
}

#[tokio::test(start_paused = true)]
async fn doors_that_know_no_payment_wait_for_it_where_no_method_can_be_assumed() {
    let (shop, ..) = Shop::with_stripe(&STOCK);
    let placed = shop.http("POST", "/api/orders", json!({ "items": ["ring"] })).await;
    assert_eq!(placed.status, 201, "{}", placed.body);
    let id = OrderId::parse(placed.body["order_id"].as_str().unwrap()).unwrap();
    let mut walk = Walk::until(&shop, &id, "AwaitPayment").await;
    walk.step(&shop).await;
    assert!(matches!(walk.at, At::Waiting(..)), "{:?}", walk.at);
}

#[tokio::test(start_paused = true)]
async fn with_the_simulated_provider_there_is_nothing_to_confirm() {
    let shop = Shop::stocked(&STOCK);
    let id = shop.place_one("ring", 1).await;
    let mut walk = Walk::until(&shop, &id, "AwaitPayment").await;
    walk.step(&shop).await;
    let opened = shop.decide(&id, "payment").await;
    assert_eq!((opened.status, &opened.body["provider"]), (200, &json!("simulated")));
    assert!(opened.body["client_secret"].is_null() && opened.body["payment_id"].is_null());
}
