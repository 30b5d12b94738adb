//! What AWS's JSONata has not, or has otherwise, than the library. AWS runs JSONata 2.0.6 (AWS Step Functions
//! Developer Guide, "Transforming data with JSONata"), and the library is that of later releases.
//!
//! All of this looks at the syntax tree in the form that serde writes it.

use jsonata_core::ast::AstNode;
use jsonata_core::value::JValue;
use serde_json::{Value, json};

/// The function that stands around a value which becomes text, so that it has 15 digits at the most. No
/// expression can name it.
pub(super) const DIGITS: &str = "15 digits";

/// The message of JSONata 2.0.6 for an operator that it doesn't have, if the tree has one.
pub(super) fn too_new(tree: &Value) -> Option<&'static str> {
    match tree {
        Value::Object(map) => {
            let own = match map.get("op").and_then(Value::as_str) {
                Some("Coalesce") => Some("The symbol \"?\" cannot be used as a unary operator"),
                Some("Default") => Some("The symbol \":\" cannot be used as a unary operator"),
                _ => None,
            };
            own.or_else(|| map.values().find_map(too_new))
        }
        Value::Array(items) => items.iter().find_map(too_new),
        _ => None,
    }
}

/// The library's names of the tokens that a message may name, and their texts.
const TOKENS: [(&str, &str); 41] = [
    ("QuestionQuestion", "?"),
    ("QuestionColon", "?"),
    ("Question", "?"),
    ("LessThanOrEqual", "<="),
    ("LessThan", "<"),
    ("GreaterThanOrEqual", ">="),
    ("GreaterThan", ">"),
    ("NotEqual", "!="),
    ("ColonEqual", ":="),
    ("Colon", ":"),
    ("Semicolon", ";"),
    ("TildeArrow", "~>"),
    ("LeftParen", "("),
    ("RightParen", ")"),
    ("LeftBracket", "["),
    ("RightBracket", "]"),
    ("LeftBrace", "{"),
    ("RightBrace", "}"),
    ("Ampersand", "&"),
    ("StarStar", "**"),
    ("Star", "*"),
    ("DotDot", ".."),
    ("Dot", "."),
    ("Comma", ","),
    ("Caret", "^"),
    ("Pipe", "|"),
    ("Plus", "+"),
    ("Minus", "-"),
    ("Slash", "/"),
    ("Percent", "%"),
    ("Equal", "="),
    ("Hash", "#"),
    ("At", "@"),
    ("And", "and"),
    ("Or", "or"),
    ("In", "in"),
    ("True", "true"),
    ("False", "false"),
    ("Null", "null"),
    ("Eof", "(end)"),
    ("Undefined", "undefined"),
];

/// A syntax error as AWS tells it: without JSONata's code, such as `S0201`, and what the library puts before
/// that, and with tokens as they are written.
pub(super) fn message(source: &str, library: &str) -> String {
    let (code, text) = without_code(library);
    if code == Some("S0101") && !ends_within_quotes(source) {
        // The library takes both for the same.
        return "No terminating / in regular expression".to_owned();
    }
    let words = text.split(' ').map(|word| {
        let (name, comma) = word.strip_suffix(',').map_or((word, ""), |name| (name, ","));
        let token = TOKENS.iter().find(|(known, _)| *known == name);
        token.map_or_else(|| word.to_owned(), |(_, token)| format!("\"{token}\"{comma}"))
    });
    words.collect::<Vec<_>>().join(" ")
}

fn without_code(message: &str) -> (Option<&str>, &str) {
    let is_code = |part: &str| {
        part.len() == 5
            && part.starts_with(|c: char| c.is_ascii_uppercase())
            && part[1..].bytes().all(|b| b.is_ascii_digit())
    };
    let mut rest = message;
    while let Some((part, after)) = rest.split_once(": ") {
        if is_code(part) {
            return (Some(part), after);
        }
        rest = after;
    }
    (None, message)
}

/// Whether the text ends inside a quoted text.
fn ends_within_quotes(source: &str) -> bool {
    let mut open = None;
    let mut chars = source.chars();
    while let Some(c) = chars.next() {
        match open {
            Some(_) if c == '\\' => drop(chars.next()),
            Some(quote) if c == quote => open = None,
            None if matches!(c, '"' | '\'' | '`') => open = Some(c),
            _ => {}
        }
    }
    open.is_some()
}

/// Whether an expression makes text of values that may be numbers.
pub(super) fn writes_numbers(tree: &Value) -> bool {
    match tree {
        Value::Object(map) => {
            map.get("op").is_some_and(|op| op == "Concatenate")
                || is_string_call(map.get("Function"))
                || map.values().any(writes_numbers)
        }
        Value::Array(items) => items.iter().any(writes_numbers),
        _ => false,
    }
}

fn is_string_call(function: Option<&Value>) -> bool {
    function.is_some_and(|f| f["name"] == "string" && f["args"].as_array().is_some_and(|a| !a.is_empty()))
}

/// The tree with [`DIGITS`] around what `&` and `$string` make text of; `None` when there is no such thing. In
/// JSONata 2.0.6 a number has 15 digits as text, whole or not; later releases leave whole ones as they are.
pub(super) fn with_fifteen_digits(tree: &Value) -> Option<AstNode> {
    writes_numbers(tree).then(|| serde_json::from_value(rewritten(tree)).ok()).flatten()
}

fn rewritten(tree: &Value) -> Value {
    match tree {
        Value::Array(items) => items.iter().map(rewritten).collect(),
        Value::Object(map) => {
            let mut map: serde_json::Map<_, _> =
                map.iter().map(|(name, value)| (name.clone(), rewritten(value))).collect();
            if map.get("op").is_some_and(|op| op == "Concatenate") {
                for side in ["lhs", "rhs"] {
                    if let Some(operand) = map.get_mut(side) {
                        *operand = rounded(operand.take());
                    }
                }
            }
            if is_string_call(map.get("Function"))
                && let Some(argument) = map.get_mut("Function").and_then(|f| f["args"].get_mut(0))
            {
                *argument = rounded(argument.take());
            }
            Value::Object(map)
        }
        scalar => scalar.clone(),
    }
}

/// The node with [`DIGITS`] around it, unless it is text in any case.
fn rounded(node: Value) -> Value {
    let is_text = node.get("String").is_some()
        || node.pointer("/Binary/op").is_some_and(|op| op == "Concatenate")
        || node == "Placeholder";
    if is_text {
        return node;
    }
    json!({"Function": {"name": DIGITS, "args": [node], "is_builtin": true}})
}

/// A value whose whole numbers have 15 digits at the most.
pub(super) fn fifteen_digits(value: &JValue) -> JValue {
    match value {
        JValue::Number(n) if n.fract() == 0.0 && n.abs() >= 1e15 && n.is_finite() => {
            JValue::Number(format!("{n:.14e}").parse().unwrap_or(*n))
        }
        JValue::Array(items) if items.iter().any(is_affected) => {
            JValue::array(items.iter().map(fifteen_digits).collect())
        }
        JValue::Object(map) if map.values().any(is_affected) => {
            JValue::object(map.iter().map(|(name, value)| (name.clone(), fifteen_digits(value))).collect())
        }
        other => other.clone(),
    }
}

fn is_affected(value: &JValue) -> bool {
    match value {
        JValue::Number(n) => n.abs() >= 1e15,
        JValue::Array(items) => items.iter().any(is_affected),
        JValue::Object(map) => map.values().any(is_affected),
        _ => false,
    }
}
