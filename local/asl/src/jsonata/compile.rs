//! Compiling an expression, and finding out what it needs.

use std::collections::BTreeSet;

use jsonata_core::ast::AstNode;
use jsonata_core::parser;
use serde_json::Value;

/// A compiled expression.
#[derive(Debug)]
pub(crate) struct Expression {
    source: String,
    pub(super) plan: Plan,
    /// Free variables, `states` included.
    pub(super) variables: BTreeSet<String>,
    /// The functions it names, called or not.
    pub(super) functions: BTreeSet<String>,
    /// The members of `$states` it mentions; `None`: all, since it uses `$states` as a whole.
    pub(super) members: Option<BTreeSet<String>>,
    /// A name it looks up where there is nothing to look it up in: states have no root data, only `$states` and variables.
    pub(super) top_level: Option<String>,
    /// Whether it can build deeply nested values, and so needs a big stack to run on.
    pub(super) deep: bool,
}

/// How to evaluate it.
#[derive(Debug)]
pub(super) enum Plan {
    /// `$states.input.a.b` or `$variable.a`: the variable, then the names.
    Pick(String, Vec<String>),
    /// Anything else.
    Run(Box<AstNode>),
}

/// A syntax error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Invalid(pub(crate) String);

/// The expression in `{% … %}`, if the text is one (Amazon States Language, "Using JSONata expressions": no space before or after).
pub(crate) fn delimited(text: &str) -> Option<&str> {
    text.strip_prefix("{%")?.strip_suffix("%}").map(str::trim)
}

/// Parsing and walking a syntax tree recurse deeper than a thread's stack may have left.
const STACK: usize = 16 << 20;

impl Expression {
    pub(crate) fn parse(source: &str) -> Result<Self, Invalid> {
        stacker::maybe_grow(4 << 20, STACK, || {
            let ast = parser::parse(source).map_err(|error| Invalid(error.to_string()))?;
            let tree = serde_json::to_value(&ast).unwrap_or(Value::Null);
            let mut found = Found::default();
            found.visit(&tree, &mut Vec::new(), false);
            let plan = pick(&tree).unwrap_or_else(|| Plan::Run(Box::new(ast)));
            let deep = found.functions.contains("reduce") || found.recursive;
            Ok(Self {
                source: source.to_owned(),
                plan,
                functions: found.functions,
                variables: found.free,
                members: (!found.whole).then_some(found.members),
                top_level: found.top_level,
                deep,
            })
        })
    }

    /// As in the definition, without the delimiters.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// The free variables, without `states`.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().map(String::as_str).filter(|name| *name != "states")
    }

    /// The name that AWS refuses to have looked up at the top level, if it has one.
    pub(crate) fn top_level_name(&self) -> Option<&str> {
        self.top_level.as_deref()
    }
}

fn pick(tree: &Value) -> Option<Plan> {
    if let Some(name) =
        tree.get("Variable").and_then(Value::as_str).filter(|n| !n.is_empty() && *n != "states" && *n != "$")
    {
        return Some(Plan::Pick(name.to_owned(), Vec::new()));
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
    known.then_some(Plan::Pick(root, names))
}

/// Walks the serialized tree: it is compile time, and spares a visitor over every kind of node.
#[derive(Default)]
struct Found {
    free: BTreeSet<String>,
    functions: BTreeSet<String>,
    members: BTreeSet<String>,
    whole: bool,
    top_level: Option<String>,
    /// A function that may call itself.
    recursive: bool,
}

impl Found {
    /// `bound`: the names that the expression itself has bound here. `focus`: whether names have something to be looked up in.
    fn visit(&mut self, node: &Value, bound: &mut Vec<String>, focus: bool) {
        let map = match node {
            Value::Array(items) => return items.iter().for_each(|item| self.visit(item, bound, focus)),
            Value::Object(map) => map,
            _ => return,
        };
        let outer = bound.len();
        if let Some(name) = map.get("Function").and_then(|f| f.get("name")).and_then(Value::as_str) {
            self.functions.insert(name.to_owned());
        }
        let mut children = |found: &mut Self, kind: &str, focus: bool| {
            map.get(kind).map(|child| found.visit(child, bound, focus)).is_some()
        };
        if let Some(name) = map.get("Variable").and_then(Value::as_str) {
            self.variable(name, bound);
        } else if let Some(name) = map.get("Name").and_then(Value::as_str) {
            if !focus && self.top_level.is_none() {
                self.top_level = Some(name.to_owned());
            }
        } else if let Some(path) = map.get("Path") {
            self.path(path, bound, focus);
        } else if let Some(lambda) = map.get("Lambda") {
            let params = lambda.get("params").and_then(Value::as_array);
            bound.extend(params.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
            self.visit(lambda, bound, focus);
            bound.truncate(outer);
        } else if let Some(Value::Array(block)) = map.get("Block") {
            block.iter().for_each(|expression| self.visit(expression, bound, focus));
            bound.truncate(outer);
        } else if let Some(binary) =
            map.get("Binary").filter(|b| b.get("op").is_some_and(|o| o == "ColonEqual"))
        {
            let name = binary.pointer("/lhs/Variable").and_then(Value::as_str);
            // A function may call itself by the name it is bound to.
            self.recursive |= binary.pointer("/rhs/Lambda").is_some();
            bound.extend(name.map(str::to_owned));
            self.visit(binary.get("rhs").unwrap_or(&Value::Null), bound, focus);
        } else if map.contains_key("input") && (map.contains_key("pattern") || map.contains_key("terms")) {
            // Grouping and sorting look names up in each item.
            children(self, "input", focus);
            children(self, "pattern", true);
            children(self, "terms", true);
        } else {
            let focus = focus || map.contains_key("Transform");
            map.values().for_each(|child| self.visit(child, bound, focus));
        }
    }

    fn variable(&mut self, name: &str, bound: &[String]) {
        if name.is_empty() || name == "$" || bound.iter().any(|b| b == name) {
            return;
        }
        if name == "states" {
            self.whole = true;
        }
        self.functions.insert(name.to_owned());
        self.free.insert(name.to_owned());
    }

    fn path(&mut self, path: &Value, bound: &mut Vec<String>, focus: bool) {
        let steps = path.get("steps").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for step in steps {
            for binding in ["focus", "index_var"] {
                bound.extend(step.get(binding).and_then(Value::as_str).map(str::to_owned));
            }
        }
        let is_states =
            steps.first().and_then(|s| s.pointer("/node/Variable")).is_some_and(|v| v == "states")
                && !bound.iter().any(|b| b == "states");
        let member = steps.get(1).and_then(|s| s.pointer("/node/Name")).and_then(Value::as_str);
        for (i, step) in steps.iter().enumerate() {
            let node = step.get("node").unwrap_or(&Value::Null);
            match (i, is_states, member) {
                (0, true, Some(member)) => {
                    self.free.insert("states".to_owned());
                    self.members.insert(member.to_owned());
                }
                (0, ..) => self.visit(node, bound, focus),
                _ => self.visit(node, bound, true),
            }
            self.visit(step.get("stages").unwrap_or(&Value::Null), bound, true);
        }
    }
}
