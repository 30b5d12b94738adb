//! What each function computes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use serde_json::{Number, Value};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::syntax::Function;

/// Items that States.ArrayRange and `$range` may make (Developer Guide, "Intrinsics for JSONPath states":
/// "The newly generated array can't contain more than 1000 elements").
const MAX_RANGE: usize = 1000;
/// Characters that States.Base64Encode, States.Base64Decode and States.Hash take at the most (the same page).
const MAX_TEXT: usize = 10_000;

/// Computes a function. `random` gives 64 random bits at each call; an error says why the arguments are
/// refused.
pub(super) fn call(
    function: Function,
    mut arguments: Vec<Value>,
    random: &mut dyn FnMut() -> u64,
) -> Result<Value, String> {
    let count = arguments.len();
    let mut take = |i: usize| arguments.get_mut(i).map(Value::take).unwrap_or(Value::Null);
    Ok(match function {
        Function::Array => Value::Array(arguments),
        Function::ArrayContains => {
            let (items, value) = (array(take(0))?, take(1));
            Value::Bool(items.iter().any(|item| same(item, &value)))
        }
        Function::ArrayGetItem => {
            let mut items = array(take(0))?;
            let index = integer(&take(1))?;
            match usize::try_from(index) {
                Ok(at) if at < items.len() => items.swap_remove(at),
                _ => return Err(format!("Index {index} is out of bounds")),
            }
        }
        Function::ArrayLength => array(take(0))?.len().into(),
        Function::ArrayPartition => partition(array(take(0))?, integer(&take(1))?)?,
        Function::ArrayRange => range(number(&take(0))?, number(&take(1))?, number(&take(2))?)?,
        Function::ArrayUnique => {
            let mut unique: Vec<Value> = Vec::new();
            for item in array(take(0))? {
                if !unique.iter().any(|known| same(known, &item)) {
                    unique.push(item);
                }
            }
            Value::Array(unique)
        }
        Function::Base64Encode => Value::String(STANDARD.encode(limited(text(take(0))?)?)),
        Function::Base64Decode => {
            let bytes =
                STANDARD.decode(limited(text(take(0))?)?).map_err(|_| "Invalid Base64 text".to_owned())?;
            Value::String(String::from_utf8_lossy(&bytes).into_owned())
        }
        Function::Format => {
            let template = match take(0) {
                Value::String(template) => template,
                _ => return Err("The template must be a string".to_owned()),
            };
            format(&template, &arguments[1..])?
        }
        Function::Hash => {
            let data = match take(0) {
                Value::String(data) => data,
                other => other.to_string(),
            };
            hash(&limited(data)?, &text(take(1))?)?
        }
        Function::JsonMerge => match (take(0), take(1), take(2)) {
            (_, _, Value::Bool(true)) => return Err("Deep merge is not supported".to_owned()),
            (Value::Object(mut left), Value::Object(right), Value::Bool(false)) => {
                left.extend(right);
                Value::Object(left)
            }
            _ => return Err("Two objects and false are expected".to_owned()),
        },
        Function::JsonToString => Value::String(take(0).to_string()),
        Function::MathAdd => {
            let sum = rounded(number(&take(0))?).checked_add(rounded(number(&take(1))?));
            sum.ok_or("The sum is too large")?.into()
        }
        Function::MathRandom => {
            let (from, to) = (rounded(number(&take(0))?), rounded(number(&take(1))?));
            if to <= from {
                return Err("The end must be greater than the start".to_owned());
            }
            let bits = if count == 3 { mix(rounded(number(&take(2))?) as u64) } else { random() };
            let width = to.abs_diff(from);
            from.saturating_add_unsigned(bits % width).into()
        }
        Function::StringSplit => {
            let (value, delimiters) = (text(take(0))?, text(take(1))?);
            // As StringUtils.split in Java: each character separates, and nothing comes of two separators in
            // a row.
            let parts = value.split(|c| delimiters.contains(c)).filter(|part| !part.is_empty());
            Value::Array(parts.map(|part| Value::String(part.to_owned())).collect())
        }
        Function::StringToJson => {
            let json = text(take(0))?;
            if json.trim().is_empty() {
                Value::Null
            } else {
                serde_json::from_str(&json).map_err(|error| format!("Invalid JSON: {error}"))?
            }
        }
        Function::Uuid => Value::String(uuid(random)),
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

/// `States.Hash` and `$hash`: the digest in hexadecimal.
pub(crate) fn hash(data: &str, algorithm: &str) -> Result<Value, String> {
    fn hex(digest: impl AsRef<[u8]>) -> Value {
        Value::String(digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
    }
    Ok(match algorithm {
        "MD5" => hex(Md5::digest(data)),
        "SHA-1" => hex(Sha1::digest(data)),
        "SHA-256" => hex(Sha256::digest(data)),
        "SHA-384" => hex(Sha384::digest(data)),
        "SHA-512" => hex(Sha512::digest(data)),
        _ => return Err(format!("Unknown hash algorithm {algorithm}")),
    })
}

/// `States.ArrayRange` and `$range`: the whole numbers between two ends, both included.
pub(crate) fn range(from: f64, to: f64, step: f64) -> Result<Value, String> {
    let (from, to, step) = (rounded(from), rounded(to), rounded(step));
    if step == 0 {
        return Err("The step must not be zero".to_owned());
    }
    let mut items = Vec::new();
    let mut at = from;
    while (step > 0 && at <= to) || (step < 0 && at >= to) {
        if items.len() == MAX_RANGE {
            return Err(format!("A range has at most {MAX_RANGE} items"));
        }
        items.push(at.into());
        match at.checked_add(step) {
            Some(next) => at = next,
            None => break,
        }
    }
    Ok(Value::Array(items))
}

/// `States.ArrayPartition`: chunks of one size, the last as long as what is left.
fn partition(items: Vec<Value>, size: i64) -> Result<Value, String> {
    let size =
        usize::try_from(size).ok().filter(|s| *s > 0).ok_or("The chunk size must be a positive integer")?;
    Ok(Value::Array(items.chunks(size).map(|chunk| Value::Array(chunk.to_vec())).collect()))
}

/// Puts the arguments in place of the `{}` in the template.
fn format(template: &str, arguments: &[Value]) -> Result<Value, String> {
    let mut text = String::with_capacity(template.len());
    let mut arguments = arguments.iter();
    let mut chars = template.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.extend(chars.next()),
            '{' if chars.peek() == Some(&'}') => {
                chars.next();
                match arguments.next().ok_or("There are fewer arguments than placeholders")? {
                    Value::String(argument) => text.push_str(argument),
                    argument => text.push_str(&argument.to_string()),
                }
            }
            '{' | '}' => return Err("A brace is not closed".to_owned()),
            _ => text.push(c),
        }
    }
    if arguments.next().is_some() {
        return Err("There are more arguments than placeholders".to_owned());
    }
    Ok(Value::String(text))
}

/// Numbers are the same by value, whether they are written with a fraction or not.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}

fn array(value: Value) -> Result<Vec<Value>, String> {
    match value {
        Value::Array(items) => Ok(items),
        _ => Err("An array is expected".to_owned()),
    }
}

fn text(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err("A string is expected".to_owned()),
    }
}

fn limited(text: String) -> Result<String, String> {
    if text.chars().count() > MAX_TEXT {
        return Err(format!("The text is longer than {MAX_TEXT} characters"));
    }
    Ok(text)
}

fn number(value: &Value) -> Result<f64, String> {
    value.as_f64().ok_or_else(|| "A number is expected".to_owned())
}

fn integer(value: &Value) -> Result<i64, String> {
    value.as_f64().map(rounded).ok_or_else(|| "An integer is expected".to_owned())
}

/// Java's Math.round: halves go up, towards positive infinity.
fn rounded(value: f64) -> i64 {
    (value + 0.5).floor() as i64
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
