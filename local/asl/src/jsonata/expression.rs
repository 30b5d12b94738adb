//! Compiling an expression.

use std::collections::BTreeSet;
use std::panic::catch_unwind;

use jsonata_core::ast::AstNode;
use jsonata_core::parser;
use serde_json::Value;

use super::guards;
use super::usage::Usage;

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

/// The syntax tree with its guards, where it needs some.
fn guarded(tree: &Value, variables: &BTreeSet<String>) -> Option<Box<AstNode>> {
    let guarded = guards::guarded(tree, variables)?;
    // The guards are built of the library's own nodes, so they can be read.
    serde_json::from_value(guarded).ok().map(Box::new)
}

/// The text is no JSONata; the message is the library's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct SyntaxError(pub(crate) String);

/// The expression in `{% … %}`, if the text is one (Amazon States Language, "Using JSONata expressions":
/// nothing stands before or after the delimiters).
pub(crate) fn delimited(text: &str) -> Option<&str> {
    text.strip_prefix("{%")?.strip_suffix("%}").map(str::trim)
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
                .map_err(|error| SyntaxError(error.to_string()))?;
            let tree = serde_json::to_value(&ast).unwrap_or(Value::Null);
            let usage = Usage::of(&tree);
            let strategy = match pick(&tree) {
                Some(pick) => pick,
                None => Strategy::Run(match guarded(&tree, &BTreeSet::new()) {
                    Some(ast) => Program { ast, is_guarded: true },
                    None => Program { ast: Box::new(ast), is_guarded: false },
                }),
            };
            let deep = usage.functions.contains("reduce") || usage.recursive;
            Ok(Self { source: source.to_owned(), strategy, usage, deep })
        })
    }

    /// What is run when these variables of the state have the names of guarded functions.
    pub(super) fn hiding(&self, variables: &BTreeSet<String>) -> Option<Program> {
        stacker::maybe_grow(STACK_LEFT, STACK, || {
            let ast = parser::parse(&self.source).ok()?;
            let tree = serde_json::to_value(&ast).unwrap_or(Value::Null);
            Some(match guarded(&tree, variables) {
                Some(ast) => Program { ast, is_guarded: true },
                None => Program { ast: Box::new(ast), is_guarded: false },
            })
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

    /// The name that AWS refuses to have looked up at the top level, if the expression has one.
    pub(crate) fn top_level_name(&self) -> Option<&str> {
        self.usage.top_level.as_deref()
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
