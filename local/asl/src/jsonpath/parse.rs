//! The grammar of paths and of the filters in them, which hold paths again. Whatever AWS's parser refuses
//! must be refused here too, since validation is built on it.

use serde_json::Value;

use super::cursor::Cursor;
use super::syntax::{Comparable, Filter, Operator, Root, Segment};

/// How deep filters, and paths within filters, may nest. No real path comes near it; it keeps the recursion
/// off the stack's end.
const MAX_DEPTH: usize = 32;

/// The tokens of the comparison operators. One that begins with another stands before that.
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

/// Parses a whole path; `None` when it is not one.
pub(super) fn path(source: &str) -> Option<(Root, Vec<Segment>)> {
    let mut parser = Parser { cursor: Cursor::new(source), depth: 0 };
    let root = parser.root()?;
    let segments = parser.segments()?;
    parser.cursor.is_at_end().then_some((root, segments))
}

struct Parser<'s> {
    cursor: Cursor<'s>,
    depth: usize,
}

/// Whether a name without quotes may have this character in it.
fn is_name(c: char) -> bool {
    !matches!(
        c,
        '.' | '['
            | ']'
            | '('
            | ')'
            | ' '
            | '\t'
            | '\n'
            | ','
            | '\''
            | '"'
            | '?'
            | '*'
            | '@'
            | '='
            | '!'
            | '<'
            | '>'
            | '&'
            | '|'
            | '$'
            | '\\'
            | '{'
            | '}'
            | '#'
            | ';'
            | '`'
            | '%'
            | '^'
            | '~'
            | '+'
            | '/'
    )
}

