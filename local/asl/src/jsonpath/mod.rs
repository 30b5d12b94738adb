//! JSONPath as Step Functions speaks it: Jayway's dialect, three roots (`$`, `$$`, `$variable`), and Jayway's words for a path that leads
//! nowhere, because they are part of the cause that users see.
//!
//! Own code, since the crates implement RFC 9535, whose grammar, results and errors all differ from Jayway's.

mod eval;
mod filter;
mod parse;

use std::borrow::Cow;

use serde_json::Value;

pub(crate) use eval::Missing;

/// Where a path starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Root {
    /// `$`, the data at hand.
    Input,
    /// `$$`, the context object.
    Context,
    /// `$name`, a variable.
    Variable(String),
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// `.name`, `['name']`.
    Child(String),
    /// `['a','b']`.
    Children(Vec<String>),
    /// `.*`, `[*]`.
    Wildcard,
    /// `[3]`, `[-1]`.
    Index(i64),
    /// `[0,2]`.
    Indices(Vec<i64>),
    /// `[1:3]`.
    Slice(Option<i64>, Option<i64>),
    /// `[?(...)]`.
    Filter(filter::Expression),
    /// `..`, before the step it repeats at every depth.
    Descend,
    /// `.length()`.
    Length,
}

/// A compiled path.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct JsonPath {
    source: String,
    root: Root,
    steps: Vec<Step>,
    definite: bool,
}

impl JsonPath {
    /// Compiles a path; `None` when AWS's parser would refuse it.
    pub(crate) fn parse(source: &str) -> Option<Self> {
        let (root, steps) = parse::path(source)?;
        Some(Self::from_parts(source, root, steps))
    }

    fn from_parts(source: &str, root: Root, steps: Vec<Step>) -> Self {
        let definite = steps.iter().all(|s| matches!(s, Step::Child(_) | Step::Index(_) | Step::Length));
        Self { source: source.to_owned(), root, steps, definite }
    }

    /// As in the definition.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// What it starts from.
    pub(crate) fn root(&self) -> &Root {
        &self.root
    }

    /// Whether it is the root and nothing else.
    pub(crate) fn is_root(&self) -> bool {
        self.steps.is_empty()
    }

    /// The keys of a reference path (Amazon States Language, "Reference Paths"): only names and non-negative indices.
    pub(crate) fn reference(&self) -> Option<&[Step]> {
        self.steps
            .iter()
            .all(|s| matches!(s, Step::Child(_)) || matches!(s, Step::Index(i) if *i >= 0))
            .then_some(&self.steps)
    }

    /// Evaluates the steps against what the root stands for.
    pub(crate) fn select<'v>(&self, root: &'v Value) -> Result<Cow<'v, Value>, Missing> {
        eval::select(&self.steps, self.definite, root)
    }
}
