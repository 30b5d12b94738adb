//! Event patterns. Source: Amazon EventBridge User Guide, "Event patterns" and "Comparison operators".

use serde_json::{Map, Value};

/// A compiled event pattern.
#[derive(Debug, Clone)]
pub struct Pattern(Vec<(String, Node)>);

#[derive(Debug, Clone)]
enum Node {
    Nested(Pattern),
    Either(Vec<Pattern>),
    Any(Vec<Test>),
}

#[derive(Debug, Clone)]
enum Test {
    Equals(Value),
    EqualsIgnoreCase(String),
    Prefix(String),
    Suffix(String),
    AnythingBut(Vec<Value>),
    Exists(bool),
    Numeric(Vec<(String, f64)>),
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// A text that names the part that is not supported.
    pub fn parse(pattern: &Value) -> Result<Self, String> {
        let fields =
            pattern.as_object().ok_or_else(|| format!("a pattern must be an object, not {pattern}"))?;
        fields
            .iter()
            .map(|(name, value)| Ok((name.clone(), node(name, value)?)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether the event matches, that is, whether every field of the pattern does.
    pub fn matches(&self, event: &Value) -> bool {
        self.0.iter().all(|(name, node)| match node {
            Node::Either(patterns) => patterns.iter().any(|pattern| pattern.matches(event)),
            Node::Nested(pattern) => pattern.matches(event.get(name).unwrap_or(&Value::Null)),
            Node::Any(tests) => tests.iter().any(|test| test.passes_field(event.get(name))),
        })
    }

    /// Whether an event may match of which only this part is known: what is missing could be anything.
    pub fn may_match(&self, part: &Value) -> bool {
        self.0.iter().all(|(name, node)| match (node, part.get(name)) {
            (Node::Either(patterns), _) => patterns.iter().any(|pattern| pattern.may_match(part)),
            (_, None) => true,
            (Node::Nested(pattern), Some(part)) => pattern.may_match(part),
            (Node::Any(tests), field) => tests.iter().any(|test| test.passes_field(field)),
        })
    }
}

fn node(name: &str, value: &Value) -> Result<Node, String> {
    match value {
        Value::Array(patterns) if name == "$or" => {
            patterns.iter().map(Pattern::parse).collect::<Result<_, _>>().map(Node::Either)
        }
        Value::Array(tests) => tests.iter().map(test).collect::<Result<_, _>>().map(Node::Any),
        Value::Object(_) => Pattern::parse(value).map(Node::Nested),
        other => Err(format!("'{name}' must be a list or an object, not {other}")),
    }
}

fn test(value: &Value) -> Result<Test, String> {
    let Value::Object(operator) = value else { return Ok(Test::Equals(value.clone())) };
    let unsupported = || Err(format!("the comparison {value} is not supported here"));
    let Some((name, operand)) = single(operator) else { return unsupported() };
    match (name.as_str(), operand) {
        ("prefix", Value::String(text)) => Ok(Test::Prefix(text.clone())),
        ("suffix", Value::String(text)) => Ok(Test::Suffix(text.clone())),
        ("equals-ignore-case", Value::String(text)) => Ok(Test::EqualsIgnoreCase(text.to_lowercase())),
        ("exists", Value::Bool(exists)) => Ok(Test::Exists(*exists)),
        ("anything-but", Value::Array(values)) => Ok(Test::AnythingBut(values.clone())),
        ("anything-but", Value::String(_) | Value::Number(_)) => Ok(Test::AnythingBut(vec![operand.clone()])),
        ("numeric", Value::Array(parts)) => {
            numeric(parts).map_or_else(unsupported, |tests| Ok(Test::Numeric(tests)))
        }
        _ => unsupported(),
    }
}

fn numeric(parts: &[Value]) -> Option<Vec<(String, f64)>> {
    let pairs = parts.chunks(2).map(|pair| {
        let operator = pair.first()?.as_str().filter(|op| ["=", "<", "<=", ">", ">="].contains(op))?;
        Some((operator.to_owned(), pair.get(1)?.as_f64()?))
    });
    pairs.collect()
}

fn single(operator: &Map<String, Value>) -> Option<(&String, &Value)> {
    if operator.len() == 1 { operator.iter().next() } else { None }
}

impl Test {
    fn passes_field(&self, field: Option<&Value>) -> bool {
        match (self, field) {
            (Self::Exists(wanted), field) => field.is_some() == *wanted,
            (_, None) => false,
            (_, Some(Value::Array(items))) => items.iter().any(|item| self.passes(item)),
            (_, Some(value)) => self.passes(value),
        }
    }

    fn passes(&self, value: &Value) -> bool {
        let text = value.as_str();
        match self {
            Self::Equals(wanted) => wanted == value,
            Self::EqualsIgnoreCase(wanted) => text.is_some_and(|text| text.to_lowercase() == *wanted),
            Self::Prefix(prefix) => text.is_some_and(|text| text.starts_with(prefix)),
            Self::Suffix(suffix) => text.is_some_and(|text| text.ends_with(suffix)),
            Self::AnythingBut(values) => !values.contains(value),
            Self::Exists(wanted) => *wanted,
            Self::Numeric(tests) => value.as_f64().is_some_and(|number| {
                tests.iter().all(|(operator, limit)| match operator.as_str() {
                    "<" => number < *limit,
                    "<=" => number <= *limit,
                    ">" => number > *limit,
                    ">=" => number >= *limit,
                    _ => (number - limit).abs() < f64::EPSILON,
                })
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pattern_matches_what_eventbridge_would() {
        let event = json!({ "source": "omniflow.orders", "detail": { "state": "PAID", "amount": 12.5, "tags": ["a"] } });
        let matches = |pattern: Value| Pattern::parse(&pattern).unwrap().matches(&event);
        assert!(matches(json!({ "source": ["omniflow.orders"] })));
        assert!(matches(
            json!({ "detail": { "state": ["PAID", "COMPLETED"], "amount": [{ "numeric": [">", 10, "<", 20] }] } })
        ));
        assert!(matches(json!({ "detail": { "tags": ["a", "b"], "reason": [{ "exists": false }] } })));
        assert!(matches(json!({ "source": [{ "prefix": "omniflow." }] })));
        assert!(matches(json!({ "$or": [{ "source": ["x"] }, { "detail": { "state": ["PAID"] } }] })));
        assert!(!matches(json!({ "detail": { "state": [{ "anything-but": ["PAID"] }] } })));
        assert!(!matches(json!({ "account": ["1"] })));
        let may_match = |pattern: Value| Pattern::parse(&pattern).unwrap().may_match(&event);
        assert!(may_match(json!({ "account": ["1"], "detail": { "state": ["PAID"], "city": ["x"] } })));
        assert!(!may_match(json!({ "account": ["1"], "detail": { "state": ["SHIPPING"] } })));
    }

    #[test]
    fn an_unknown_comparison_is_refused_by_name() {
        let refused = Pattern::parse(&json!({ "source": [{ "cidr": "10.0.0.0/8" }] })).unwrap_err();
        assert!(refused.contains("cidr"), "{refused}");
    }
}
