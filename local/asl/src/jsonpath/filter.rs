//! Filters, `[?(@.price < 10 && @.tag in ['a', 'b'])]`.

use std::cmp::Ordering;

use serde_json::Value;

use super::Step;
use super::eval;
use super::parse::Parser;

/// A filter's condition.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expression {
    /// `a || b`.
    Or(Vec<Expression>),
    /// `a && b`.
    And(Vec<Expression>),
    /// `!a`.
    Not(Box<Expression>),
    /// A path on its own: does it lead anywhere?
    Exists(Operand),
    /// A comparison.
    Compare(Operand, Operator, Operand),
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand {
    /// `@...`, from the item.
    Item(Vec<Step>),
    /// `$...`, from the root.
    Root(Vec<Step>),
    /// A literal.
    Literal(Value),
}

/// A comparison operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

const OPERATORS: [(&str, Operator); 8] = [
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("<", Operator::Less),
    (">", Operator::Greater),
    ("in ", Operator::In),
    ("nin ", Operator::NotIn),
];

/// Parses `(condition)`.
pub(super) fn parse(parser: &mut Parser<'_>) -> Option<Expression> {
    if !parser.eat("(") {
        return None;
    }
    let mut any = vec![all(parser)?];
    while parser.eat("||") {
        any.push(all(parser)?);
    }
    if !parser.eat(")") {
        return None;
    }
    Some(if any.len() == 1 { any.remove(0) } else { Expression::Or(any) })
}

fn all(parser: &mut Parser<'_>) -> Option<Expression> {
    let mut all = vec![single(parser)?];
    while parser.eat("&&") {
        all.push(single(parser)?);
    }
    Some(if all.len() == 1 { all.remove(0) } else { Expression::And(all) })
}

fn single(parser: &mut Parser<'_>) -> Option<Expression> {
    parser.space();
    let expression = if parser.rest.starts_with('!') && !parser.rest.starts_with("!=") {
        parser.eat("!");
        Expression::Not(Box::new(parser.nested(single)?))
    } else if parser.rest.starts_with('(') {
        parser.nested(parse)?
    } else {
        let left = operand(parser)?;
        parser.space();
        match OPERATORS.iter().find(|(token, _)| parser.rest.starts_with(token)) {
            Some((token, operator)) => {
                parser.eat(token);
                parser.space();
                Expression::Compare(left, *operator, operand(parser)?)
            }
            None if matches!(left, Operand::Literal(_)) => return None,
            None => Expression::Exists(left),
        }
    };
    parser.space();
    Some(expression)
}

fn operand(parser: &mut Parser<'_>) -> Option<Operand> {
    if parser.rest.starts_with(['@', '$']) {
        let (current, steps) = parser.relative()?;
        return Some(if current { Operand::Item(steps) } else { Operand::Root(steps) });
    }
    literal(parser).map(Operand::Literal)
}

fn literal(parser: &mut Parser<'_>) -> Option<Value> {
    if parser.rest.starts_with(['\'', '"']) {
        return parser.quoted().map(Value::String);
    }
    if parser.eat("[") {
        let mut items = Vec::new();
        parser.space();
        while !parser.eat("]") {
            if parser.rest.starts_with('[') {
                return None;
            }
            items.push(literal(parser)?);
            parser.space();
            if !parser.eat(",") && !parser.rest.starts_with(']') {
                return None;
            }
            parser.space();
        }
        return Some(Value::Array(items));
    }
    let end = parser
        .rest
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+')))
        .unwrap_or(parser.rest.len());
    let (word, rest) = parser.rest.split_at(end);
    let value: Value = serde_json::from_str(word).ok()?;
    parser.rest = rest;
    Some(value)
}

impl Expression {
    pub(super) fn holds(&self, item: &Value, root: &Value) -> bool {
        match self {
            Self::Or(any) => any.iter().any(|e| e.holds(item, root)),
            Self::And(all) => all.iter().all(|e| e.holds(item, root)),
            Self::Not(e) => !e.holds(item, root),
            Self::Exists(operand) => operand.value(item, root).is_some(),
            Self::Compare(left, operator, right) => {
                let (left, right) = (left.value(item, root), right.value(item, root));
                compare(left.as_ref(), *operator, right.as_ref())
            }
        }
    }
}

impl Operand {
    fn value(&self, item: &Value, root: &Value) -> Option<Value> {
        let (steps, from) = match self {
            Self::Item(steps) => (steps, item),
            Self::Root(steps) => (steps, root),
            Self::Literal(value) => return Some(value.clone()),
        };
        let definite = steps.iter().all(|s| matches!(s, Step::Child(_) | Step::Index(_) | Step::Length));
        eval::select(steps, definite, from).ok().map(|v| v.into_owned())
    }
}

fn compare(left: Option<&Value>, operator: Operator, right: Option<&Value>) -> bool {
    match operator {
        Operator::Equal => equal(left, right),
        Operator::NotEqual => !equal(left, right),
        Operator::In => {
            right.and_then(Value::as_array).is_some_and(|a| a.iter().any(|v| equal(left, Some(v))))
        }
        Operator::NotIn => !compare(left, Operator::In, right),
        Operator::Less => order(left, right) == Some(Ordering::Less),
        Operator::LessOrEqual => matches!(order(left, right), Some(Ordering::Less | Ordering::Equal)),
        Operator::Greater => order(left, right) == Some(Ordering::Greater),
        Operator::GreaterOrEqual => matches!(order(left, right), Some(Ordering::Greater | Ordering::Equal)),
    }
}

fn equal(left: Option<&Value>, right: Option<&Value>) -> bool {
    match (left, right) {
        (Some(Value::Number(a)), Some(Value::Number(b))) => a.as_f64() == b.as_f64(),
        (a, b) => a.is_some() && a == b,
    }
}

fn order(left: Option<&Value>, right: Option<&Value>) -> Option<Ordering> {
    match (left?, right?) {
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => None,
    }
}
