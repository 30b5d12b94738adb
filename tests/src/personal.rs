//! What customers told of themselves in this test run, and the check that no runtime wrote it into its log.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

/// Members of requests that hold what a person told of themselves, at any depth.
const PERSONAL: [&str; 5] = ["address", "customer_id", "email", "method", "note"];
/// The country of an address is not about one person, and two letters are in every log.
const SHORTEST: usize = 5;

/// What was sent by all tests of this process, to whichever runtime.
static TOLD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn told() -> MutexGuard<'static, BTreeSet<String>> {
    TOLD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes what of this request no log may name: the personal members of its body, and the caller's token.
pub(crate) fn note(headers: &[(&str, &str)], body: Option<&str>) {
    let mut found = Vec::new();
    if let Some(body) = body.and_then(|body| serde_json::from_str::<Value>(body).ok()) {
        of_members(&body, &mut found);
    }
    let tokens = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    found.extend(tokens.filter_map(|(_, value)| value.strip_prefix("Bearer ")).map(str::to_owned));
    told().extend(found.into_iter().filter(|text| is_telling(text)));
}

/// Whether a text in a log would be about a person: a word in small letters, such as `customer`, is in many a line.
fn is_telling(text: &str) -> bool {
    text.len() >= SHORTEST && !text.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn of_members(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                if PERSONAL.contains(&name.as_str()) { texts(value, found) } else { of_members(value, found) }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| of_members(value, found)),
        _ => {}
    }
}

fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| texts(value, found)),
        Value::Object(members) => members.values().for_each(|value| texts(value, found)),
        _ => {}
    }
}

/// The lines of a log that name something which a customer told, or any e-mail address.
pub(crate) fn betrayals(log: &str) -> Vec<String> {
    let told = told();
    let names = |line: &str| told.iter().any(|text| line.contains(text.as_str())) || has_address(line);
    log.lines().filter(|line| names(line)).map(str::to_owned).collect()
}

/// Whether a word of the line looks like an e-mail address: something, an @, and a name with a dot.
fn has_address(line: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "._+-@".contains(c);
    line.split(|c| !is_part(c)).any(|word| {
        word.split_once('@')
            .is_some_and(|(person, host)| !person.is_empty() && host.trim_matches('.').contains('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_customer_told_is_found_in_a_log_wherever_they_told_it() {
        let order = r#"{"customer_id": "grace-17", "items": ["iPhone 15"], "payment": {"method": "pm_of_grace"},
            "address": {"name": "Grace Hopper", "lines": ["1 Navy Yard"], "city": "Arlington", "country": "US"}}"#;
        note(&[("Authorization", "Bearer token-of-grace"), ("accept", "text/html")], Some(order));
        note(&[], Some("no JSON"));
        for told in ["grace-17", "pm_of_grace", "Grace Hopper", "1 Navy Yard", "Arlington", "token-of-grace"]
        {
            assert_eq!(betrayals(&format!("INFO done\nWARN of {told}!\n")), [format!("WARN of {told}!")]);
        }
        assert_eq!(betrayals("to <ada@shop.example>, sent"), ["to <ada@shop.example>, sent"]);
        assert!(betrayals("an iPhone 15 in the US, text/html, a@b, @x.y, user@ host.example").is_empty());
    }
}
