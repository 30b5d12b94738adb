//! The grammar. Whatever AWS's parser refuses must be refused here too, since validation is built on it.

use super::filter::{self, Expression};
use super::{Root, Step};

/// Deeper nesting than any real path has; it keeps the recursive filters off the stack's end.
const MAX_DEPTH: usize = 32;

pub(super) fn path(source: &str) -> Option<(Root, Vec<Step>)> {
    let mut parser = Parser { rest: source, depth: 0 };
    let root = parser.root()?;
    let steps = parser.steps()?;
    parser.rest.is_empty().then_some((root, steps))
}

pub(super) struct Parser<'s> {
    pub(super) rest: &'s str,
    pub(super) depth: usize,
}

pub(super) fn is_name(c: char) -> bool {
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

impl<'s> Parser<'s> {
    pub(super) fn eat(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    pub(super) fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'s str {
        let end = self.rest.find(|c| !keep(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn root(&mut self) -> Option<Root> {
        if !self.eat("$") {
            return None;
        }
        if self.eat("$") {
            return Some(Root::Context);
        }
        let first = self.rest.chars().next();
        if first.is_some_and(|c| c == '_' || c.is_alphabetic()) {
            let name = self.take_while(|c| c == '_' || c.is_alphanumeric());
            return Some(Root::Variable(name.to_owned()));
        }
        Some(Root::Input)
    }

    pub(super) fn steps(&mut self) -> Option<Vec<Step>> {
        let mut steps = Vec::new();
        loop {
            if self.eat("..") {
                steps.push(Step::Descend);
                if self.rest.starts_with('[') {
                    continue;
                }
                steps.push(self.dotted()?);
            } else if self.eat(".") {
                if self.rest.starts_with('[') {
                    continue;
                }
                steps.push(self.dotted()?);
            } else if self.rest.starts_with('[') {
                steps.push(self.bracket()?);
            } else {
                return (steps.last() != Some(&Step::Descend)).then_some(steps);
            }
        }
    }

    fn dotted(&mut self) -> Option<Step> {
        if self.eat("*") {
            return Some(Step::Wildcard);
        }
        let name = self.take_while(is_name);
        if name.is_empty() {
            return None;
        }
        if self.eat("()") {
            return (name == "length" || name == "size").then_some(Step::Length);
        }
        Some(Step::Child(name.to_owned()))
    }

    fn bracket(&mut self) -> Option<Step> {
        self.eat("[");
        self.space();
        let step = if self.eat("*") {
            Step::Wildcard
        } else if self.eat("?") {
            self.space();
            Step::Filter(self.nested(filter::parse)?)
        } else if self.rest.starts_with(['\'', '"']) {
            let mut names = vec![self.quoted()?];
            self.space();
            while self.eat(",") {
                self.space();
                names.push(self.quoted()?);
                self.space();
            }
            if names.len() == 1 { Step::Child(names.remove(0)) } else { Step::Children(names) }
        } else {
            self.indices()?
        };
        self.space();
        self.eat("]").then_some(step)
    }

    /// Runs a recursive part of the grammar, one level deeper.
    pub(super) fn nested(&mut self, part: fn(&mut Self) -> Option<Expression>) -> Option<Expression> {
        self.depth += 1;
        let result = if self.depth > MAX_DEPTH { None } else { part(self) };
        self.depth -= 1;
        result
    }

    fn indices(&mut self) -> Option<Step> {
        let first = self.integer();
        self.space();
        if self.eat(":") {
            self.space();
            let last = self.integer();
            return Some(Step::Slice(first, last));
        }
        let mut indices = vec![first?];
        while self.eat(",") {
            self.space();
            indices.push(self.integer()?);
            self.space();
        }
        Some(if let [only] = indices[..] { Step::Index(only) } else { Step::Indices(indices) })
    }

    fn integer(&mut self) -> Option<i64> {
        let rest = self.rest;
        let minus = self.eat("-");
        let digits = self.take_while(|c| c.is_ascii_digit());
        let value: Option<i64> = digits.parse().ok();
        if value.is_none() {
            self.rest = rest;
        }
        value.map(|v| if minus { -v } else { v })
    }

    /// A name in quotes. A backslash protects the quote after it and stays in the name: Jayway's parser doesn't take it out.
    pub(super) fn quoted(&mut self) -> Option<String> {
        let quote = self.rest.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            if c == quote {
                let text = self.rest.get(1..at)?.to_owned();
                self.rest = self.rest.get(at + 1..)?;
                return Some(text);
            }
            if c == '\\' {
                chars.next()?;
            }
        }
        None
    }

    pub(super) fn relative(&mut self) -> Option<(bool, Vec<Step>)> {
        let current = self.eat("@");
        if !current && !self.eat("$") {
            return None;
        }
        self.depth += 1;
        let steps = if self.depth > MAX_DEPTH { None } else { self.steps() };
        self.depth -= 1;
        Some((current, steps?))
    }
}
