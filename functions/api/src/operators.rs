//! Which tokens make whoever carries them an operator: by their scope or, where scopes belong to applications and
//! not to people (Amazon Cognito Developer Guide, "Scopes, M2M, and resource servers"), by one of their claims.

use omniflow_services::{ConfigError, Environment};
use serde_json::Value;

/// The rule by which a token is an operator's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operators(Rule);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    /// The token has this scope.
    Scope(String),
    /// The claim `name` of the token is, or has in its list, this value.
    Claim { name: String, value: String },
}

impl Operators {
    /// The variables that [`Operators::new`] reads.
    pub const VARIABLES: [&'static str; 3] = ["OPERATOR_SCOPE", "OPERATOR_CLAIM", "OPERATOR_VALUE"];

    /// The rule that the environment asks for: that of the claim when one is named, else that of the scope.
    ///
    /// # Errors
    /// When a variable is not set, and when a claim is named with a value that can't be told from two others in
    /// a list that was written as a text.
    pub fn new(environment: &Environment) -> Result<Self, ConfigError> {
        let name = environment.require("OPERATOR_CLAIM")?;
        let value = environment.require("OPERATOR_VALUE")?;
        let scope = environment.require("OPERATOR_SCOPE")?;
        if name.is_empty() {
            return Ok(Self(Rule::Scope(scope.to_owned())));
        }
        if value.is_empty() || value.contains(|c: char| is_separator(c) || "[]\"".contains(c)) {
            let (name, value) = ("OPERATOR_VALUE".to_owned(), value.to_owned());
            return Err(ConfigError::Invalid { name, value });
        }
        Ok(Self(Rule::Claim { name: name.to_owned(), value: value.to_owned() }))
    }

    /// Whether a token with these claims is an operator's.
    pub fn include(&self, claims: &Value) -> bool {
        match &self.0 {
            Rule::Scope(scope) => ["scope", "scp"].iter().any(|claim| has_scope(&claims[*claim], scope)),
            Rule::Claim { name, value } => has_value(&claims[name.as_str()], value),
        }
    }
}

/// Whether a claim that holds scopes has this one. They are a text with spaces between them (RFC 8693, section
/// 4.2), with some issuers a list, of which API Gateway makes the text `[a b]`.
fn has_scope(claim: &Value, scope: &str) -> bool {
    match claim {
        Value::Array(scopes) => scopes.iter().any(|given| given == scope),
        Value::String(text) => match list(text) {
            Some(scopes) => scopes.iter().any(|given| given == scope),
            None => without_brackets(text).split_whitespace().any(|given| given == scope),
        },
        _ => false,
    }
}

/// Whether a claim is this value or a list that has it. Of a list API Gateway makes a text: `[a b]` (API Gateway
/// Developer Guide, "Control access to HTTP APIs with JWT authorizers"); other gateways write commas or JSON.
fn has_value(claim: &Value, value: &str) -> bool {
    match claim {
        Value::Array(values) => values.iter().any(|given| given == value),
        Value::String(text) => match list(text) {
            Some(values) => values.iter().any(|given| given == value),
            None => without_brackets(text).split(is_separator).any(|given| given == value),
        },
        _ => false,
    }
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || c == ','
}

/// The list that a text is in JSON. What it holds is compared as it is, whatever separators are in it.
fn list(text: &str) -> Option<Vec<Value>> {
    text.trim_start().starts_with('[').then(|| serde_json::from_str(text).ok())?
}

fn without_brackets(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(scope: &str, claim: &str, value: &str) -> Result<Operators, ConfigError> {
        let set = Operators::VARIABLES.iter().zip([scope, claim, value]);
        Operators::new(&Environment::from_pairs(
            set.map(|(name, value)| ((*name).to_owned(), value.to_owned())),
        ))
    }

    #[test]
    fn a_scope_is_found_in_every_form_that_issuers_and_gateways_give_it() {
        let operators = rule("omniflow/operate", "", "").unwrap();
        for name in ["scope", "scp"] {
            for scopes in [
                json!("omniflow/operate"),
                json!("openid  omniflow/operate email"),
                json!("[openid omniflow/operate]"),
                json!("[\"openid\",\"omniflow/operate\"]"),
                json!(["openid", "omniflow/operate"]),
            ] {
                assert!(operators.include(&json!({ name: scopes })), "{name}: {scopes}");
            }
            for scopes in [
                json!("omniflow/operate2"),
                json!("openid,omniflow/operate"),
                json!(["openid omniflow/operate"]),
                json!("[\"openid omniflow/operate\"]"),
                json!({ "omniflow/operate": true }),
                json!(null),
                json!(""),
            ] {
                assert!(!operators.include(&json!({ name: scopes })), "{name}: {scopes}");
            }
        }
    }

    #[test]
    fn a_claim_is_a_value_or_a_list_in_every_form_that_gateways_make_of_it() {
        let operators = rule("omniflow/operate", "cognito:groups", "operators").unwrap();
        for groups in [
            json!("operators"),
            json!("[operators]"),
            json!("[staff operators]"),
            json!("[staff, operators]"),
            json!("staff,operators"),
            json!("staff operators"),
            json!(" [ operators ] "),
            json!("[\"staff\",\"operators\"]"),
            json!(["staff", "operators"]),
        ] {
            assert!(operators.include(&json!({ "cognito:groups": groups })), "{groups}");
        }
        for groups in [
            json!("[operators2]"),
            json!("cooperators"),
            json!(["staff operators"]),
            json!("[\"staff operators\"]"),
            json!(""),
            json!("[]"),
            json!(7),
            json!(null),
        ] {
            assert!(!operators.include(&json!({ "cognito:groups": groups })), "{groups}");
        }
    }

    #[test]
    fn where_a_claim_decides_no_scope_does() {
        let operators = rule("omniflow/operate", "roles", "operator").unwrap();
        assert!(!operators.include(&json!({ "scope": "omniflow/operate" })));
        assert!(operators.include(&json!({ "roles": ["operator"] })));
        let by_scope = rule("omniflow/operate", "", "operator").unwrap();
        assert!(!by_scope.include(&json!({ "roles": ["operator"] })));
    }

    #[test]
    fn a_value_that_a_list_in_words_can_not_hold_is_refused() {
        for value in ["", "shop operators", "a,b", "[a", "a]", "\"a\""] {
            let refused = rule("s", "groups", value).unwrap_err();
            assert!(refused.to_string().contains("OPERATOR_VALUE"), "{refused}");
        }
        assert!(rule("s", "", "").is_ok());
    }
}
