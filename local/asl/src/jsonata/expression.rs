//! Compiling an expression.

use std::collections::BTreeSet;
use std::panic::catch_unwind;

use jsonata_core::ast::AstNode;
use jsonata_core::parser;
use serde_json::Value;

use super::usage::Usage;
use super::{dialect, guards};

/// A compiled expression.
#[derive(Debug)]
pub(crate) struct Expression {
    source: String,
    pub(super) strategy: Strategy,
    pub(super) usage: Usage,
    /// Whether the expression can build deeply nested values, and so needs a big stack to run on.
    pub(super) deep: bool,
}

/// How to evaluate an expression.
#[derive(Debug)]
pub(super) enum Strategy {
    /// The expression is `$states.input.a.b` or `$variable.a`: take the variable, and follow the names.
    Pick(String, Vec<String>),
    /// The expression is anything else: run it with the JSONata library.
    Run(Program),
}

/// What the JSONata library runs.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) ast: Box<AstNode>,
    /// Whether it calls guards, which must be registered then.
    pub(super) is_guarded: bool,
}

impl Program {
    /// The syntax tree, which `tree` is as JSON, with what the dialect and the guards add to it. These variables of the
    /// state have the names of guarded functions.
    fn of(ast: AstNode, tree: Value, variables: &BTreeSet<String>) -> Self {
        let (ast, tree) = match dialect::with_fifteen_digits(&tree) {
            Some(ast) => {
                let tree = serde_json::to_value(&ast).unwrap_or(Value::Null);
                (ast, tree)
            }
            None => (ast, tree),
        };
        // The guards are built of the library's own nodes, so they can be read.
        let guarded = guards::guarded(&tree, variables);
        match guarded.and_then(|guarded| serde_json::from_value(guarded).ok()) {
            Some(ast) => Self { ast: Box::new(ast), is_guarded: true },
            None => Self { ast: Box::new(ast), is_guarded: false },
        }
    }
}

/// The text is no JSONata; the message is that of JSONata 2.0.6, without its code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct SyntaxError(pub(crate) String);

/// The expression in `{% … %}`, if the text is one (Amazon States Language, "Using JSONata expressions":
/// nothing stands before or after the delimiters).
pub(crate) fn delimited(text: &str) -> Option<&str> {
    text.strip_prefix("{%")?.strip_suffix("%}").map(str::trim)
}

/// Whether the text is meant as an expression, but has something before or behind its delimiters, or lacks one
/// of them.
pub(crate) fn is_misdelimited(text: &str) -> bool {
    text.starts_with("{%") != text.ends_with("%}")
}

/// Whether the text is an expression, from its first character to its last.
pub(crate) fn is_delimited(text: &str) -> bool {
    delimited(text).is_some()
}

/// Bytes of stack for parsing an expression and for walking its syntax tree, which recurse deeper than a
/// thread's own stack may allow.
const STACK: usize = 16 << 20;
/// Bytes of stack that must be left for doing it without a stack of its own.
const STACK_LEFT: usize = 4 << 20;

impl Expression {
    /// Compiles the text between the delimiters.
    pub(crate) fn parse(source: &str) -> Result<Self, SyntaxError> {
        stacker::maybe_grow(STACK_LEFT, STACK, || {
            // The parser is not ours: where it panics, the text is refused, and nothing else happens.
            let ast = catch_unwind(|| parser::parse(source))
                .map_err(|_| SyntaxError("the parser of JSONata failed on the expression".to_owned()))?
                .map_err(|error| SyntaxError(dialect::message(source, &error.to_string())))?;
            let tree = serde_json::to_value(&ast).unwrap_or(Value::Null);
            if let Some(message) = dialect::too_new(&tree) {
                return Err(SyntaxError(message.to_owned()));
            }
            let mut usage = Usage::of(&tree);
            if dialect::writes_numbers(&tree) {
                usage.functions.insert(dialect::DIGITS.to_owned());
            }
            let strategy =
                pick(&tree).unwrap_or_else(|| Strategy::Run(Program::of(ast, tree, &BTreeSet::new())));
            let deep = usage.functions.contains("reduce") || usage.recursive;
            Ok(Self { source: source.to_owned(), strategy, usage, deep })
        })
    }

    /// What is run when these variables of the state have the names of guarded functions.
    pub(super) fn hiding(&self, variables: &BTreeSet<String>) -> Option<Program> {
        stacker::maybe_grow(STACK_LEFT, STACK, || {
            let ast = parser::parse(&self.source).ok()?;
            let tree = serde_json::to_value(&ast).unwrap_or(Value::Null);
            Some(Program::of(ast, tree, variables))
        })
    }

    /// The expression as the definition has it, without the delimiters.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// The variables that the expression does not bind itself, without `states`.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.usage.free.iter().map(String::as_str).filter(|name| *name != "states")
    }

    /// Why AWS doesn't take the expression, if it doesn't: it looks a name up where there is nothing to look it
    /// up in, or uses a member of `$states` that is not among those that the field has.
    pub(crate) fn unsupported(&self, members: &[&str]) -> Option<String> {
        if let Some(name) = &self.usage.top_level {
            return Some(format!("Reference to '{name}' at the top level is not supported."));
        }
        if self.usage.root {
            return Some("Reference to '$$' is not supported.".to_owned());
        }
        let missing = self.usage.members.iter().find(|member| !members.contains(&member.as_str()))?;
        Some(format!("Field '$states.{missing}' does not exist."))
    }

    /// Whether the expression needs this member of `$states`.
    pub(super) fn wants(&self, member: &str) -> bool {
        self.usage.whole || self.usage.members.contains(member)
    }
}

/// The strategy for a syntax tree that only picks something; `None` when it does more.
fn pick(tree: &Value) -> Option<Strategy> {
    if let Some(name) =
        tree.get("Variable").and_then(Value::as_str).filter(|n| !n.is_empty() && *n != "states" && *n != "$")
    {
        return Some(Strategy::Pick(name.to_owned(), Vec::new()));
    }
    let steps = tree.get("Path")?.get("steps")?.as_array()?;
    let mut names = Vec::new();
    let mut root = None;
    for (i, step) in steps.iter().enumerate() {
        let plain = step.get("stages").and_then(Value::as_array).is_some_and(Vec::is_empty)
            && step.get("focus").is_none_or(Value::is_null)
            && step.get("index_var").is_none_or(Value::is_null)
            && step.get("is_tuple").is_none_or(|t| t == false);
        let node = step.get("node").filter(|_| plain)?;
        if i == 0 {
            root = node.get("Variable").and_then(Value::as_str).filter(|n| !n.is_empty() && *n != "$");
            root?;
        } else {
            names.push(node.get("Name")?.as_str()?.to_owned());
        }
    }
    let root = root?.to_owned();
    let known = root != "states"
        || names
            .first()
            .is_some_and(|n| matches!(n.as_str(), "input" | "result" | "errorOutput" | "context"));
    known.then_some(Strategy::Pick(root, names))
}
