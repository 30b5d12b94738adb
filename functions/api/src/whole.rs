//! Whole numbers in requests. They are read from the digits that the caller wrote: a float holds about 16 of them, so
//! that `1.00000000000000001` would pass for a whole number, and the larger ones for their neighbours.

use serde_json::Value;

/// The whole number that a value is, also with a point and zeros or with an exponent (`2.0`, `1e3`), as programs write it
/// whose numbers are all floats. `written` is the same value with numbers as the texts that they were written as
/// ([`Request::json_and_as_written`](crate::request::Request::json_and_as_written)). `None` for anything else, and for
/// what 64 bits don't hold.
pub(crate) fn whole(value: &Value, written: &Value) -> Option<i64> {
    if value.is_number() { exactly(written.as_str()?) } else { None }
}

/// A value as the caller wrote it, for a message that says what is wrong with it.
pub(crate) fn as_written<'v>(value: &'v Value, written: &'v Value) -> std::borrow::Cow<'v, str> {
    match written {
        Value::String(number) if value.is_number() => number.into(),
        _ => value.to_string().into(),
    }
}

/// Reads a JSON number (RFC 8259, section 6) that has no fraction.
fn exactly(number: &str) -> Option<i64> {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (before, places) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{before}{places}");
    let significant = digits.trim_end_matches('0');
    if matches!(significant, "" | "-") || significant.trim_start_matches(['-', '0']).is_empty() {
        return Some(0);
    }
    let zeros = i64::try_from(digits.len() - significant.len()).ok()?;
    let places = i64::try_from(places.len()).ok()?;
    let power = exponent.parse::<i64>().ok()?.checked_add(zeros)?.checked_sub(places)?;
    let scale = 10_i64.checked_pow(u32::try_from(power).ok()?)?;
    significant.parse::<i64>().ok()?.checked_mul(scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_is_read_however_it_is_written() {
        for (text, number) in [
            ("0", 0),
            ("-0", 0),
            ("0.000", 0),
            ("-0.0e7", 0),
            ("7", 7),
            ("-7", -7),
            ("2.0", 2),
            ("100", 100),
            ("1e3", 1000),
            ("1.5E+1", 15),
            ("1500e-2", 15),
            ("-12.30e1", -123),
            ("9007199254740993", 9_007_199_254_740_993),
            ("9007199254740993.0", 9_007_199_254_740_993),
            ("9223372036854775807", i64::MAX),
        ] {
            assert_eq!(exactly(text), Some(number), "{text}");
        }
    }

    #[test]
    fn what_is_not_whole_or_too_large_is_refused_to_the_last_digit() {
        for text in [
            "0.5",
            "1.00000000000000001",
            "1e-1",
            "15e-2",
            "9223372036854775808",
            "1e19",
            "1e9223372036854775807",
            "1e99999999999999999999",
            "0.1e-9223372036854775808",
        ] {
            assert_eq!(exactly(text), None, "{text}");
        }
        assert_eq!(whole(&serde_json::json!("2"), &serde_json::json!("2")), None, "a text is no number");
    }
}
