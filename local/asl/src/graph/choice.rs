//! The rules of a Choice.

use super::data::Assign;
use crate::comparison::Comparison;
use crate::jsonata::Expression;
use crate::template::JsonataTemplate;

/// The fields of a Choice.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) rules: Vec<Rule>,
    /// The place of the state that follows when no rule holds.
    pub(crate) default: Option<usize>,
}

/// One top-level rule of a Choice.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) condition: Condition,
    /// The place of the state that follows.
    pub(crate) next: usize,
    pub(crate) output: Option<JsonataTemplate>,
    pub(crate) assign: Assign,
}

/// The condition of a rule.
#[derive(Debug)]
pub(crate) enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Compare(Comparison),
    Expression(Expression),
    /// A JSONata rule may have a plain `true` or `false` as its Condition.
    Constant(bool),
}
