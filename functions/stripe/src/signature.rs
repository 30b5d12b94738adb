//! Whether Stripe sent an event (Stripe documentation, "Resolve webhook signature verification errors" and
//! "Receive Stripe events in your webhook endpoint": "Verify webhook signatures manually").

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use omniflow_services::Secret;
use sha2::Sha256;

/// The largest age of a signature, and the most by which another clock may be ahead, in seconds: five minutes,
/// as in Stripe's own libraries.
const TOLERANCE: u64 = 300;
/// The largest number of signatures that are looked at. Stripe sends one for each secret that is in use.
const MOST_SIGNATURES: usize = 8;
/// The length of a signature in bytes.
const LENGTH: usize = 32;

/// Whether the header `Stripe-Signature` holds a signature of this body, exactly as it was sent, by one of the
/// secrets, and was made a short while ago. The comparison takes as long for all signatures.
pub fn is_signed(header: &str, body: &[u8], secrets: &[Secret], now: DateTime<Utc>) -> bool {
    let values = |wanted: &'static str| {
        header
            .split(',')
            .filter_map(|part| part.trim().split_once('='))
            .filter_map(move |(name, value)| (name == wanted).then_some(value))
    };
    let Some(time) = values("t").next() else { return false };
    let Ok(made) = time.parse::<i64>() else { return false };
    if made.abs_diff(now.timestamp()) > TOLERANCE {
        return false;
    }
    let signatures: Vec<_> = values("v1").take(MOST_SIGNATURES).filter_map(bytes).collect();
    secrets.iter().any(|secret| {
        signatures.iter().any(|signature| {
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()) else {
                return false;
            };
            mac.update(time.as_bytes());
            mac.update(b".");
            mac.update(body);
            mac.verify_slice(signature).is_ok()
        })
    })
}

/// The bytes that these hexadecimal digits are.
fn bytes(digits: &str) -> Option<[u8; LENGTH]> {
    if digits.len() != 2 * LENGTH || !digits.is_ascii() {
        return None;
    }
    let mut bytes = [0; LENGTH];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

/// The header that Stripe would send with this body: for tests, and for those who play Stripe.
pub fn sign(body: &[u8], secret: &Secret, at: DateTime<Utc>) -> String {
    let time = at.timestamp().to_string();
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()) else {
        return String::new();
    };
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(body);
    let digits: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={time},v1={digits}")
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    const BODY: &[u8] = b"{\"id\":\"evt_1\"}";

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn secrets(texts: &[&str]) -> Vec<Secret> {
        texts.iter().map(|text| Secret::new(*text)).collect()
    }

    #[test]
    fn the_signature_is_the_one_that_others_compute() {
        // printf '1800000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test
        let known = "t=1800000000,v1=45705be2a45ab5acdd1395cc695e9e7073125385ec24194921c401dff44176f8";
        let header = sign(BODY, &Secret::new("whsec_test"), now());
        assert_eq!(header, known);
        assert!(is_signed(&header, BODY, &secrets(&["whsec_test"]), now()));
    }

    #[test]
    fn two_secrets_and_several_signatures_do_while_one_takes_the_place_of_the_other() {
        let (old, new) = (Secret::new("whsec_old"), Secret::new("whsec_new"));
        let by_old = sign(BODY, &old, now());
        let by_both = format!("{by_old},{}", sign(BODY, &new, now()).split_once(',').unwrap().1);
        for kept in [&["whsec_old"][..], &["whsec_new", "whsec_old"], &["whsec_old", "whsec_new"]] {
            assert!(is_signed(&by_old, BODY, &secrets(kept), now()), "{kept:?}");
        }
        assert!(!is_signed(&by_old, BODY, &secrets(&["whsec_new"]), now()));
        assert!(is_signed(&by_both, BODY, &secrets(&["whsec_new"]), now()));
        assert!(!is_signed(&by_old, BODY, &[], now()), "without a secret nothing is signed");
    }

    #[test]
    fn only_what_was_signed_a_short_while_ago_counts() {
        let header = sign(BODY, &Secret::new("whsec_1"), now());
        let at =
            |seconds| is_signed(&header, BODY, &secrets(&["whsec_1"]), now() + TimeDelta::seconds(seconds));
        assert!(at(0) && at(300) && at(-300));
        assert!(!at(301) && !at(-301));
    }

    #[test]
    fn nothing_else_is_a_signature() {
        let good = sign(BODY, &Secret::new("whsec_1"), now());
        let digits = good.split_once("v1=").unwrap().1;
        let t = "t=1800000000";
        for wrong in [
            String::new(),
            t.to_owned(),
            format!("v1={digits}"),
            format!("{t},v0={digits}"),
            format!("{t},v1={}", &digits[2..]),
            format!("{t},v1={digits}00"),
            format!("{t},v1={}", digits.replace(|c: char| c.is_ascii_digit(), "z")),
            format!("t=now,v1={digits}"),
            format!("t=1800000001,v1={digits}"),
            format!("{t},v1={}", "é".repeat(32)),
        ] {
            assert!(!is_signed(&wrong, BODY, &secrets(&["whsec_1"]), now()), "{wrong}");
        }
        assert!(!is_signed(&good, b"{\"id\":\"evt_2\"}", &secrets(&["whsec_1"]), now()));
    }
}
