//! Payload sizes, counted without writing the JSON: each state's output is checked, and most are tiny.

use serde_json::Value;

use crate::budget::STEP_BYTES;

/// Bytes that a payload may have (AWS Step Functions Developer Guide, "Service quotas": 256 KiB of UTF-8).
pub const MAX_PAYLOAD: usize = 256 * 1024;

/// Bytes that all variables of an execution may have together (AWS Step Functions Developer Guide, "Passing data between
/// states with variables", "Limits"). There it also says that one variable, and all that one Assign sets, may have as
/// many bytes as a payload.
pub(crate) const MAX_VARIABLES: usize = 10 << 20;

/// Levels of nesting that a value may have. serde_json reads 128 at the most, and a stored execution puts a
/// few levels of its own around the value.
const MAX_DEPTH: usize = 100;

/// Whether the value's JSON is longer than [`MAX_PAYLOAD`] or nested deeper than [`MAX_DEPTH`].
pub(crate) fn is_too_large(value: &Value) -> bool {
    spend(value, MAX_PAYLOAD, MAX_DEPTH).is_none()
}

/// The length of the value's JSON, or [`MAX_PAYLOAD`] when it is longer.
pub(crate) fn of(value: &Value) -> usize {
    MAX_PAYLOAD - spend(value, MAX_PAYLOAD, MAX_DEPTH).unwrap_or(0)
}

/// How many steps of a [budget](crate::budget) it takes to build or to walk over the value.
pub(crate) fn steps(value: &Value) -> u64 {
    let text = |text: &str| (text.len() / STEP_BYTES) as u64;
    1 + match value {
        Value::String(content) => text(content),
        Value::Array(items) => items.iter().map(steps).sum(),
        Value::Object(map) => map.iter().map(|(name, value)| text(name) + steps(value)).sum(),
        _ => 0,
    }
}

/// Takes the length of the value's JSON from a budget of bytes and returns what is left. `None` means that
/// the budget is too small, or that the value is nested deeper than `depth` levels.
fn spend(value: &Value, budget: usize, depth: usize) -> Option<usize> {
    match value {
        Value::Null | Value::Bool(true) => budget.checked_sub(4),
        Value::Bool(false) => budget.checked_sub(5),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => budget.checked_sub(digits(whole)),
            None => budget.checked_sub(number.to_string().len()),
        },
        Value::String(text) => budget.checked_sub(text_length(text)),
        Value::Array(items) => {
            let depth = depth.checked_sub(1)?;
            let budget = budget.checked_sub(2 + items.len().saturating_sub(1))?;
            items.iter().try_fold(budget, |left, item| spend(item, left, depth))
        }
        Value::Object(map) => {
            let depth = depth.checked_sub(1)?;
            let budget = budget.checked_sub(2 + map.len().saturating_sub(1))?;
            map.iter().try_fold(budget, |left, (name, value)| {
                spend(value, left.checked_sub(text_length(name) + 1)?, depth)
            })
        }
    }
}

/// The length of a whole number in decimal, with its sign.
fn digits(value: i64) -> usize {
    value.unsigned_abs().checked_ilog10().unwrap_or(0) as usize + 1 + usize::from(value < 0)
}

/// The length of a JSON string with its quotes and escapes.
fn text_length(text: &str) -> usize {
    // Most texts have nothing to escape. This loop has no branches, so that the compiler has it look at many bytes at a time.
    let escaped = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    if text.bytes().fold(0, |count: usize, byte| count + usize::from(escaped(byte))) == 0 {
        return text.len() + 2;
    }
    let escapes: usize = text
        .bytes()
        .map(|byte| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0C => 1,
            0..0x20 => 5,
            _ => 0,
        })
        .sum();
    text.len() + escapes + 2
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_count_is_that_of_the_written_json() {
        let value = json!({"a": [1, -20, 3.5, null, true, false], "b\n\"": "x\u{1}é", "c": {}, "d": []});
        let length = value.to_string().len();
        assert_eq!(spend(&value, length, MAX_DEPTH), Some(0));
        assert_eq!(spend(&value, length - 1, MAX_DEPTH), None);
    }

    #[test]
    fn a_value_nested_too_deeply_counts_as_too_large() {
        let mut value = json!(1);
        for _ in 0..MAX_DEPTH {
            value = json!([value]);
        }
        assert!(!is_too_large(&value));
        assert!(is_too_large(&json!({ "more": value })));
    }
}
