//! The comparison operators of JSONPath's Choice rules. A value of another type than the operator's makes it false, never an error.

use std::cmp::Ordering;

use serde_json::Value;

use super::Visit;
use crate::error::Failure;
use crate::jsonpath::JsonPath;
use crate::machine::Evaluated;
use crate::time;

/// A comparison.
#[derive(Debug)]
pub(crate) struct Test {
    variable: JsonPath,
    comparison: Comparison,
}

#[derive(Debug)]
enum Comparison {
    Compare(Type, Relation, Operand),
    Matches(Vec<Piece>),
    Is(Nature, bool),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    String,
    Numeric,
    Timestamp,
    Boolean,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Equals,
    LessThan,
    GreaterThan,
    LessThanEquals,
    GreaterThanEquals,
}

#[derive(Debug)]
enum Operand {
    Literal(Value),
    Path(JsonPath),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nature {
    Boolean,
    Null,
    Numeric,
    Present,
    String,
    Timestamp,
}

/// A piece of a StringMatches pattern.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Star,
    Char(char),
}

/// The name of an operator without `Path`, taken apart.
fn compared(operator: &str) -> Option<(Type, Relation)> {
    let (kind, relation) = [
        ("String", Type::String),
        ("Numeric", Type::Numeric),
        ("Timestamp", Type::Timestamp),
        ("Boolean", Type::Boolean),
    ]
    .into_iter()
    .find_map(|(prefix, kind)| Some((kind, operator.strip_prefix(prefix)?)))?;
    let relation = match relation {
        "Equals" => Relation::Equals,
        "LessThan" => Relation::LessThan,
        "GreaterThan" => Relation::GreaterThan,
        "LessThanEquals" => Relation::LessThanEquals,
        "GreaterThanEquals" => Relation::GreaterThanEquals,
        _ => return None,
    };
    (kind != Type::Boolean || relation == Relation::Equals).then_some((kind, relation))
}

fn nature(operator: &str) -> Option<Nature> {
    Some(match operator {
        "IsBoolean" => Nature::Boolean,
        "IsNull" => Nature::Null,
        "IsNumeric" => Nature::Numeric,
        "IsPresent" => Nature::Present,
        "IsString" => Nature::String,
        "IsTimestamp" => Nature::Timestamp,
        _ => return None,
    })
}

/// Whether a rule's field is a comparison operator at all.
pub(crate) fn is_operator(field: &str) -> bool {
    field == "StringMatches"
        || nature(field).is_some()
        || compared(field.strip_suffix("Path").unwrap_or(field)).is_some()
}

impl Test {
    /// Compiles a rule's comparison; `None` when it has none.
    pub(crate) fn compile(rule: &Value) -> Option<Self> {
        let variable = JsonPath::parse(rule.get("Variable")?.as_str()?)?;
        let comparison = rule.as_object()?.iter().find_map(|(field, value)| comparison(field, value))?;
        Some(Self { variable, comparison })
    }

    pub(crate) fn holds(&self, visit: &Visit<'_>, input: &Value) -> Evaluated<bool> {
        let value = visit.look_up(&self.variable, input);
        if let Comparison::Is(Nature::Present, expected) = self.comparison {
            return Ok(value.is_ok() == expected);
        }
        let value = value.map_err(|_| invalid(&self.variable))?;
        Ok(match &self.comparison {
            Comparison::Is(nature, expected) => is(*nature, &value) == *expected,
            Comparison::Matches(pattern) => value.as_str().is_some_and(|text| matches(pattern, text)),
            Comparison::Compare(kind, relation, Operand::Literal(operand)) => {
                compare(*kind, *relation, &value, operand)
            }
            Comparison::Compare(kind, relation, Operand::Path(path)) => {
                let operand = visit.look_up(path, input).map_err(|_| invalid(path))?;
                compare(*kind, *relation, &value, &operand)
            }
        })
    }
}

fn invalid(path: &JsonPath) -> Failure {
    Failure::runtime(format!(
        "Invalid path '{}': The choice state's condition path references an invalid value.",
        path.source()
    ))
}

fn comparison(field: &str, value: &Value) -> Option<Comparison> {
    if field == "StringMatches" {
        return Some(Comparison::Matches(pattern(value.as_str()?)));
    }
    if let Some(nature) = nature(field) {
        return Some(Comparison::Is(nature, value.as_bool()?));
    }
    if let Some((kind, relation)) = compared(field) {
        return Some(Comparison::Compare(kind, relation, Operand::Literal(value.clone())));
    }
    let (kind, relation) = compared(field.strip_suffix("Path")?)?;
    Some(Comparison::Compare(kind, relation, Operand::Path(JsonPath::parse(value.as_str()?)?)))
}

fn is(nature: Nature, value: &Value) -> bool {
    match nature {
        Nature::Boolean => value.is_boolean(),
        Nature::Null => value.is_null(),
        Nature::Numeric => value.is_number(),
        Nature::Present => true,
        Nature::String => value.is_string(),
        Nature::Timestamp => value.as_str().and_then(time::parse).is_some(),
    }
}

fn compare(kind: Type, relation: Relation, left: &Value, right: &Value) -> bool {
    let order = match kind {
        Type::String => left.as_str().zip(right.as_str()).map(|(a, b)| a.cmp(b)),
        Type::Numeric => left.as_f64().zip(right.as_f64()).and_then(|(a, b)| a.partial_cmp(&b)),
        Type::Boolean => left.as_bool().zip(right.as_bool()).map(|(a, b)| a.cmp(&b)),
        Type::Timestamp => {
            let instant = |value: &Value| value.as_str().and_then(time::parse);
            instant(left).zip(instant(right)).map(|(a, b)| a.cmp(&b))
        }
    };
    let Some(order) = order else { return false };
    match relation {
        Relation::Equals => order == Ordering::Equal,
        Relation::LessThan => order == Ordering::Less,
        Relation::GreaterThan => order == Ordering::Greater,
        Relation::LessThanEquals => order != Ordering::Greater,
        Relation::GreaterThanEquals => order != Ordering::Less,
    }
}

fn pattern(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        pieces.push(match c {
            '*' => Piece::Star,
            '\\' => Piece::Char(chars.next().unwrap_or('\\')),
            c => Piece::Char(c),
        });
    }
    pieces
}

/// Greedy matching with one point to go back to: linear in memory, no recursion.
fn matches(pattern: &[Piece], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(Piece::Star) => {
                star = Some((p + 1, t));
                p += 1;
            }
            Some(Piece::Char(c)) if Some(c) == text.get(t) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((after, from)) => {
                    star = Some((after, from + 1));
                    p = after;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|piece| *piece == Piece::Star)
}
