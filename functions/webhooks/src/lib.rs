//! Signed messages between the shop and its warehouses, in both directions by the same scheme, which has
//! libraries in most languages: Standard Webhooks (github.com/standard-webhooks/standard-webhooks, "Standard
//! Webhooks Specification").
//!
//! ```text
//!   webhook-id        names the message: the same each time that it is sent
//!   webhook-timestamp when it was sent this time, in seconds since 1970
//!   webhook-signature v1, and the HMAC-SHA256 of "id.timestamp.body" in Base64
//! ```
//!
//! The scheme is written here and not taken from the crate `standardwebhooks`, which reads the machine's clock.

mod keys;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

pub use keys::{KeyError, Keys};

/// The header that names the message.
pub const ID: &str = "webhook-id";
/// The header that says when the message was sent.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// The header that holds the signatures, with blanks between them.
pub const SIGNATURE: &str = "webhook-signature";

/// How far the time of a message may be from the present, so that an old one can't be sent again (Standard
/// Webhooks Specification, "Verifying the signature").
const TOLERANCE: TimeDelta = TimeDelta::minutes(5);
/// What a secret begins with in its usual form.
const PREFIX: &str = "whsec_";
/// The version of the signatures.
const VERSION: &str = "v1,";
/// The number of bytes of the shortest key (Standard Webhooks Specification, "Signature scheme").
const SHORTEST_KEY: usize = 24;

/// A key with which messages are signed. It can't be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(Vec<u8>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// A text that is no key. The text itself is not in the error, since it may be one with a slip in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret is 'whsec_' and {SHORTEST_KEY} bytes or more in Base64")]
pub struct NoKey;

impl Key {
    /// Reads a secret: Base64, usually with `whsec_` in front.
    ///
    /// # Errors
    /// [`NoKey`].
    pub fn parse(secret: &str) -> Result<Self, NoKey> {
        let encoded = secret.strip_prefix(PREFIX).unwrap_or(secret);
        let key = BASE64.decode(encoded).map_err(|_| NoKey)?;
        if key.len() < SHORTEST_KEY { Err(NoKey) } else { Ok(Self(key)) }
    }

    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
        // Keys may have any length (RFC 2104, section 3).
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        Some(mac)
    }

    /// The headers of a message that is sent now.
    pub fn sign(&self, id: &str, now: DateTime<Utc>, body: &[u8]) -> [(&'static str, String); 3] {
        let timestamp = now.timestamp().to_string();
        let mac = self.mac(id, &timestamp, body).map(|mac| BASE64.encode(mac.finalize().into_bytes()));
        let signature = format!("{VERSION}{}", mac.unwrap_or_default());
        [(ID, id.to_owned()), (TIMESTAMP, timestamp), (SIGNATURE, signature)]
    }

    fn made(&self, signature: &str, id: &str, timestamp: &str, body: &[u8]) -> bool {
        let Some(encoded) = signature.strip_prefix(VERSION) else { return false };
        let Ok(given) = BASE64.decode(encoded) else { return false };
        // The comparison takes as long whatever differs.
        self.mac(id, timestamp, body).is_some_and(|mac| mac.verify_slice(&given).is_ok())
    }
}

/// Why a message is not taken for one of its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    /// A header is missing.
    #[error("one of the headers {ID}, {TIMESTAMP} and {SIGNATURE} is missing")]
    Unsigned,
    /// The time is no number, or too far from the present.
    #[error("{TIMESTAMP} must be the present time in seconds since 1970, give or take five minutes")]
    Untimely,
    /// No signature was made with one of the keys.
    #[error("no signature fits the message and the secret")]
    WrongSignature,
}

