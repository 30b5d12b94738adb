//! Task tokens: the execution and the task, sealed with a key that lies in the journal.
//!
//! A token needs no row in the journal: it names its task, and the task's state is part of the execution's.
//! Execution and task alone decide the seal, so a call that is repeated after a crash carries the same token
//! as before.

use asl::TaskId;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::journal::Seq;

/// The bytes of the seal: HMAC-SHA-256 (RFC 2104), truncated to 128 bits.
const SEAL: usize = 16;

/// The key that makes and opens task tokens.
#[derive(Clone)]
pub(crate) struct TokenKey([u8; 32]);

impl TokenKey {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    pub(crate) fn issue(&self, execution: Seq, task: TaskId) -> String {
        let mut bytes = [0u8; 16 + SEAL];
        bytes[..8].copy_from_slice(&execution.to_be_bytes());
        bytes[8..16].copy_from_slice(&task.0.to_be_bytes());
        let seal = self.seal(&bytes[..16]);
        bytes[16..].copy_from_slice(&seal);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    pub(crate) fn open(&self, token: &str) -> Option<(Seq, TaskId)> {
        let bytes: [u8; 16 + SEAL] = URL_SAFE_NO_PAD.decode(token).ok()?.try_into().ok()?;
        let (execution, rest) = bytes.split_first_chunk::<8>()?;
        let (task, seal) = rest.split_first_chunk::<8>()?;
        self.mac(&bytes[..16]).verify_truncated_left(seal).ok()?;
        Some((i64::from_be_bytes(*execution), TaskId(u64::from_be_bytes(*task))))
    }

    fn mac(&self, bytes: &[u8]) -> Hmac<Sha256> {
        let mut padded = hmac::digest::Key::<Hmac<Sha256>>::default();
        padded[..32].copy_from_slice(&self.0);
        let mut mac = Hmac::<Sha256>::new(&padded);
        mac.update(bytes);
        mac
    }

    fn seal(&self, bytes: &[u8]) -> [u8; SEAL] {
        let mut seal = [0u8; SEAL];
        seal.copy_from_slice(&self.mac(bytes).finalize().into_bytes()[..SEAL]);
        seal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_to_what_it_was_issued_for_and_a_changed_one_to_nothing() {
        let key = TokenKey::new([7; 32]);
        let token = key.issue(42, TaskId(3));
        assert_eq!(key.open(&token), Some((42, TaskId(3))));
        assert_eq!(TokenKey::new([8; 32]).open(&token), None);
        assert_eq!(key.open("no token"), None);
        let changed = token.replacen(token.chars().next().unwrap(), "B", 1);
        assert_eq!(key.open(&changed), None);
    }

    /// Executions may wait for days, also across a new release: a token that was handed out before must open.
    /// The expected text was computed by Python: the two numbers big-endian, then half of their HMAC-SHA-256 (RFC 2104).
    #[test]
    fn a_token_stays_the_same_across_releases() {
        let token = TokenKey::new([7; 32]).issue(42, TaskId(3));
        assert_eq!(token, "AAAAAAAAACoAAAAAAAAAA0NKRnTiuqV7C8d5Jnm0Fj0");
    }
}
