//! Comparisons in filters.

use std::cmp::Ordering;

use serde_json::Value;

use super::syntax::Operator;
use crate::budget::Budget;

/// Whether a comparison holds; `None` stands for a path that leads nowhere, which equals nothing.
pub(super) fn holds(
    left: Option<&Value>,
    operator: Operator,
    right: Option<&Value>,
    budget: &Budget,
) -> bool {
    match operator {
        Operator::Equal => equal(left, right),
        Operator::NotEqual => !equal(left, right),
        Operator::In => {
            let items = right.and_then(Value::as_array);
            items.is_some_and(|items| items.iter().any(|item| budget.spend(1) && equal(left, Some(item))))
        }
        Operator::NotIn => !holds(left, Operator::In, right, budget),
        Operator::Less => order(left, right) == Some(Ordering::Less),
        Operator::LessOrEqual => matches!(order(left, right), Some(Ordering::Less | Ordering::Equal)),
        Operator::Greater => order(left, right) == Some(Ordering::Greater),
        Operator::GreaterOrEqual => matches!(order(left, right), Some(Ordering::Greater | Ordering::Equal)),
    }
}

/// Numbers are equal by value, whether they are written with a fraction or not.
fn equal(left: Option<&Value>, right: Option<&Value>) -> bool {
    match (left, right) {
        (Some(Value::Number(a)), Some(Value::Number(b))) => a.as_f64() == b.as_f64(),
        (a, b) => a.is_some() && a == b,
    }
}

/// Only two numbers or two texts have an order.
fn order(left: Option<&Value>, right: Option<&Value>) -> Option<Ordering> {
    match (left?, right?) {
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => None,
    }
}
