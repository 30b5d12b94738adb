//! PaymentIntents with manual capture as the payment gateway (Stripe documentation, "Place a hold on a payment
//! method").
//!
//! ```text
//!   open ──► requires_payment_method ──► (customer, or authorise) ──► requires_capture ──► capture ──► succeeded
//!                        │                        requires_action ──┘        │                           │
//!                        └────────────── refund: cancel ─────────────────────┘        refund: refund ────┘
//! ```

use std::sync::Arc;

use futures::future::BoxFuture;
use omniflow_domain::money::Money;
use omniflow_domain::order::OrderId;
use omniflow_domain::payment_gateway::{
    AuthoriseError, CaptureError, Charge, Decline, MoneyAt, OpenError, Opened, PaymentGateway, PaymentReport,
    RefundError, Silent,
};

use crate::amount;
use crate::calls::{Error, Stripe};
use crate::intent::{DisputeObject, Intent, List, Refund, Status};

/// The number of times that a payment is looked at which others change meanwhile.
const LOOKS: u32 = 3;
/// The largest number of objects of a list.
const PAGE: &str = "100";

/// Stripe as the payment gateway.
#[derive(Clone)]
pub struct StripeGateway(Arc<Stripe>);

impl StripeGateway {
    /// The gateway that calls this API.
    pub fn new(stripe: Arc<Stripe>) -> Self {
        Self(stripe)
    }

    async fn create(&self, charge: Charge<'_>, units: u64) -> Result<Intent, Error> {
        let (amount, order) = (units.to_string(), charge.order.as_str());
        let currency = charge.amount.currency().code().to_ascii_lowercase();
        let form = [
            ("amount", amount.as_str()),
            ("currency", &currency),
            ("capture_method", "manual"),
            // Wallets on the customer's device are cards, too. Other methods can't be held, or send the
            // customer elsewhere.
            ("payment_method_types[0]", "card"),
            ("metadata[order_id]", order),
        ];
        self.0.post("/v1/payment_intents", &form, &key(charge, "open")).await
    }

    async fn opened(&self, intent: Intent) -> Result<Opened, Error> {
        Ok(Opened {
            publishable_key: self.0.credentials().await?.publishable_key,
            payment: intent.id,
            client_secret: intent.client_secret,
            units: intent.amount,
        })
    }

    async fn open_payment(&self, charge: Charge<'_>) -> Result<Opened, OpenError> {
        let units = amount::units(charge.amount).map_err(|error| OpenError::Amount(error.to_string()))?;
        let intent = match charge.payment {
            Some(id) => self.0.intent(id).await,
            None => self.create(charge, units).await,
        };
        let intent = intent.map_err(|error| match error {
            Error::Refused { code, message, .. } if code.starts_with("amount_too_") => {
                OpenError::Amount(message)
            }
            error => OpenError::Unavailable(error.into()),
        })?;
        if intent.status == Status::Canceled {
            return Err(OpenError::Cancelled);
        }
        self.opened(intent).await.map_err(|error| OpenError::Unavailable(error.into()))
    }

    async fn authorise_payment(&self, charge: Charge<'_>) -> Result<Option<String>, AuthoriseError> {
        let id = charge.payment.ok_or_else(|| not_authorised(Error::NotOpened))?;
        let mut intent = self.0.intent(id).await.map_err(not_authorised)?;
        let named = charge.method.filter(|method| intent.payment_method.as_deref() != Some(method));
        let can_confirm = match intent.status {
            Status::RequiresPaymentMethod | Status::RequiresConfirmation => true,
            // By another method than the one that the customer is asked about.
            Status::RequiresAction => named.is_some(),
            _ => false,
        };
        if can_confirm {
            let Some(method) = charge.method else {
                return Err(intent.declined().map_or(AuthoriseError::Unconfirmed, AuthoriseError::Declined));
            };
            intent = match self.confirm(charge, id, intent, method).await {
                Err(error) if error.is_other_state() => self.0.intent(id).await,
                confirmed => confirmed,
            }
            .map_err(not_authorised)?;
        }
        match intent.status {
            Status::RequiresCapture | Status::Succeeded => Ok(intent.payment_method),
            Status::RequiresAction => {
                let opened = self.opened(intent).await.map_err(not_authorised)?;
                Err(AuthoriseError::ActionRequired(opened))
            }
            Status::Canceled => Err(AuthoriseError::Cancelled),
            Status::Processing | Status::RequiresConfirmation => Err(AuthoriseError::Timeout),
            Status::RequiresPaymentMethod => {
                Err(AuthoriseError::Declined(intent.declined().unwrap_or(Decline::Refused)))
            }
        }
    }