impl Parser<'_> {
    fn root(&mut self) -> Option<Root> {
        if !self.cursor.eat("$") {
            return None;
        }
        if self.cursor.eat("$") {
            return Some(Root::Context);
        }
        if self.cursor.peek().is_some_and(|c| c == '_' || c.is_alphabetic()) {
            let name = self.cursor.take_while(|c| c == '_' || c.is_alphanumeric());
            return Some(Root::Variable(name.to_owned()));
        }
        Some(Root::Input)
    }

    fn segments(&mut self) -> Option<Vec<Segment>> {
        let mut segments = Vec::new();
        loop {
            if self.cursor.eat("..") {
                segments.push(Segment::Descend);
                if self.cursor.sees("[") {
                    continue;
                }
                segments.push(self.dotted()?);
            } else if self.cursor.eat(".") {
                if self.cursor.sees("[") {
                    continue;
                }
                segments.push(self.dotted()?);
            } else if self.cursor.sees("[") {
                segments.push(self.bracket()?);
            } else {
                return (segments.last() != Some(&Segment::Descend)).then_some(segments);
            }
        }
    }

    /// What follows a dot: a name or a star.
    fn dotted(&mut self) -> Option<Segment> {
        if self.cursor.eat("*") {
            return Some(Segment::Wildcard);
        }
        let name = self.cursor.take_while(is_name);
        if name.is_empty() {
            return None;
        }
        // AWS's Jayway is from before functions: `length()` is a member's name there.
        if self.cursor.eat("()") {
            return Some(Segment::Child(format!("{name}()")));
        }
        Some(Segment::Child(name.to_owned()))
    }

    fn bracket(&mut self) -> Option<Segment> {
        self.cursor.eat("[");
        self.cursor.skip_space();
        let segment = if self.cursor.eat("*") {
            Segment::Wildcard
        } else if self.cursor.eat("?") {
            self.cursor.skip_space();
            Segment::Filter(self.nested(Self::filter)?)
        } else if self.cursor.sees_any(&['\'', '"']) {
            self.names()?
        } else if self.cursor.eat("(") {
            self.segment_from_the_end()?
        } else {
            self.indices()?
        };
        self.cursor.skip_space();
        self.cursor.eat("]").then_some(segment)
    }

    /// `@.length-1)`, an index that counts from the end.
    fn segment_from_the_end(&mut self) -> Option<Segment> {
        for token in ["@", ".length", "-"] {
            self.cursor.skip_space();
            if !self.cursor.eat(token) {
                return None;
            }
        }
        self.cursor.skip_space();
        let back = self.cursor.integer().filter(|back| *back > 0)?;
        self.cursor.skip_space();
        self.cursor.eat(")").then_some(Segment::Index(-back))
    }

    fn names(&mut self) -> Option<Segment> {
        let mut names = vec![self.cursor.quoted()?];
        self.cursor.skip_space();
        while self.cursor.eat(",") {
            self.cursor.skip_space();
            names.push(self.cursor.quoted()?);
            self.cursor.skip_space();
        }
        Some(if names.len() == 1 { Segment::Child(names.remove(0)) } else { Segment::Children(names) })
    }

    fn indices(&mut self) -> Option<Segment> {
        let first = self.cursor.integer();
        self.cursor.skip_space();
        if self.cursor.eat(":") {
            self.cursor.skip_space();
            let last = self.cursor.integer();
            return Some(Segment::Slice(first, last));
        }
        let mut indices = vec![first?];
        while self.cursor.eat(",") {
            self.cursor.skip_space();
            indices.push(self.cursor.integer()?);
            self.cursor.skip_space();
        }
        Some(if let [only] = indices[..] { Segment::Index(only) } else { Segment::Indices(indices) })
    }

    /// Runs a recursive part of the grammar one level deeper; `None` when that is too deep.
    fn nested<T>(&mut self, part: fn(&mut Self) -> Option<T>) -> Option<T> {
        self.depth += 1;
        let result = if self.depth > MAX_DEPTH { None } else { part(self) };
        self.depth -= 1;
        result
    }

    /// `(a || b)`.
    fn filter(&mut self) -> Option<Filter> {
        if !self.cursor.eat("(") {
            return None;
        }
        let mut any = vec![self.conjunction()?];
        while self.cursor.eat("||") {
            any.push(self.conjunction()?);
        }
        if !self.cursor.eat(")") {
            return None;
        }
        Some(if any.len() == 1 { any.remove(0) } else { Filter::Or(any) })
    }

    /// `a && b`.
    fn conjunction(&mut self) -> Option<Filter> {
        let mut all = vec![self.condition()?];
        while self.cursor.eat("&&") {
            all.push(self.condition()?);
        }
        Some(if all.len() == 1 { all.remove(0) } else { Filter::And(all) })
    }

    /// `!a`, a filter in parentheses, a comparison, or a path on its own.
    fn condition(&mut self) -> Option<Filter> {
        self.cursor.skip_space();
        let condition = if self.cursor.sees("!") && !self.cursor.sees("!=") {
            self.cursor.eat("!");
            Filter::Not(Box::new(self.nested(Self::condition)?))
        } else if self.cursor.sees("(") {
            self.nested(Self::filter)?
        } else {
            self.comparison()?
        };
        self.cursor.skip_space();
        Some(condition)
    }

    fn comparison(&mut self) -> Option<Filter> {
        let left = self.comparable()?;
        self.cursor.skip_space();
        match OPERATORS.iter().find(|(token, _)| self.cursor.eat(token)) {
            Some((_, operator)) => {
                self.cursor.skip_space();
                Some(Filter::Compare(left, *operator, self.comparable()?))
            }
            None if matches!(left, Comparable::Literal(_)) => None,
            None => Some(Filter::Exists(left)),
        }
    }

    fn comparable(&mut self) -> Option<Comparable> {
        if self.cursor.eat("@") {
            return self.nested(Self::segments).map(Comparable::Item);
        }
        if self.cursor.eat("$") {
            return self.nested(Self::segments).map(Comparable::Root);
        }
        self.literal().map(Comparable::Literal)
    }

    fn literal(&mut self) -> Option<Value> {
        if self.cursor.sees_any(&['\'', '"']) {
            return self.cursor.quoted().map(Value::String);
        }
        if self.cursor.eat("[") {
            return self.list();
        }
        self.cursor.json_word().or_else(|| self.bare_text())
    }

    /// Text without quotes. AWS's Jayway takes a word for text in a filter.
    fn bare_text(&mut self) -> Option<Value> {
        let word =
            self.cursor.take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '/'));
        (!word.is_empty()).then(|| Value::from(word))
    }

    /// The items of a list and its closing bracket. A list within a list is refused.
    fn list(&mut self) -> Option<Value> {
        let mut items = Vec::new();
        self.cursor.skip_space();
        while !self.cursor.eat("]") {
            if self.cursor.sees("[") {
                return None;
            }
            items.push(self.literal()?);
            self.cursor.skip_space();
            if !self.cursor.eat(",") && !self.cursor.sees("]") {
                return None;
            }
            self.cursor.skip_space();
        }
        Some(Value::Array(items))
    }
}
