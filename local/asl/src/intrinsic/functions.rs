//! What each function computes.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use serde_json::{Number, Value};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::Surroundings;
use super::java;
use super::syntax::Function;

/// Items that States.ArrayRange may make (Developer Guide, "Intrinsics for JSONPath states": "The newly
/// generated array can't contain more than 1000 elements").
const MAX_RANGE: usize = 1000;
/// Characters that States.Base64Encode, States.Base64Decode and States.Hash take at the most (the same page).
const MAX_TEXT: usize = 10_000;

/// Why a function has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The number, the type or the value of an argument. AWS says no more than that.
    Arguments,
    /// The reason, in AWS's words.
    Reason(String),
    /// The budget of the state is used up.
    TooMuchWork,
}

/// What a function may take from outside: randomness and work.
pub(super) struct Outside<'s>(pub(super) &'s mut dyn Surroundings);

use Refusal::Arguments as REFUSED;

/// Computes a function.
pub(super) fn call(
    function: Function,
    arguments: Vec<Value>,
    outside: &mut Outside<'_>,
) -> Result<Value, Refusal> {
    Ok(match (function, &arguments[..]) {
        (Function::Array, _) => Value::Array(arguments),
        (Function::ArrayContains, [Value::Array(items), value]) => {
            // AWS compares the texts that Java gives the values.
            let sought = java::text(value);
            Value::Bool(items.iter().any(|item| java::text(item) == sought))
        }
        (Function::ArrayGetItem, [Value::Array(items), index]) => match integer(index)? {
            _ if items.is_empty() => Value::Null,
            index => usize::try_from(index).ok().and_then(|at| items.get(at)).cloned().ok_or(REFUSED)?,
        },
        (Function::ArrayLength, [Value::Array(items)]) => items.len().into(),
        (Function::ArrayPartition, [Value::Array(items), size]) => {
            let size = usize::try_from(integer(size)?).ok().filter(|size| *size > 0).ok_or(REFUSED)?;
            Value::Array(items.chunks(size).map(|chunk| Value::Array(chunk.to_vec())).collect())
        }
        (Function::ArrayRange, [from, to, step]) => {
            let (from, to, step) = (integer(from)?, integer(to)?, integer(step)?);
            Value::Array(range(from, to, step, MAX_RANGE).ok_or(REFUSED)?)
        }
        (Function::ArrayUnique, [Value::Array(items)]) => {
            let distinct = java::distinct(items.clone(), &|steps| outside.0.spend(steps));
            Value::Array(distinct.ok_or(Refusal::TooMuchWork)?)
        }
        (Function::Base64Encode, [Value::String(text)]) => STANDARD.encode(limited(text)?).into(),
        (Function::Base64Decode, [Value::String(text)]) => {
            String::from_utf8_lossy(&base64_decoded(limited(text)?)).into_owned().into()
        }
        (Function::Format, [Value::String(template), arguments @ ..]) => format(template, arguments)?.into(),
        (Function::Hash, [data, Value::String(algorithm)]) => {
            let data = match data {
                Value::String(data) => data.clone(),
                other => other.to_string(),
            };
            hash(limited(&data)?, algorithm).ok_or(REFUSED)?
        }
        (Function::JsonMerge, [Value::Object(left), Value::Object(right), deep]) if *deep != true => {
            let mut merged = left.clone();
            merged.extend(right.clone());
            Value::Object(merged)
        }
        (Function::JsonToString, [value]) => value.to_string().into(),
        (Function::MathAdd, [left, right]) => {
            i32::try_from(rounded(left)? + rounded(right)?).map_err(|_| REFUSED)?.into()
        }
        (Function::MathRandom, [from, to, seed @ ..]) if seed.len() <= 1 => {
            let (from, to) = (integer(from)?, integer(to)?);
            let width = i32::try_from(to - from).ok().filter(|width| *width > 0).ok_or(REFUSED)?;
            let drawn = match seed {
                [seed] => java::Random::seeded(integer(seed)?).below(width),
                _ => (outside.0.random() % u64::from(width.unsigned_abs())) as i64,
            };
            (from + drawn).into()
        }
        (Function::StringSplit, [Value::String(text), Value::String(delimiters)]) => {
            // As StringUtils.split in Java: each character separates, and nothing comes of two separators in
            // a row.
            let delimiters: HashSet<char> = delimiters.chars().collect();
            let parts = text.split(|c| delimiters.contains(&c)).filter(|part| !part.is_empty());
            Value::Array(parts.map(Value::from).collect())
        }
        (Function::StringToJson, [Value::String(json)]) if json.trim().is_empty() => Value::Null,
        (Function::StringToJson, [Value::String(json)]) => serde_json::from_str(json).map_err(|error| {
            Refusal::Reason(format!(
                "Cannot convert String to Json in States.StringToJson, caused by: {error}"
            ))
        })?,
        // AWS takes any arguments here, and looks at none.
        (Function::Uuid, _) => uuid(&mut || outside.0.random()).into(),
        _ => return Err(REFUSED),
    })
}

