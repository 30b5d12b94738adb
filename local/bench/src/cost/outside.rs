//! What stands outside of AWS: a Stripe in memory, and warehouses' servers that take every request and answer by a
//! message later.

use std::sync::Arc;

use futures::future::BoxFuture;
use http::{HeaderMap, StatusCode};
use omniflow::functions::Clients;
use omniflow_http_client::{Answer, Error, Http, Post};
use omniflow_services::{Secret, Secrets, ServiceError};
use serde_json::json;
use strict_stripe::StrictStripe;

/// The ARN of the secret with Stripe's keys.
pub(crate) const STRIPE_SECRET: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:stripe-AbCdEf";
/// The ARN of the secret with those that the shop shares with its warehouses.
pub(crate) const WAREHOUSE_SECRET: &str =
    "arn:aws:secretsmanager:us-east-1:000000000000:secret:warehouses-AbCdEf";
/// The secret of every warehouse.
const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Stripe and the warehouses. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Outside {
    pub(crate) stripe: Arc<StrictStripe>,
}

impl Outside {
    /// The clients, which reach what stands here in place of the internet.
    pub(crate) fn reached_by(&self, clients: Clients) -> Clients {
        let stripe = Arc::clone(&self.stripe);
        Clients { web: stripe, http: Arc::new(Warehouses), secrets: Arc::new(Kept), ..clients }
    }
}

struct Warehouses;

impl Http for Warehouses {
    fn post(&self, _: Post) -> BoxFuture<'_, Result<Answer, Error>> {
        let answer =
            Answer { status: StatusCode::ACCEPTED, headers: HeaderMap::new(), body: Vec::new().into() };
        Box::pin(async { Ok(answer) })
    }
}

/// The secret store.
struct Kept;

impl Secrets for Kept {
    fn get<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Secret, ServiceError>> {
        let secret = match id {
            WAREHOUSE_SECRET => Secret::new(json!({ "wh-east": KEY }).to_string()),
            _ => strict_stripe::keys(),
        };
        Box::pin(async { Ok(secret) })
    }
}