    /// Confirms the payment by this method. Each attempt has a number, which is kept at Stripe before it is
    /// made: a repeat of an attempt whose answer was lost has its idempotency key, and the next attempt, by
    /// the same card perhaps, has another one and doesn't get the earlier one's answer.
    async fn confirm(
        &self,
        charge: Charge<'_>,
        id: &str,
        intent: Intent,
        method: &str,
    ) -> Result<Intent, Error> {
        let mut attempt = intent.attempts();
        let is_begun = attempt > 0
            && intent.status == Status::RequiresConfirmation
            && intent.payment_method.as_deref() == Some(method);
        if !is_begun {
            attempt += 1;
            let number = attempt.to_string();
            let form = [("payment_method", method), ("metadata[attempt]", number.as_str())];
            let purpose = format!("method-{attempt}-{method}");
            let _: Intent =
                self.0.post(&format!("/v1/payment_intents/{id}"), &form, &key(charge, &purpose)).await?;
        }
        let path = format!("/v1/payment_intents/{id}/confirm");
        self.0.post(&path, &[], &key(charge, &format!("confirm-{attempt}"))).await
    }

    async fn capture_payment(&self, charge: Charge<'_>) -> Result<(), CaptureError> {
        let id = charge.payment.ok_or_else(|| not_captured(Error::NotOpened))?;
        for _ in 0..LOOKS {
            let intent = self.0.intent(id).await.map_err(not_captured)?;
            match intent.status {
                Status::Succeeded => return Ok(()),
                Status::Processing => return Err(CaptureError::Timeout),
                Status::Canceled if intent.has_expired() => {
                    return Err(CaptureError::Declined(Decline::HoldExpired));
                }
                Status::Canceled => return Err(CaptureError::Voided),
                Status::RequiresCapture => {
                    let path = format!("/v1/payment_intents/{id}/capture");
                    match self.0.post::<Intent>(&path, &[], &key(charge, "capture")).await {
                        Ok(captured) if captured.status == Status::Succeeded => return Ok(()),
                        Ok(_) => return Err(CaptureError::Timeout),
                        Err(error) if error.is_other_state() => {}
                        Err(error) => return Err(not_captured(error)),
                    }
                }
                // The order brought its method, and its customer isn't there to be asked.
                Status::RequiresPaymentMethod | Status::RequiresConfirmation | Status::RequiresAction => {
                    self.authorise_payment(charge).await.map_err(not_held)?;
                }
            }
        }
        Err(CaptureError::Timeout)
    }

    async fn refund_payment(&self, charge: Charge<'_>) -> Result<bool, RefundError> {
        // Nobody can confirm a payment that was never opened.
        let Some(id) = charge.payment else { return Ok(false) };
        for _ in 0..LOOKS {
            let intent = self.0.intent(id).await.map_err(not_refunded)?;
            match intent.status {
                Status::Canceled => return Ok(false),
                Status::Processing => return Err(RefundError::Timeout),
                Status::Succeeded if intent.is_returned() => return Ok(true),
                Status::Succeeded => {
                    self.give_back(charge, id, None).await?;
                    return Ok(true);
                }
                before => {
                    if self.cancel(charge, id, before).await.map_err(not_refunded)?.is_some() {
                        return Ok(false);
                    }
                }
            }
        }
        Err(RefundError::Timeout)
    }

