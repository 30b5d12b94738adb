//! Equality as the corpus defines it, with wildcards, JSON texts, and numbers compared by value.

use serde_json::Value;

const LEFT: char = '\u{27e6}';
const RIGHT: char = '\u{27e7}';

/// The first difference between an expected value and the actual one, if there is one. `path` is the place of
/// the two.
pub fn difference(expected: &Value, actual: &Value, path: &str) -> Option<String> {
    if let Some(text) = expected.as_object().filter(|m| m.len() == 1).and_then(|m| m.get("$json_text")) {
        let Some(actual) = actual.as_str() else { return Some(format!("{path}: JSON text expected")) };
        return match serde_json::from_str(actual) {
            Ok(actual) => difference(text, &actual, path),
            Err(_) => Some(format!("{path}: not JSON text: {actual}")),
        };
    }
    match (expected, actual) {
        (Value::String(pattern), _) if pattern.contains(LEFT) => {
            let parts = split(pattern);
            if parts.len() == 2 && parts.iter().all(|p| p.is_empty()) {
                return None;
            }
            let Some(text) = actual.as_str() else {
                return Some(format!("{path}: text expected, got {actual}"));
            };
            (!like(&parts, text)).then(|| format!("{path}: {text:?} is not like {pattern:?}"))
        }
        (Value::Object(a), Value::Object(b)) => {
            let mut left: Vec<_> = a.keys().collect();
            let mut right: Vec<_> = b.keys().collect();
            left.sort();
            right.sort();
            if left != right {
                return Some(format!("{path}: members {left:?} != {right:?}"));
            }
            a.iter().find_map(|(k, v)| difference(v, &b[k], &format!("{path}.{k}")))
        }
        (Value::Array(a), Value::Array(b)) => {
            if a.len() != b.len() {
                return Some(format!("{path}: length {} != {}", a.len(), b.len()));
            }
            a.iter().zip(b).enumerate().find_map(|(i, (a, b))| difference(a, b, &format!("{path}[{i}]")))
        }
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => None,
        (a, b) if a == b => None,
        (a, b) => Some(format!("{path}: {a} != {b}")),
    }
}

fn split(pattern: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = pattern;
    while let Some(open) = rest.find(LEFT) {
        parts.push(&rest[..open]);
        rest = rest[open..].split_once(RIGHT).map_or("", |(_, rest)| rest);
    }
    parts.push(rest);
    parts
}

fn like(parts: &[&str], text: &str) -> bool {
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return false };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    for part in &parts[1..parts.len() - 1] {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}
