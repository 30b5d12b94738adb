//! How people sign in to the console: with OpenID Connect (OpenID Connect Core 1.0), where the stack has an issuer
//! of tokens and the console is a client of it.

use omniflow_services::{ConfigError, Environment};
use serde_json::{Value, json};

/// What the console must know to send somebody to the issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignIn {
    issuer: String,
    client_id: String,
    scopes: String,
    resource: String,
    /// The origins that the console calls: the issuer's, and those that its endpoints have besides.
    origins: Vec<String>,
}

impl SignIn {
    pub(crate) const VARIABLES: [&'static str; 5] =
        ["JWT_ISSUER", "CONSOLE_CLIENT_ID", "CONSOLE_SCOPES", "CONSOLE_RESOURCE", "ISSUER_ORIGINS"];

    /// `None` where there is no issuer, or the console is no client of it; access tokens are pasted then.
    ///
    /// # Errors
    /// When a variable is not set, or an address is none.
    pub(crate) fn new(environment: &Environment) -> Result<Option<Self>, ConfigError> {
        let [issuer, client_id, scopes, resource, further] =
            Self::VARIABLES.map(|name| environment.require(name));
        let (issuer, client_id, scopes, resource, further) =
            (issuer?, client_id?, scopes?, resource?, further?);
        if issuer.is_empty() || client_id.is_empty() {
            return Ok(None);
        }
        let invalid =
            |name: &str, value: &str| ConfigError::Invalid { name: name.to_owned(), value: value.to_owned() };
        let mut origins = vec![origin(issuer).ok_or_else(|| invalid("JWT_ISSUER", issuer))?];
        for address in further.split([' ', ',']).filter(|address| !address.is_empty()) {
            origins.push(origin(address).ok_or_else(|| invalid("ISSUER_ORIGINS", address))?);
        }
        let scopes: Vec<_> = scopes.split([' ', ',']).filter(|scope| !scope.is_empty()).collect();
        let [issuer, client_id, resource] = [issuer, client_id, resource].map(str::to_owned);
        Ok(Some(Self { issuer, client_id, scopes: scopes.join(" "), resource, origins }))
    }

    /// What the console reads, as `sign-in.json` in its folder.
    pub(crate) fn to_json(&self) -> Value {
        let Self { issuer, client_id, scopes, resource, .. } = self;
        json!({ "issuer": issuer, "client_id": client_id, "scope": scopes, "resource": resource })
    }

    /// The origins that the console must be allowed to call.
    pub(crate) fn origins(&self) -> &[String] {
        &self.origins
    }
}

/// The origin of an address (RFC 6454, section 4), in the form that a Content-Security-Policy takes. An address with
/// characters that would end the policy's directive is none.
fn origin(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let host = rest.split('/').next().unwrap_or_default();
    let is_host = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-.:[]".contains(c));
    (matches!(scheme, "http" | "https") && is_host).then(|| format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign_in(values: [&str; 5]) -> Result<Option<SignIn>, ConfigError> {
        let set = SignIn::VARIABLES.iter().zip(values);
        SignIn::new(&Environment::from_pairs(set.map(|(name, value)| ((*name).to_owned(), value.to_owned()))))
    }

    #[test]
    fn the_console_signs_in_where_there_is_an_issuer_that_knows_it() {
        let issuer = "https://id.example:8443/pool/1";
        assert_eq!(sign_in(["", "console", "openid", "", ""]), Ok(None));
        assert_eq!(sign_in([issuer, "", "openid", "", ""]), Ok(None));
        let known =
            sign_in([issuer, "console", "openid, email", "https://api.example", ""]).unwrap().unwrap();
        assert_eq!(known.origins(), ["https://id.example:8443"]);
        assert_eq!(
            known.to_json(),
            json!({ "issuer": issuer, "client_id": "console", "scope": "openid email", "resource": "https://api.example" })
        );
        let further =
            sign_in([issuer, "console", "openid", "", "https://login.example/x, https://b.example"]);
        assert_eq!(
            further.unwrap().unwrap().origins(),
            ["https://id.example:8443", "https://login.example", "https://b.example"]
        );
    }

    #[test]
    fn an_address_that_is_none_or_would_change_the_security_policy_is_refused_by_name() {
        for address in
            ["id.example", "ftp://id.example", "https://", "https://a;script-src", "https://*", "https://a'b"]
        {
            let refused = sign_in([address, "console", "openid", "", ""]).unwrap_err();
            assert!(refused.to_string().contains("JWT_ISSUER"), "{refused}");
            let refused = sign_in(["https://id.example", "console", "openid", "", address]).unwrap_err();
            assert!(refused.to_string().contains("ISSUER_ORIGINS"), "{refused}");
        }
    }
}
