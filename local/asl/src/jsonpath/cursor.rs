//! A place in the text of a path, and what can be read there: tokens, names, numbers and quoted text.

/// The text that has not been read yet.
pub(super) struct Cursor<'s> {
    rest: &'s str,
}

impl<'s> Cursor<'s> {
    pub(super) fn new(source: &'s str) -> Self {
        Self { rest: source }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn sees(&self, token: &str) -> bool {
        self.rest.starts_with(token)
    }

    pub(super) fn sees_any(&self, chars: &[char]) -> bool {
        self.rest.starts_with(chars)
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// Reads the token if it stands here, and says whether it did.
    pub(super) fn eat(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    pub(super) fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Reads as many characters as `keep` accepts, perhaps none.
    pub(super) fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'s str {
        let end = self.rest.find(|c| !keep(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Reads a whole number, if one stands here.
    pub(super) fn integer(&mut self) -> Option<i64> {
        let start = self.rest;
        let minus = self.eat("-");
        let digits = self.take_while(|c| c.is_ascii_digit());
        let value: Option<i64> = digits.parse().ok();
        if value.is_none() {
            self.rest = start;
        }
        value.map(|v| if minus { -v } else { v })
    }

    /// Reads text in single or double quotes. A backslash protects the quote after it and stays in the text:
    /// Jayway's parser doesn't take it out.
    pub(super) fn quoted(&mut self) -> Option<String> {
        let quote = self.peek().filter(|c| matches!(c, '\'' | '"'))?;
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

    /// Reads a JSON number, `true`, `false` or `null`, if one stands here.
    pub(super) fn json_word(&mut self) -> Option<serde_json::Value> {
        let start = self.rest;
        let word = self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+'));
        let value = serde_json::from_str(word).ok();
        if value.is_none() {
            self.rest = start;
        }
        value
    }
}
