//! The address that messages to a customer go to.

use std::str::FromStr;

use email_address::{EmailAddress, Options};
use serde::{Deserialize, Serialize};

/// The length of the longest address that mail servers take, in bytes (RFC 5321, section 4.5.3.1.3, less the
/// angle brackets).
pub const LONGEST: usize = 254;

/// An e-mail address, `ann@example.com`: ASCII only, as Amazon SES wants it, with neither a name nor an IP
/// address in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", schemars(extend("format" = "email", "maxLength" = LONGEST)))]
pub struct Email(String);

/// A text that is no e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an e-mail address such as ann@example.com")]
pub struct BadEmail(String);

impl Email {
    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = BadEmail;

    fn from_str(text: &str) -> Result<Self, BadEmail> {
        let options = Options::default().without_display_text().without_domain_literal();
        let plain = text.len() <= LONGEST && text.is_ascii();
        match EmailAddress::parse_with_options(text, options) {
            Ok(_) if plain => Ok(Self(text.to_owned())),
            _ => Err(BadEmail(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Email {
    type Error = BadEmail;

    fn try_from(text: String) -> Result<Self, BadEmail> {
        text.parse()
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_other_texts() {
        for good in ["ann@example.com", "ann.b+orders@mail.example.co.uk", "o'hara@example.org"] {
            assert_eq!(good.parse::<Email>().unwrap().as_str(), good);
        }
        let long = format!("{}@example.com", "a".repeat(LONGEST));
        for bad in [
            "",
            "ann",
            "ann@",
            "@example.com",
            "Ann <ann@example.com>",
            "ann@[127.0.0.1]",
            "анна@example.com",
            "ann@example.com\r\nBcc: bob@example.com",
            "ann@example.com, bob@example.com",
            &long,
        ] {
            assert!(bad.parse::<Email>().is_err(), "{bad}");
        }
    }
}
