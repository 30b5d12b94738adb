//! Who calls, as the gateway found out, and what they may do.
//!
//! Sources: API Gateway Developer Guide, "Control access to HTTP APIs with JWT authorizers" and "… with IAM";
//! payload format 2.0, `requestContext.authorizer`.

use crate::problem::{Kind, Problem};
use omniflow_domain::Order;
use omniflow_services::{ConfigError, Environment};
use serde_json::Value;

/// Who may make a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Anyone.
    Public,
    /// A customer, for what is theirs; an operator.
    Customer,
    /// An operator.
    Operator,
}

/// Who calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The gateway didn't say.
    #[default]
    Unknown,
    /// A customer, by the subject of their token.
    Customer(String),
    /// Someone with the operators' scope, with an IAM signature, or where access is open, anyone.
    Operator,
}

/// What makes an operator.
pub(crate) struct Doorkeeper {
    open: bool,
    operator_scope: String,
}

impl Doorkeeper {
    pub(crate) fn new(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            open: environment.parse("OPEN_ACCESS")?,
            operator_scope: environment.require("OPERATOR_SCOPE")?.to_owned(),
        })
    }

    /// Who sent the request that this event is.
    pub(crate) fn recognise(&self, event: &Value) -> Caller {
        let authorizer = &event["requestContext"]["authorizer"];
        let claims = &authorizer["jwt"]["claims"];
        match claims["sub"].as_str() {
            Some(_) if self.operates(claims) => Caller::Operator,
            Some(subject) => Caller::Customer(subject.to_owned()),
            None if self.open || authorizer["iam"].is_object() => Caller::Operator,
            None => Caller::Unknown,
        }
    }

    /// Scopes are a text with spaces in `scope` or, with some issuers, `scp`.
    fn operates(&self, claims: &Value) -> bool {
        let scopes = ["scope", "scp"].into_iter().filter_map(|name| claims[name].as_str());
        scopes.flat_map(str::split_whitespace).any(|scope| scope == self.operator_scope)
    }
}

impl Caller {
    /// Refuses who may not make a call of this kind.
    pub(crate) fn check(&self, access: Access) -> Result<(), Problem> {
        match (access, self) {
            (Access::Public, _) | (_, Self::Operator) | (Access::Customer, Self::Customer(_)) => Ok(()),
            (_, Self::Unknown) => Err(Problem::new(
                Kind::Unauthorized,
                "Sign in: send a token as 'Authorization: Bearer …', or sign the request with IAM.",
            )),
            (Access::Operator, Self::Customer(_)) => {
                Err(Problem::new(Kind::Forbidden, "This is for operators: the token lacks their scope."))
            }
        }
    }

    /// Whose orders they see; all, when there is none.
    pub(crate) fn customer(&self) -> Option<&str> {
        match self {
            Self::Customer(customer) => Some(customer),
            Self::Operator | Self::Unknown => None,
        }
    }

    /// Whether the order is one that they see. To all others it doesn't exist.
    pub(crate) fn sees(&self, order: &Order) -> bool {
        self.customer().is_none_or(|customer| order.customer_id.as_deref() == Some(customer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn recognise(open: bool, authorizer: Value) -> Caller {
        let keeper = Doorkeeper { open, operator_scope: "omniflow/operate".to_owned() };
        keeper.recognise(&json!({ "requestContext": { "authorizer": authorizer } }))
    }

    #[test]
    fn the_gateway_says_who_calls() {
        let token = |scope: &str| json!({ "jwt": { "claims": { "sub": "u-1", "scope": scope } } });
        let customer = Caller::Customer("u-1".to_owned());
        assert_eq!(recognise(false, token("openid")), customer);
        assert_eq!(recognise(true, token("")), customer, "open or not, a customer is a customer");
        assert_eq!(recognise(false, token("openid omniflow/operate")), Caller::Operator);
        assert_eq!(recognise(false, token("omniflow/operate2")), customer);
        assert_eq!(recognise(false, json!({ "iam": { "userArn": "arn:…" } })), Caller::Operator);
        assert_eq!(recognise(false, Value::Null), Caller::Unknown);
        assert_eq!(recognise(true, Value::Null), Caller::Operator);
    }
}
