//! Conversions between JSON and the JSONata library's own values.

use jsonata_core::value::{JArray, JValue};
use serde_json::{Map, Value};

use crate::intrinsic;

/// Levels of nesting that a result may have; no payload has more.
const MAX_NESTING: usize = 100;
/// Values that a result may hold: more have no room in a payload. A value of the library can hold another one many
/// times for the price of one.
const MAX_VALUES: usize = 256 * 1024;
/// Bytes that the texts of a result may have together. A payload has a sixteenth of it, and is measured later.
const MAX_TEXT: usize = 4 << 20;

/// The value as the JSONata library has it.
pub(super) fn from_json(value: &Value) -> JValue {
    match value {
        Value::Null => JValue::Null,
        Value::Bool(b) => JValue::Bool(*b),
        Value::Number(n) => JValue::Number(n.as_f64().unwrap_or(0.0)),
        Value::String(s) => JValue::string(s.as_str()),
        Value::Array(items) => {
            let flat = !items.iter().any(Value::is_array);
            JValue::Array(JArray::new_flat(items.iter().map(from_json).collect(), flat))
        }
        Value::Object(map) => JValue::object(map.iter().map(|(k, v)| (k.clone(), from_json(v))).collect()),
    }
}

/// The value as JSON. An error says why JSON has no such value, in words that follow "unsupported result
/// type".
pub(super) fn to_json(value: &JValue) -> Result<Value, &'static str> {
    convert(value, MAX_NESTING, &mut Room { values: MAX_VALUES, text: MAX_TEXT })
}

/// How much a result may still hold.
struct Room {
    values: usize,
    text: usize,
}

fn convert(value: &JValue, depth: usize, room: &mut Room) -> Result<Value, &'static str> {
    room.values = room.values.checked_sub(1).ok_or(": too large")?;
    Ok(match value {
        JValue::Null => Value::Null,
        JValue::Bool(b) => Value::Bool(*b),
        JValue::Number(n) => match intrinsic::json_number(*n) {
            Some(number) => Value::Number(number),
            // AWS writes what JSON has no number for as text.
            None if n.is_nan() => "NaN".into(),
            None => if *n > 0.0 { "Infinity" } else { "-Infinity" }.into(),
        },
        JValue::String(s) => {
            room.text = room.text.checked_sub(s.len()).ok_or(": too large")?;
            Value::String(s.to_string())
        }
        JValue::Array(items) => {
            let depth = depth.checked_sub(1).ok_or(": nested too deeply")?;
            let items = items.iter().filter(|item| !item.is_undefined());
            Value::Array(items.map(|item| convert(item, depth, room)).collect::<Result<_, _>>()?)
        }
        JValue::Object(map) => {
            let depth = depth.checked_sub(1).ok_or(": nested too deeply")?;
            let mut object = Map::new();
            for (name, member) in map.iter().filter(|(_, member)| !member.is_undefined()) {
                object.insert(name.clone(), convert(member, depth, room)?);
            }
            Value::Object(object)
        }
        _ => return Err(""),
    })
}