    async fn void_payment(&self, charge: Charge<'_>) -> Result<PaymentReport, Error> {
        // Nobody can confirm a payment that was never opened.
        let Some(id) = charge.payment else { return Ok(PaymentReport::of(MoneyAt::Customer)) };
        for _ in 0..LOOKS {
            let intent = self.0.intent(id).await?;
            let settled = match intent.status {
                Status::Canceled | Status::Succeeded => Some(intent),
                Status::Processing => None,
                before => self.cancel(charge, id, before).await?,
            };
            if let Some(intent) = settled {
                return self.report_of(&intent).await;
            }
        }
        Err(Error::Undecided)
    }

    /// Cancels the payment that was in this state. `None` when it has come to another state meanwhile.
    async fn cancel(&self, charge: Charge<'_>, id: &str, before: Status) -> Result<Option<Intent>, Error> {
        // A refusal is kept with its key for a day; in another state it is another call.
        let key = key(charge, &format!("cancel-{before:?}"));
        match self.0.post(&format!("/v1/payment_intents/{id}/cancel"), &[], &key).await {
            Ok(intent) => Ok(Some(intent)),
            Err(error) if error.is_other_state() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives back a part, or, without one, what is left. Each refund of what is left has the number of those
    /// before it in its key, so that it can be tried again when one has failed, which may show days later. A refund of a
    /// part says its purpose at Stripe, by which it is found when its key is forgotten there, a day or more later.
    async fn give_back(
        &self,
        charge: Charge<'_>,
        id: &str,
        part: Option<(Money, &str)>,
    ) -> Result<(), RefundError> {
        let query = [("payment_intent", id), ("limit", PAGE)];
        let before: List<Refund> = self.0.get("/v1/refunds", &query).await.map_err(not_refunded)?;
        let mut form = vec![("payment_intent", id)];
        let units;
        let purpose = match part {
            Some((part, purpose)) => {
                let for_this = before.data.iter().filter(|refund| refund.is_for(purpose));
                if for_this.clone().any(|refund| !refund.failed()) {
                    return Ok(());
                }
                units =
                    amount::units(part).map_err(|error| RefundError::Unavailable(error.into()))?.to_string();
                form.extend([("amount", units.as_str()), ("metadata[purpose]", purpose)]);
                format!("refund-part-{purpose}-{}", for_this.count())
            }
            None => format!("refund-{}", before.data.len()),
        };
        match self.0.post::<Refund>("/v1/refunds", &form, &key(charge, &purpose)).await {
            Ok(refund) if refund.failed() => Err(RefundError::Refused),
            Ok(_) => Ok(()),
            Err(error) if error.code() == "charge_already_refunded" && part.is_none() => Ok(()),
            Err(error) => Err(not_refunded(error)),
        }
    }

    async fn report_of(&self, intent: &Intent) -> Result<PaymentReport, Error> {
        let disputed = intent.latest_charge.as_ref().is_some_and(|charge| charge.disputed);
        let disputes: List<DisputeObject> = if disputed {
            self.0.get("/v1/disputes", &[("payment_intent", intent.id.as_str()), ("limit", PAGE)]).await?
        } else {
            List { data: Vec::new() }
        };
        Ok(intent.report(&disputes.data))
    }

    async fn report_payment(&self, charge: Charge<'_>) -> Result<PaymentReport, Error> {
        match charge.payment {
            None => Ok(PaymentReport::of(MoneyAt::Customer)),
            Some(id) => self.report_of(&self.0.intent(id).await?).await,
        }
    }

    async fn find_payment(&self, payment: &str) -> Result<Option<(OrderId, PaymentReport)>, Error> {
        let intent = match self.0.intent(payment).await {
            Err(error) if error.code() == "resource_missing" => return Ok(None),
            intent => intent?,
        };
        // Others may use the same account.
        let Some(order) = intent.order() else { return Ok(None) };
        Ok(Some((order, self.report_of(&intent).await?)))
    }
}

impl PaymentGateway for StripeGateway {
    fn open<'a>(&'a self, charge: Charge<'a>) -> BoxFuture<'a, Result<Option<Opened>, OpenError>> {
        Box::pin(async move { self.open_payment(charge).await.map(Some) })
    }

    fn authorise<'a>(&'a self, charge: Charge<'a>) -> BoxFuture<'a, Result<Option<String>, AuthoriseError>> {
        Box::pin(self.authorise_payment(charge))
    }

    fn capture<'a>(&'a self, charge: Charge<'a>) -> BoxFuture<'a, Result<(), CaptureError>> {
        Box::pin(self.capture_payment(charge))
    }

    fn refund<'a>(&'a self, charge: Charge<'a>) -> BoxFuture<'a, Result<bool, RefundError>> {
        Box::pin(self.refund_payment(charge))
    }

    fn refund_part<'a>(
        &'a self,
        charge: Charge<'a>,
        part: Money,
        purpose: &'a str,
    ) -> BoxFuture<'a, Result<(), RefundError>> {
        Box::pin(async move {
            let id = charge.payment.ok_or_else(|| not_refunded(Error::NotOpened))?;
            self.give_back(charge, id, Some((part, purpose))).await
        })
    }

