//! The grammar of calls. How many arguments a function takes is no part of it: AWS looks at that when the call
//! is evaluated. Text is in single quotes. A backslash may stand before `'`, `{`, `}` and `\` only,
//! and takes away their meaning.

use serde_json::Value;

use super::syntax::{Argument, Function, FunctionCall};
use crate::jsonpath::JsonPath;

/// AWS allows ten levels of nesting (Developer Guide, "Intrinsics for JSONPath states").
const MAX_NESTING: usize = 10;

/// Parses a whole call; `None` when it is not one.
pub(super) fn call(source: &str) -> Option<FunctionCall> {
    let (call, rest) = nested(source, 0)?;
    rest.is_empty().then_some(call)
}

/// Parses a call at the start of the text, and returns it with the text after it.
fn nested(source: &str, depth: usize) -> Option<(FunctionCall, &str)> {
    if depth > MAX_NESTING {
        return None;
    }
    let open = source.find('(')?;
    let name = source.get(..open)?.strip_prefix("States.")?;
    let function = Function::named(name)?;
    let mut rest = source.get(open + 1..)?.trim_start();
    let mut arguments = Vec::new();
    if let Some(after) = rest.strip_prefix(')') {
        rest = after;
    } else {
        loop {
            let (argument, after) = argument(rest, depth)?;
            arguments.push(argument);
            let after = after.trim_start();
            if let Some(after) = after.strip_prefix(')') {
                rest = after;
                break;
            }
            rest = after.strip_prefix(',')?.trim_start();
        }
    }
    let length = source.len() - rest.len();
    Some((FunctionCall { source: source[..length].to_owned(), function, arguments }, rest))
}

/// Parses one argument, and returns it with what follows.
fn argument(source: &str, depth: usize) -> Option<(Argument, &str)> {
    if source.starts_with('\'') {
        return text(source);
    }
    if source.starts_with("States.") {
        let (call, rest) = nested(source, depth + 1)?;
        return Some((Argument::Call(call), rest));
    }
    let end = end_of_argument(source)?;
    let (word, rest) = source.split_at(end);
    let word = word.trim_end();
    if word.starts_with('$') {
        return Some((Argument::Path(JsonPath::parse(word)?), rest));
    }
    let value: Value = serde_json::from_str(word).ok()?;
    matches!(value, Value::Number(_) | Value::Bool(_) | Value::Null)
        .then_some((Argument::Literal(value), rest))
}

/// The place of the comma or parenthesis that ends a path or a literal. One inside brackets or quotes does
/// not end it.
fn end_of_argument(source: &str) -> Option<usize> {
    let (mut depth, mut quote) = (0_usize, None);
    let mut chars = source.char_indices();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (Some(_), '\\') => {
                chars.next();
            }
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '[' | '(') => depth += 1,
            (None, ')' | ',') if depth == 0 => return Some(at),
            (None, ']' | ')') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// Parses text in quotes, and returns it with what follows.
fn text(source: &str) -> Option<(Argument, &str)> {
    let (mut plain, mut template) = (String::new(), String::new());
    let mut chars = source.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' => return Some((Argument::Text { plain, template }, &source[at + 1..])),
            '\\' => {
                let escaped = chars.next()?.1;
                if !matches!(escaped, '\'' | '{' | '}' | '\\') {
                    return None;
                }
                template.extend(['\\', escaped]);
                plain.push(escaped);
            }
            _ => {
                template.push(c);
                plain.push(c);
            }
        }
    }
    None
}
