//! The simulated payment gateway. The order is the idempotency key of each call: money is taken once and
//! given back once.

use futures::future::BoxFuture;
use omniflow_domain::order::OrderId;
use omniflow_domain::payment_gateway::{
    AuthoriseError, CaptureError, Charge, Decline, MoneyAt, OpenError, Opened, PaymentReport, RefundError,
    Silent,
};
use omniflow_domain::{Money, PaymentGateway};
use omniflow_services::Item;

use crate::Ledger;
use crate::ledger::Error as LedgerError;

/// The payment methods that the gateway knows.
pub const METHODS: &[&str] = &[
    "pm_card",
    "pm_declined",
    "pm_timeout_twice",
    "pm_timeout_always",
    "pm_refund_fails_twice",
    "pm_refund_fails",
];

/// The payment method of an order that names none.
const DEFAULT_METHOD: &str = "pm_card";

/// The payment gateway, which remembers in a ledger what it did.
#[derive(Clone)]
pub struct SimulatedGateway(Ledger);

impl SimulatedGateway {
    /// Makes a gateway over this ledger.
    pub fn new(ledger: Ledger) -> Self {
        Self(ledger)
    }
}

impl PaymentGateway for SimulatedGateway {
    /// Customers name their method to the shop, so that there is nothing to open.
    fn open<'a>(&'a self, _: Charge<'a>) -> BoxFuture<'a, Result<Option<Opened>, OpenError>> {
        Box::pin(async { Ok(None) })
    }

    /// Every method holds at once; how it behaves shows when the money is taken.
    fn authorise<'a>(&'a self, charge: Charge<'a>) -> BoxFuture<'a, Result<Option<String>, AuthoriseError>> {
        Box::pin(async move { Ok(Some(charge.method.unwrap_or(DEFAULT_METHOD).to_owned())) })
    }

    fn capture<'a>(&'a self, charge: Charge<'a>) -> BoxFuture<'a, Result<(), CaptureError>> {
        let failed = |error: LedgerError| CaptureError::Unavailable(error.into());
        Box::pin(async move {
            self.0.think().await;
            let (entry, amount) = (entry(charge.order), charge.amount);
            match charge.method.unwrap_or(DEFAULT_METHOD) {
                "pm_declined" => return Err(CaptureError::Declined(Decline::Refused)),
                "pm_timeout_always" => return Err(CaptureError::Timeout),
                "pm_timeout_twice"
                    if self.0.attempt(&entry, "capture_attempts").await.map_err(failed)? <= 2 =>
                {
                    return Err(CaptureError::Timeout);
                }
                _ => {}
            }
            match self.0.note(&entry, ("captured", &amount.to_string()), Some("voided")).await {
                Ok(_) => Ok(()),
                Err(LedgerError::Forbidden) => Err(CaptureError::Voided),
                Err(error) => Err(failed(error)),
            }
        })
    }

    fn refund<'a>(&'a self, charge: Charge<'a>) -> BoxFuture<'a, Result<bool, RefundError>> {
        let failed = |error: LedgerError| RefundError::Unavailable(error.into());
        Box::pin(async move {
            self.0.think().await;
            let entry = entry(charge.order);
            let known = self.0.note(&entry, ("voided", "true"), None).await.map_err(failed)?;
            if !known.contains_key("captured") {
                return Ok(false);
            }
            match charge.method {
                Some("pm_refund_fails") => return Err(RefundError::Refused),
                Some("pm_refund_fails_twice")
                    if self.0.attempt(&entry, "refund_attempts").await.map_err(failed)? <= 2 =>
                {
                    return Err(RefundError::Timeout);
                }
                _ => {}
            }
            self.0.note(&entry, ("refunded", "true"), None).await.map_err(failed)?;
            Ok(true)
        })
    }

    fn refund_part<'a>(
        &'a self,
        charge: Charge<'a>,
        part: Money,
        purpose: &'a str,
    ) -> BoxFuture<'a, Result<(), RefundError>> {
        let failed = |error: LedgerError| RefundError::Unavailable(error.into());
        Box::pin(async move {
            self.0.think().await;
            let entry = entry(charge.order);
            match charge.method {
                Some("pm_refund_fails") => return Err(RefundError::Refused),
                Some("pm_refund_fails_twice") => {
                    let counter = format!("attempts_{purpose}");
                    if self.0.attempt(&entry, &counter).await.map_err(failed)? <= 2 {
                        return Err(RefundError::Timeout);
                    }
                }
                _ => {}
            }
            match self.0.note_part(&entry, purpose, part.minor_units(), charge.amount.minor_units()).await {
                Ok(()) => Ok(()),
                Err(LedgerError::Forbidden) => Err(RefundError::Refused),
                Err(error) => Err(failed(error)),
            }
        })
    }

    fn void<'a>(&'a self, charge: Charge<'a>) -> BoxFuture<'a, Result<PaymentReport, Silent>> {
        Box::pin(async move {
            self.0.think().await;
            match self.0.note(&entry(charge.order), ("voided", "true"), Some("captured")).await {
                Ok(known) => Ok(report_of(&known)),
                Err(LedgerError::Forbidden) => Ok(PaymentReport::of(MoneyAt::Shop)),
                Err(error) => Err(Silent(error.into())),
            }
        })
    }

    fn report<'a>(&'a self, charge: Charge<'a>) -> BoxFuture<'a, Result<PaymentReport, Silent>> {
        Box::pin(async move {
            self.0.think().await;
            let known = self.0.known(&entry(charge.order)).await.map_err(|error| Silent(error.into()))?;
            Ok(report_of(&known))
        })
    }

    /// Payments have no ids here by which anybody could ask.
    fn find<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<(OrderId, PaymentReport)>, Silent>> {
        Box::pin(async { Ok(None) })
    }
}

fn report_of(entry: &Item) -> PaymentReport {
    PaymentReport::of(match (entry.contains_key("captured"), entry.contains_key("refunded")) {
        (false, _) => MoneyAt::Customer,
        (true, false) => MoneyAt::Shop,
        (true, true) => MoneyAt::Returned,
    })
}

fn entry(order: &OrderId) -> String {
    format!("payment#{order}")
}
