//! A signed token: its parts, and whether one of some keys has signed it.
//!
//! Sources: RFC 7515 (JSON Web Signature), RFC 7519 (JSON Web Token), RFC 8725 (best current practices: algorithms by
//! a list, each key for its own; explicit types).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Unbelievable;
use super::key::{Algorithm, Key};

/// The longest token that is looked at, in bytes. Identity providers stay below 8 KiB, since a header has no more room
/// with many servers.
const LONGEST: usize = 16 * 1024;

/// A token that has the form of one.
pub(super) struct Token<'a> {
    pub(super) algorithm: Algorithm,
    /// The id of the key that is said to have signed it.
    pub(super) key_id: Option<String>,
    payload: &'a str,
    signed: &'a str,
    signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<Value>,
}

impl<'a> Token<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, Unbelievable> {
        let bytes = |part: &str| BASE64.decode(part).map_err(|_| Unbelievable::NoToken);
        let parts = text.rsplit_once('.').and_then(|(signed, signature)| {
            let (header, payload) = signed.split_once('.')?;
            (!payload.contains('.') && text.len() <= LONGEST).then_some((signed, header, payload, signature))
        });
        let (signed, header, payload, signature) = parts.ok_or(Unbelievable::NoToken)?;
        let header: Header = serde_json::from_slice(&bytes(header)?).map_err(|_| Unbelievable::NoToken)?;
        if header.crit.is_some() {
            return Err(Unbelievable::Critical);
        }
        // An ID token of the same issuer has the type JWT, too; its audience tells it. Tokens about a sign-out or an event
        // have types of their own, and must not pass for a caller's (RFC 8725, section 3.11).
        let kind = header.typ.unwrap_or_else(|| "JWT".to_owned());
        let is_access = ["JWT", "at+jwt", "application/at+jwt"];
        if !is_access.iter().any(|known| kind.eq_ignore_ascii_case(known)) {
            return Err(Unbelievable::Type(kind));
        }
        let algorithm = Algorithm::named(&header.alg).ok_or(Unbelievable::Algorithm(header.alg))?;
        Ok(Self { algorithm, key_id: header.kid, payload, signed, signature: bytes(signature)? })
    }

    /// What the token says, when one of the keys that it may be signed with has signed it.
    pub(super) fn is_signed_by(&self, keys: &[Key]) -> Result<Map<String, Value>, Unbelievable> {
        let mut candidates = keys.iter().filter(|key| self.may_be_signed_with(key)).peekable();
        if candidates.peek().is_none() {
            return Err(Unbelievable::Key);
        }
        if !candidates.any(|key| key.has_signed(self.algorithm, self.signed.as_bytes(), &self.signature)) {
            return Err(Unbelievable::Signature);
        }
        let payload = BASE64.decode(self.payload).map_err(|_| Unbelievable::NoToken)?;
        serde_json::from_slice(&payload).map_err(|_| Unbelievable::NoToken)
    }

    /// Whether the token names this key, or names none and its algorithm goes with it.
    pub(super) fn may_be_signed_with(&self, key: &Key) -> bool {
        let is_named = self.key_id.as_ref().is_none_or(|id| key.id.as_ref() == Some(id));
        is_named && key.is_for(self.algorithm)
    }
}