/// A random (version 4) UUID.
pub(crate) fn uuid(random: &mut dyn FnMut() -> u64) -> String {
    let (high, low) = (random(), random());
    let high = (high & !0xF000) | 0x4000;
    let low = (low & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000;
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xFFFF,
        high & 0xFFFF,
        low >> 48,
        low & 0xFFFF_FFFF_FFFF
    )
}

/// `States.Hash` and `$hash`: the digest in hexadecimal. `None` for an algorithm that doesn't exist.
pub(crate) fn hash(data: &str, algorithm: &str) -> Option<Value> {
    fn hex(digest: impl AsRef<[u8]>) -> Value {
        Value::String(digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
    }
    Some(match algorithm {
        "MD5" => hex(Md5::digest(data)),
        "SHA-1" => hex(Sha1::digest(data)),
        "SHA-256" => hex(Sha256::digest(data)),
        "SHA-384" => hex(Sha384::digest(data)),
        "SHA-512" => hex(Sha512::digest(data)),
        _ => return None,
    })
}

/// `States.ArrayRange` and `$range`: the whole numbers between two ends, both included. `None` for a step of
/// zero, and when there would be more than `most`.
pub(crate) fn range(from: i64, to: i64, step: i64, most: usize) -> Option<Vec<Value>> {
    let distance = i128::from(to) - i128::from(from);
    let count = distance.checked_div(i128::from(step))?;
    if distance.signum() * i128::from(step).signum() < 0 {
        return Some(Vec::new());
    }
    let count = usize::try_from(count).ok()?.checked_add(1)?;
    if count > most {
        return None;
    }
    Some((0..count).map(|at| (from + at as i64 * step).into()).collect())
}

/// Puts the arguments in place of the `{}` in the template.
fn format(template: &str, arguments: &[Value]) -> Result<String, Refusal> {
    let unmatched = |open: char, other: char| {
        Refusal::Reason(format!(
            "Invalid template in States.Format: matching '{other}' not found for '{open}'."
        ))
    };
    let mut text = String::with_capacity(template.len());
    let mut arguments = arguments.iter();
    let mut chars = template.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.extend(chars.next()),
            '{' if chars.peek() == Some(&'}') => {
                chars.next();
                text.push_str(&java::text(arguments.next().ok_or(REFUSED)?));
            }
            '{' => return Err(unmatched('{', '}')),
            '}' => return Err(unmatched('}', '{')),
            _ => text.push(c),
        }
    }
    match arguments.next() {
        Some(_) => Err(REFUSED),
        None => Ok(text),
    }
}

/// Decodes as leniently as AWS does: padding ends the text wherever it stands, and what is no letter of
/// either alphabet is skipped.
fn base64_decoded(text: &str) -> Vec<u8> {
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
    for c in text.bytes().take_while(|c| *c != b'=') {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => continue,
        };
        bits = (bits << 6 | u32::from(value)) & 0xFFFF;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    bytes
}

fn limited(text: &str) -> Result<&str, Refusal> {
    if text.chars().count() > MAX_TEXT { Err(REFUSED) } else { Ok(text) }
}

/// A number without its fraction, which must fit into 32 bits.
fn integer(value: &Value) -> Result<i64, Refusal> {
    in_32_bits(value.as_f64().ok_or(REFUSED)?.trunc())
}

/// A number rounded as Java's Math.round does, halves towards positive infinity. It must fit into 32 bits.
fn rounded(value: &Value) -> Result<i64, Refusal> {
    in_32_bits((value.as_f64().ok_or(REFUSED)? + 0.5).floor())
}

fn in_32_bits(value: f64) -> Result<i64, Refusal> {
    if (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&value) { Ok(value as i64) } else { Err(REFUSED) }
}

/// Spreads a seed over 64 bits, so that the same seed gives the same number (splitmix64).
pub(crate) fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The number as JSON, without a fraction where it has none. `None` for infinity and what is no number.
pub(crate) fn json_number(value: f64) -> Option<Number> {
    if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 {
        return Some(Number::from(value as i64));
    }
    Number::from_f64(value)
}
