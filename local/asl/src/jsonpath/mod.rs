//! JSONPath as Step Functions speaks it: Jayway's dialect, three roots (`$`, `$$`, `$variable`), and Jayway's
//! words for a path that leads nowhere, because they are part of the cause that users see.
//!
//! This is own code, because the crates for JSONPath implement RFC 9535, whose grammar, results and errors
//! all differ from Jayway's.

mod compare;
mod cursor;
mod eval;
mod parse;
mod syntax;

use std::borrow::Cow;

use serde_json::Value;

use crate::budget::Budget;
pub(crate) use eval::Missing;
pub(crate) use syntax::{Root, Segment};

/// A compiled path.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct JsonPath {
    source: String,
    root: Root,
    segments: Vec<Segment>,
    definite: bool,
}

impl JsonPath {
    /// Compiles a path; `None` when AWS's parser would refuse it. Blanks around the path don't count.
    pub(crate) fn parse(source: &str) -> Option<Self> {
        let source = source.trim();
        let (root, segments) = parse::path(source)?;
        let definite = syntax::is_definite(&segments);
        Some(Self { source: source.to_owned(), root, segments, definite })
    }

    /// The path as the definition has it.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    pub(crate) fn root(&self) -> &Root {
        &self.root
    }

    /// Whether the path is the root and nothing else.
    pub(crate) fn is_root(&self) -> bool {
        self.segments.is_empty()
    }

    /// The segments of a reference path (Amazon States Language, "Reference Paths"), which has only names and
    /// non-negative indices; `None` for any other path.
    pub(crate) fn reference(&self) -> Option<&[Segment]> {
        self.segments
            .iter()
            .all(|s| matches!(s, Segment::Child(_)) || matches!(s, Segment::Index(i) if *i >= 0))
            .then_some(&self.segments)
    }

    /// Evaluates the path, where `root` is the value that its root stands for.
    pub(crate) fn select<'v>(&self, root: &'v Value, budget: &Budget) -> Result<Cow<'v, Value>, Missing> {
        eval::select(&self.segments, self.definite, root, budget)
    }
}
