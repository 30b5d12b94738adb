//! The caller of a request, as the gateway recognised them, and what they may do.
//!
//! Sources: API Gateway Developer Guide, "Control access to HTTP APIs with JWT authorizers" and "… with IAM";
//! payload format 2.0, `requestContext.authorizer`.

use omniflow_domain::Email;
use omniflow_domain::order::{Actor, Role};
use omniflow_services::{ConfigError, Environment};
use omniflow_store::LONGEST_PARTITION_KEY;
use serde_json::Value;

use crate::operators::Operators;
use crate::problem::{Kind, Problem};

/// The callers who may make a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Everybody may.
    Public,
    /// Customers may, for what is theirs, and operators.
    Customer,
    /// Operators may.
    Operator,
}

/// The caller of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The gateway recognised nobody.
    #[default]
    Unknown,
    /// The caller has a token whose subject can't name a customer.
    Nameless(BadSubject),
    /// The caller is the customer that the subject of their token names.
    Customer(String),
    /// The caller has an operator's token or an IAM signature, or access is open to everybody.
    Operator(Identity),
}

/// What is known of an operator.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The subject of the token or the ARN of the signer; `None` where access is open and nobody was asked.
    pub id: Option<String>,
    /// The address in the token's claim `email`, unless the issuer says that it is not verified (OpenID Connect Core
    /// 1.0, section 5.1).
    pub email: Option<String>,
}

impl Identity {
    fn of_token(subject: &str, claims: &Value) -> Self {
        let is_unverified = ["false", "0"].iter().any(|no| claims["email_verified"] == **no);
        let is_denied = claims["email_verified"] == false || is_unverified;
        let email = claims["email"].as_str().filter(|email| !is_denied && email.parse::<Email>().is_ok());
        Self { id: Some(subject.to_owned()), email: email.map(str::to_owned) }
    }
}

/// Why the subject of a token can't name a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadSubject {
    /// There is no subject, or nothing but blanks in it.
    #[error("the token's subject ('sub') is empty")]
    Empty,
    /// The subject has this number of bytes, which is too many for the key of an index that orders are found
    /// by.
    #[error("the token's subject ('sub') has {0} bytes, and at most {LONGEST_PARTITION_KEY} are taken")]
    TooLong(usize),
}

/// Recognises the callers of requests.
pub(crate) struct Doorkeeper {
    open: bool,
    operators: Operators,
}

impl Doorkeeper {
    pub(crate) fn new(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { open: environment.parse("OPEN_ACCESS")?, operators: Operators::new(environment)? })
    }

    /// The caller of the request that this event is.
    pub(crate) fn recognise(&self, event: &Value) -> Caller {
        let authorizer = &event["requestContext"]["authorizer"];
        let token = &authorizer["jwt"];
        if token.is_null() {
            let signer = &authorizer["iam"];
            let arn = signer["userArn"].as_str().map(str::to_owned);
            let operator = self.open || signer.is_object();
            return if operator {
                Caller::Operator(Identity { id: arn, email: None })
            } else {
                Caller::Unknown
            };
        }
        let claims = &token["claims"];
        match subject(claims) {
            Ok(subject) if self.operators.include(claims) => {
                Caller::Operator(Identity::of_token(subject, claims))
            }
            Ok(subject) => Caller::Customer(subject.to_owned()),
            Err(bad) => Caller::Nameless(bad),
        }
    }
}

/// The subject of the token (RFC 7519, section 4.1.2).
fn subject(claims: &Value) -> Result<&str, BadSubject> {
    match claims["sub"].as_str().unwrap_or_default() {
        empty if empty.trim().is_empty() => Err(BadSubject::Empty),
        long if long.len() > LONGEST_PARTITION_KEY => Err(BadSubject::TooLong(long.len())),
        subject => Ok(subject),
    }
}

impl Caller {
    /// Refuses a caller who may not make a call with this access.
    pub(crate) fn check(&self, access: Access) -> Result<(), Problem> {
        match (access, self) {
            (Access::Public, _) | (_, Self::Operator(_)) | (Access::Customer, Self::Customer(_)) => Ok(()),
            (_, Self::Unknown) => Err(Problem::new(
                Kind::Unauthorized,
                "Sign in: send a token as 'Authorization: Bearer …', or sign the request with IAM.",
            )),
            (_, Self::Nameless(bad)) => Err(Problem::new(
                Kind::Unauthorized,
                format!("Nobody can be recognised by this token: {bad}. Sign in with another one."),
            )),
            (Access::Operator, Self::Customer(_)) => Err(Problem::new(
                Kind::Forbidden,
                "This is for operators, and by this token you are none. Ask whoever runs this system to make you one.",
            )),
        }
    }

