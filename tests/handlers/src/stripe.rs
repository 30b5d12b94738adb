//! The keys of the strict Stripe, which a function gets if its role lets it.

use std::sync::Arc;

use futures::future::BoxFuture;
use omniflow_services::{Secret, Secrets, ServiceError};
use template::Function;

use crate::aws::Aws;
use crate::servers::{WAREHOUSE_SECRET, warehouse_secrets};

/// The ARN of the secret that holds Stripe's keys.
pub const STRIPE_SECRET: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:stripe-AbCdEf";

/// The secret store, as one function reaches it.
pub(crate) struct Keys {
    pub(crate) aws: Arc<Aws>,
    pub(crate) function: &'static Function,
}

impl Secrets for Keys {
    fn get<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Secret, ServiceError>> {
        if id == WAREHOUSE_SECRET {
            return Box::pin(async { Ok(warehouse_secrets()) });
        }
        self.aws.use_action(self.function, "secretsmanager:GetSecretValue", id);
        Box::pin(async { Ok(strict_stripe::keys()) })
    }
}