    fn void<'a>(&'a self, charge: Charge<'a>) -> BoxFuture<'a, Result<PaymentReport, Silent>> {
        Box::pin(async move { self.void_payment(charge).await.map_err(|error| Silent(error.into())) })
    }

    fn report<'a>(&'a self, charge: Charge<'a>) -> BoxFuture<'a, Result<PaymentReport, Silent>> {
        Box::pin(async move { self.report_payment(charge).await.map_err(|error| Silent(error.into())) })
    }

    fn find<'a>(
        &'a self,
        payment: &'a str,
    ) -> BoxFuture<'a, Result<Option<(OrderId, PaymentReport)>, Silent>> {
        Box::pin(async move { self.find_payment(payment).await.map_err(|error| Silent(error.into())) })
    }
}

/// The idempotency key of a call: the order, and what the call is for.
fn key(charge: Charge<'_>, purpose: &str) -> String {
    format!("{}-{purpose}", charge.order)
}

fn not_authorised(error: Error) -> AuthoriseError {
    match error {
        Error::Refused { decline, .. } if error.is_decline() => AuthoriseError::Declined(decline),
        Error::Refused { ref param, ref message, .. } if param == "payment_method" => {
            AuthoriseError::BadMethod(message.clone())
        }
        Error::Refused { ref code, ref message, .. } if code == "resource_missing" => {
            AuthoriseError::BadMethod(message.clone())
        }
        error if error.is_open() => AuthoriseError::Timeout,
        error => AuthoriseError::Unavailable(error.into()),
    }
}

fn not_captured(error: Error) -> CaptureError {
    match error {
        Error::Refused { decline, .. } if error.is_decline() || decline == Decline::HoldExpired => {
            CaptureError::Declined(decline)
        }
        error if error.is_open() => CaptureError::Timeout,
        error => CaptureError::Unavailable(error.into()),
    }
}

/// Why the money of an order that brought its method is not held, when it was to be taken.
fn not_held(error: AuthoriseError) -> CaptureError {
    match error {
        AuthoriseError::Declined(decline) => CaptureError::Declined(decline),
        AuthoriseError::ActionRequired(_) => CaptureError::Declined(Decline::NotAuthenticated),
        AuthoriseError::Unconfirmed => CaptureError::Declined(Decline::Refused),
        AuthoriseError::BadMethod(_) => CaptureError::Declined(Decline::WrongDetails),
        AuthoriseError::Cancelled => CaptureError::Voided,
        AuthoriseError::Timeout => CaptureError::Timeout,
        AuthoriseError::Unavailable(error) => CaptureError::Unavailable(error),
    }
}

fn not_refunded(error: Error) -> RefundError {
    match error {
        // Nothing helps but a person: the charge is disputed, for instance, or the account's balance too low.
        Error::Refused { .. } => RefundError::Refused,
        error if error.is_open() => RefundError::Timeout,
        error => RefundError::Unavailable(error.into()),
    }
}