/// Checks that a message was sent just now by somebody who has one of the keys. `header` gives the value of a
/// header by its name in small letters.
///
/// # Errors
/// [`NotSigned`].
pub fn verify<'a>(
    keys: &[Key],
    header: impl Fn(&str) -> Option<&'a str>,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<(), NotSigned> {
    let value = |name| header(name).filter(|value| !value.is_empty()).ok_or(NotSigned::Unsigned);
    let (id, timestamp, signatures) = (value(ID)?, value(TIMESTAMP)?, value(SIGNATURE)?);
    let sent = timestamp.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    if sent.is_none_or(|sent| (now - sent).abs() > TOLERANCE) {
        return Err(NotSigned::Untimely);
    }
    let mut signatures = signatures.split(' ');
    let is_signed = signatures.any(|it| keys.iter().any(|key| key.made(it, id, timestamp, body)));
    if is_signed { Ok(()) } else { Err(NotSigned::WrongSignature) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's reference libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const MESSAGE: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SENT: i64 = 1_614_265_330;

    fn sent() -> DateTime<Utc> {
        DateTime::from_timestamp(SENT, 0).unwrap()
    }

    fn check(keys: &[Key], headers: &[(&str, &str)], body: &[u8], seconds: i64) -> Result<(), NotSigned> {
        let header = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        verify(keys, header, body, sent() + TimeDelta::seconds(seconds))
    }

    #[test]
    fn a_signature_is_that_of_the_reference_libraries() {
        let [id, timestamp, signature] = Key::parse(SECRET).unwrap().sign(MESSAGE, sent(), BODY);
        assert_eq!(id, (ID, MESSAGE.to_owned()));
        assert_eq!(timestamp, (TIMESTAMP, SENT.to_string()));
        assert_eq!(signature, (SIGNATURE, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=".to_owned()));
    }

    #[test]
    fn a_message_is_believed_while_it_is_fresh_and_whole_and_signed_with_one_of_the_keys() {
        let (key, other) = (Key::parse(SECRET).unwrap(), Key::parse(&BASE64.encode([7; 32])).unwrap());
        let signed = key.sign(MESSAGE, sent(), BODY);
        let headers: Vec<_> = signed.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let keys = [other.clone(), key.clone()];
        for seconds in [-300, 0, 300] {
            assert_eq!(check(&keys, &headers, BODY, seconds), Ok(()));
        }
        for seconds in [-301, 301] {
            assert_eq!(check(&keys, &headers, BODY, seconds), Err(NotSigned::Untimely));
        }
        assert_eq!(check(&keys, &headers, b"{}", 0), Err(NotSigned::WrongSignature));
        assert_eq!(check(&[other], &headers, BODY, 0), Err(NotSigned::WrongSignature));
        assert_eq!(check(&[], &headers, BODY, 0), Err(NotSigned::WrongSignature));
        for missing in 0..3 {
            let mut headers = headers.clone();
            headers.remove(missing);
            assert_eq!(check(&keys, &headers, BODY, 0), Err(NotSigned::Unsigned));
        }
        let rotated = format!("v1a,AAAA v1,AAAA {} v1,!", signed[2].1);
        let headers = [(ID, MESSAGE), (TIMESTAMP, signed[1].1.as_str()), (SIGNATURE, rotated.as_str())];
        assert_eq!(check(&keys, &headers, BODY, 0), Ok(()));
        let elsewhere = [(ID, "msg_2"), headers[1], headers[2]];
        assert_eq!(check(&keys, &elsewhere, BODY, 0), Err(NotSigned::WrongSignature));
        let odd = [headers[0], (TIMESTAMP, "soon"), headers[2]];
        assert_eq!(check(&keys, &odd, BODY, 0), Err(NotSigned::Untimely));
    }

    #[test]
    fn what_is_no_secret_is_refused_and_a_key_is_not_printed() {
        for text in ["", "whsec_", "whsec_AAAA", "secret", "whsec_!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!"] {
            assert_eq!(Key::parse(text), Err(NoKey), "{text}");
        }
        assert_eq!(format!("{:?}", Key::parse(SECRET).unwrap()), "Key(…)");
    }
}
