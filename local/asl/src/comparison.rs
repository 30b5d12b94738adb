//! The comparison operators of JSONPath's Choice rules (Amazon States Language, "Data-test expression"). A
//! value of another type than the operator's makes the comparison false, never an error.

use std::cmp::Ordering;

use serde_json::Value;

use crate::error::{Evaluated, Failure};
use crate::jsonpath::{JsonPath, Missing};
use crate::time;

/// A rule's `Variable`, and what is asked about its value.
#[derive(Debug)]
pub(crate) struct Comparison {
    variable: JsonPath,
    predicate: Predicate,
}

#[derive(Debug)]
enum Predicate {
    /// How the value relates to an operand of the given type.
    Compare(Type, Relation, Operand),
    /// Whether the value matches a StringMatches pattern.
    Matches(Vec<Piece>),
    /// Whether the value has this nature, or, with `false`, has it not.
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

/// What a value is compared with: a value of the definition, or one that a path leads to.
#[derive(Debug)]
enum Operand {
    Literal(Value),
    Path(JsonPath),
}

/// What the operators `IsNull`, `IsPresent` and so on ask about a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nature {
    Boolean,
    Null,
    Numeric,
    Present,
    String,
    Timestamp,
}

/// A piece of a StringMatches pattern: a star, which stands for any characters, or a character for itself.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Star,
    Char(char),
}

/// Takes the name of an operator apart, such as `NumericLessThan`. The name must be without `Path` at its
/// end.
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

/// The nature that an operator such as `IsString` asks about.
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

/// Whether a field of a rule is a comparison operator.
pub(crate) fn is_operator(field: &str) -> bool {
    field == "StringMatches"
        || nature(field).is_some()
        || compared(field.strip_suffix("Path").unwrap_or(field)).is_some()
}

impl Comparison {
    /// Compiles the comparison of a rule; `None` when the rule has none.
    pub(crate) fn parse(rule: &Value) -> Option<Self> {
        let variable = JsonPath::parse(rule.get("Variable")?.as_str()?)?;
        let predicate = rule.as_object()?.iter().find_map(|(field, value)| predicate(field, value))?;
        Some(Self { variable, predicate })
    }

    /// Whether the comparison holds. `look_up` gives the value that a path leads to.
    pub(crate) fn holds(&self, look_up: &dyn Fn(&JsonPath) -> Result<Value, Missing>) -> Evaluated<bool> {
        let value = look_up(&self.variable);
        if let Predicate::Is(Nature::Present, expected) = self.predicate {
            return Ok(value.is_ok() == expected);
        }
        let value = value.map_err(|_| invalid(&self.variable))?;
        Ok(match &self.predicate {
            Predicate::Is(nature, expected) => is(*nature, &value) == *expected,
            Predicate::Matches(pattern) => value.as_str().is_some_and(|text| matches(pattern, text)),
            Predicate::Compare(kind, relation, Operand::Literal(operand)) => {
                compare(*kind, *relation, &value, operand)
            }
            Predicate::Compare(kind, relation, Operand::Path(path)) => {
                let operand = look_up(path).map_err(|_| invalid(path))?;
                compare(*kind, *relation, &value, &operand)
            }
        })
    }
}

/// The failure for a path that leads nowhere.
fn invalid(path: &JsonPath) -> Failure {
    Failure::runtime(format!(
        "Invalid path '{}': The choice state's condition path references an invalid value.",
        path.source()
    ))
}

/// The predicate that a field of a rule and its value make; `None` when the field is no operator.
fn predicate(field: &str, value: &Value) -> Option<Predicate> {
    if field == "StringMatches" {
        return Some(Predicate::Matches(pattern(value.as_str()?)));
    }
    if let Some(nature) = nature(field) {
        return Some(Predicate::Is(nature, value.as_bool()?));
    }
    if let Some((kind, relation)) = compared(field) {
        return Some(Predicate::Compare(kind, relation, Operand::Literal(value.clone())));
    }
    let (kind, relation) = compared(field.strip_suffix("Path")?)?;
    Some(Predicate::Compare(kind, relation, Operand::Path(JsonPath::parse(value.as_str()?)?)))
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

/// Takes a StringMatches pattern apart. A backslash makes the character after it ordinary.
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

/// Whether a text matches a pattern. Each star takes as little as it can; where the rest then fails, only the
/// last star is tried again with one character more. So there is no recursion, and no memory beyond the text.
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
