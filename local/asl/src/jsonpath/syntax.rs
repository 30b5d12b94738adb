//! What a parsed path consists of.

use serde_json::Value;

/// What a path starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Root {
    /// `$`, the data at hand.
    Input,
    /// `$$`, the context object.
    Context,
    /// `$name`, a variable.
    Variable(String),
}

/// One part of a path after its root; "segment" is the word of RFC 9535.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Segment {
    /// `.name`, `['name']`.
    Child(String),
    /// `['a','b']`: an object with these members at the end of a path, and each of them before it.
    Children(Vec<String>),
    /// `.*`, `[*]`.
    Wildcard,
    /// `[3]`; a negative index counts from the end, as in `[(@.length-1)]`.
    Index(i64),
    /// `[0,2]`.
    Indices(Vec<i64>),
    /// `[1:3]`: the first index and the one after the last. Either may be left out; a negative one counts
    /// from the end.
    Slice(Option<i64>, Option<i64>),
    /// `[?(...)]`.
    Filter(Filter),
    /// `..`: the segment after it is applied at every depth.
    Descend,
}

/// The condition of a filter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Filter {
    /// `a || b`.
    Or(Vec<Filter>),
    /// `a && b`.
    And(Vec<Filter>),
    /// `!a`.
    Not(Box<Filter>),
    /// A path on its own. The condition holds when the path leads to a value.
    Exists(Comparable),
    /// A comparison of two sides.
    Compare(Comparable, Operator, Comparable),
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Comparable {
    /// `@...`, a path from the item that the filter looks at.
    Item(Vec<Segment>),
    /// `$...`, a path from the root of the data.
    Root(Vec<Segment>),
    /// A literal.
    Literal(Value),
}

/// A comparison operator: `==`, `!=`, `<`, `<=`, `>`, `>=`, `in` and `nin`.
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

/// Whether a path leads to one value at the most. Jayway calls such a path definite; any other gives an
/// array.
pub(super) fn is_definite(segments: &[Segment]) -> bool {
    let single = |s: &Segment| matches!(s, Segment::Child(_) | Segment::Index(_));
    match segments.split_last() {
        Some((last, before)) => {
            before.iter().all(single) && (single(last) || matches!(last, Segment::Children(_)))
        }
        None => true,
    }
}
