//! Who calls, where the template has an issuer of tokens: what API Gateway's JWT authorizer finds out on AWS, for a run
//! on one machine.
//!
//! ```text
//!   Authorization: Bearer TOKEN ──► token (its parts) ──► keys (of the issuer) ──► claims ──► event: authorizer.jwt
//!                                                          ▲ issuer (discovery, JWKS)
//! ```
//!
//! Source: API Gateway Developer Guide, "Control access to HTTP APIs with JWT authorizers".

mod claims;
mod issuer;
mod key;
mod keys;
#[cfg(test)]
mod tests;
mod token;

use std::sync::Arc;

use ambient::Clock;
use http::HeaderMap;
use omniflow_api::Operators;
use omniflow_api::problem::{Kind, Problem};
use serde_json::Value;
use template::Authorizer;

use claims::Claims;
pub use issuer::BadIssuer;
use issuer::Issuer;
use keys::Keys;
use token::Token;

/// Recognises callers by the tokens of one issuer. Clones share its keys.
#[derive(Clone)]
pub(crate) struct Identity(Arc<Inner>);

struct Inner {
    authorizer: Authorizer,
    operators: Operators,
    keys: Keys,
    clock: Arc<dyn Clock>,
}

/// Why a token is not believed. What is wrong is told to whoever sent it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unbelievable {
    #[error("it is not a JSON Web Token in three parts")]
    NoToken,
    #[error("it is signed with '{0}', and RS256 to RS512, PS256 to PS512, ES256 and ES384 are taken")]
    Algorithm(String),
    #[error("it is a token of the type '{0}', and access tokens are taken")]
    Type(String),
    #[error("its header has an extension that is critical and not known here")]
    Critical,
    #[error("it is signed with a key that its issuer doesn't have")]
    Key,
    #[error("its signature is wrong")]
    Signature,
    #[error("its issuer ('iss') is another one")]
    Issuer,
    #[error("it is for another audience ('aud', 'client_id')")]
    Audience,
    #[error("it doesn't say when it expires ('exp')")]
    NoEnd,
    #[error("it has expired")]
    Expired,
    #[error("it is not valid yet ('nbf', 'iat')")]
    TooEarly,
}

impl Identity {
    /// Recognises the tokens that `authorizer` takes. The issuer is asked for its keys when the first token comes.
    ///
    /// # Errors
    /// When the issuer's address can't be trusted with that.
    pub(crate) fn new(
        authorizer: Authorizer,
        operators: Operators,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, BadIssuer> {
        let keys = Keys::of(Issuer::at(&authorizer.issuer)?, Arc::clone(&clock));
        Ok(Self(Arc::new(Inner { authorizer, operators, keys, clock })))
    }

    /// The claims of the token that the request carries.
    ///
    /// # Errors
    /// The problem to answer when it carries none, or one that is not believed, and when the issuer doesn't answer.
    pub(crate) async fn recognise(&self, headers: &HeaderMap) -> Result<Claims, Problem> {
        let Some(text) = bearer(headers) else {
            let detail = "Sign in: send a token of this system's issuer as 'Authorization: Bearer …'.";
            return Err(Problem::new(Kind::Unauthorized, detail));
        };
        match self.believe(text).await {
            Ok(Ok(claims)) => Ok(claims),
            Ok(Err(why)) => Err(Problem::new(
                Kind::Unauthorized,
                format!("This token is not taken: {why}. Sign in again."),
            )),
            Err(error) => {
                tracing::warn!(issuer = self.0.authorizer.issuer, %error, "the issuer's keys can't be fetched");
                let detail = "The issuer of the tokens does not answer. Send the request again in a moment.";
                Err(Problem::new(Kind::Unavailable, detail))
            }
        }
    }

    async fn believe(&self, text: &str) -> Result<Result<Claims, Unbelievable>, issuer::Error> {
        let token = match Token::read(text) {
            Ok(token) => token,
            Err(why) => return Ok(Err(why)),
        };
        let keys = self.0.keys.for_token(&token).await?;
        Ok(token
            .is_signed_by(&keys)
            .and_then(|payload| Claims::check(payload, &self.0.authorizer, self.0.clock.now().timestamp())))
    }

    /// Whether these claims are an operator's.
    pub(crate) fn is_operator(&self, claims: &Claims) -> bool {
        self.0.operators.include(claims.as_text())
    }

    /// Refuses claims without any of the scopes that a route wants, and gives what API Gateway tells the function of
    /// the token. Without scopes it wants none.
    ///
    /// # Errors
    /// The problem to answer.
    pub(crate) fn authorize(&self, claims: &Claims, wanted: &[String]) -> Result<Value, Problem> {
        if !wanted.is_empty() && !claims.scopes().any(|scope| wanted.iter().any(|wanted| wanted == scope)) {
            let detail = "This is for operators: the token lacks their scope.";
            return Err(Problem::new(Kind::Forbidden, detail));
        }
        Ok(claims.to_authorizer(wanted))
    }
}

/// The token of the request (RFC 6750, section 2.1). The name of the scheme may be in any case.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get("authorization")?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
