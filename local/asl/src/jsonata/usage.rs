//! What an expression uses: variables, functions, and members of `$states`.

use std::collections::BTreeSet;

use serde_json::Value;

/// The names that an expression uses.
#[derive(Debug, Default)]
pub(super) struct Usage {
    /// The variables that the expression does not bind itself, `states` included.
    pub(super) free: BTreeSet<String>,
    /// The functions that it names, whether it calls them or passes them on.
    pub(super) functions: BTreeSet<String>,
    /// The members of `$states` that it mentions.
    pub(super) members: BTreeSet<String>,
    /// Whether it uses `$states` as a whole, so that every member counts.
    pub(super) whole: bool,
    /// The first name that it looks up where there is nothing to look it up in. States have no root data,
    /// only `$states` and variables.
    pub(super) top_level: Option<String>,
    /// Whether it uses `$$`, the root of the data that there is none of.
    pub(super) root: bool,
    /// Whether it binds a function to a name, so that the function may call itself.
    pub(super) recursive: bool,
}

impl Usage {
    /// Finds the names in a syntax tree, in the form that serde writes it. That spares a visitor over every
    /// kind of node, and costs nothing that counts, since expressions are compiled once.
    pub(super) fn of(tree: &Value) -> Self {
        let mut usage = Self::default();
        usage.visit(tree, &mut Vec::new(), false);
        usage
    }

    /// Looks at a node. `bound` has the names that the expression itself has bound around the node, and
    /// `focus` says whether there is something that names can be looked up in.
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
        let mut children = |usage: &mut Self, kind: &str, focus: bool| {
            map.get(kind).map(|child| usage.visit(child, bound, focus)).is_some()
        };
        self.root |=
            map.contains_key("ParentVariable") || map.get("Variable").is_some_and(|name| name == "$");
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