    /// The customer whose orders are all that the caller sees; `None` for a caller who sees all orders.
    pub(crate) fn customer(&self) -> Option<&str> {
        match self {
            Self::Customer(customer) => Some(customer),
            Self::Operator(_) | Self::Unknown | Self::Nameless(_) => None,
        }
    }

    /// Whether the caller runs the shop, and may be told what is for those who do.
    pub(crate) fn is_operator(&self) -> bool {
        matches!(self, Self::Operator(_))
    }

    /// Who decides, when this caller does.
    pub(crate) fn actor(&self) -> Actor {
        match self {
            Self::Customer(customer) => Actor::named(Role::Customer, customer),
            Self::Operator(Identity { id, email }) => {
                Actor { role: Role::Operator, id: id.clone(), email: email.clone() }
            }
            Self::Unknown | Self::Nameless(_) => Actor::nameless(Role::Customer),
        }
    }

    /// Whether the caller sees the orders of this customer, or of nobody in particular. Orders that they
    /// don't see don't exist for them.
    pub(crate) fn sees(&self, owner: Option<&str>) -> bool {
        self.customer().is_none_or(|customer| owner == Some(customer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn recognise(open: bool, authorizer: Value) -> Caller {
        let set =
            [("OPEN_ACCESS", if open { "true" } else { "false" }), ("OPERATOR_SCOPE", "omniflow/operate")];
        let set = set.into_iter().chain([("OPERATOR_CLAIM", ""), ("OPERATOR_VALUE", "")]);
        let environment = set.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let keeper = Doorkeeper::new(&Environment::from_pairs(environment)).unwrap();
        keeper.recognise(&json!({ "requestContext": { "authorizer": authorizer } }))
    }

    #[test]
    fn the_gateway_says_who_calls() {
        let token = |scope: &str| json!({ "jwt": { "claims": { "sub": "u-1", "scope": scope } } });
        let customer = Caller::Customer("u-1".to_owned());
        assert_eq!(recognise(false, token("openid")), customer);
        assert_eq!(recognise(true, token("")), customer, "open or not, a customer is a customer");
        let operator = |id: &str| Caller::Operator(Identity { id: Some(id.to_owned()), email: None });
        assert_eq!(recognise(false, token("openid omniflow/operate")), operator("u-1"));
        assert_eq!(recognise(false, token("omniflow/operate2")), customer);
        assert_eq!(recognise(false, json!({ "iam": { "userArn": "arn:…" } })), operator("arn:…"));
        assert_eq!(recognise(false, Value::Null), Caller::Unknown);
        assert_eq!(recognise(true, Value::Null), Caller::Operator(Identity::default()));
        let known = |more: Value| {
            let mut claims = json!({ "sub": "u-1", "scope": "omniflow/operate", "email": "op@example.com" });
            claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            match recognise(false, json!({ "jwt": { "claims": claims } })) {
                Caller::Operator(identity) => identity.email,
                _ => None,
            }
        };
        assert_eq!(known(json!({})).as_deref(), Some("op@example.com"));
        for unusable in [
            json!({ "email_verified": "false" }),
            json!({ "email_verified": false }),
            json!({ "email": "x" }),
        ] {
            assert_eq!(known(unusable), None);
        }
    }

    #[test]
    fn a_token_without_a_usable_subject_names_nobody_open_or_not() {
        let token =
            |subject: Value, scope: &str| json!({ "jwt": { "claims": { "sub": subject, "scope": scope } } });
        for open in [true, false] {
            for scope in ["openid", "omniflow/operate"] {
                for subject in [json!(""), json!("  "), json!(null), json!(7)] {
                    let caller = recognise(open, token(subject.clone(), scope));
                    assert_eq!(caller, Caller::Nameless(BadSubject::Empty), "{subject}");
                }
                let caller = recognise(open, token(json!("s".repeat(2049)), scope));
                assert_eq!(caller, Caller::Nameless(BadSubject::TooLong(2049)));
            }
            // 1,024 letters, and twice as many bytes.
            let longest = "я".repeat(1024);
            assert_eq!(recognise(open, token(json!(longest), "")), Caller::Customer(longest));
            assert_eq!(recognise(open, json!({ "jwt": {} })), Caller::Nameless(BadSubject::Empty));
        }
    }

    #[test]
    fn who_is_nobody_may_do_what_anyone_may_and_nothing_else() {
        let nobody = Caller::Nameless(BadSubject::Empty);
        assert!(nobody.check(Access::Public).is_ok());
        for access in [Access::Customer, Access::Operator] {
            assert_eq!(nobody.check(access).unwrap_err().kind, Kind::Unauthorized);
        }
    }
}
