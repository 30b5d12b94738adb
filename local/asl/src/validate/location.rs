//! From a location such as `/States/Charge/Retry[0]` to a line of the text, for people who fix the file.

/// The line that a location is on, from 1; `None` when the text has no such place.
pub(super) fn line(text: &str, location: &str) -> Option<usize> {
    let mut scanner = Scanner { text: text.as_bytes(), at: 0 };
    let mut found = scanner.at;
    for part in parts(location) {
        found = scanner.descend(&part)?;
    }
    let before = text.as_bytes().get(..found)?;
    Some(before.iter().filter(|byte| **byte == b'\n').count() + 1)
}

/// One part of a location: the name of a member, or the index of an item.
enum Part {
    Name(String),
    Index(usize),
}

fn parts(location: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    for part in location.split('/').filter(|part| !part.is_empty()) {
        let (name, indices) = part.split_once('[').unwrap_or((part, ""));
        if !name.is_empty() {
            parts.push(Part::Name(name.to_owned()));
        }
        parts
            .extend(indices.split('[').filter_map(|i| i.trim_end_matches(']').parse().ok()).map(Part::Index));
    }
    parts
}

/// A place in the JSON text.
struct Scanner<'t> {
    text: &'t [u8],
    at: usize,
}

impl Scanner<'_> {
    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    /// Moves to the value that a part of the location names, and returns where its name starts, or for an
    /// item where the value starts.
    fn descend(&mut self, part: &Part) -> Option<usize> {
        let open = self.peek()?;
        if !matches!(open, b'{' | b'[') {
            return None;
        }
        self.at += 1;
        let mut index = 0;
        loop {
            match self.peek()? {
                b'}' | b']' => return None,
                b',' => {
                    self.at += 1;
                    index += 1;
                }
                _ => {
                    let start = self.at;
                    let hit = match part {
                        Part::Name(name) if open == b'{' => {
                            let key = self.string()?;
                            (self.peek()? == b':').then_some(())?;
                            self.at += 1;
                            serde_json::from_slice::<String>(key.as_slice()).is_ok_and(|key| key == *name)
                        }
                        Part::Index(wanted) if open == b'[' => index == *wanted,
                        _ => return None,
                    };
                    if hit {
                        self.peek();
                        return Some(start);
                    }
                    self.skip()?;
                }
            }
        }
    }

    /// Passes a string and returns it with its quotes.
    fn string(&mut self) -> Option<Vec<u8>> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.text.get(self.at)? {
                b'\\' => self.at += 2,
                b'"' => {
                    self.at += 1;
                    return self.text.get(start..self.at).map(<[u8]>::to_vec);
                }
                _ => self.at += 1,
            }
        }
    }

    /// Passes one value.
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                _ if depth == 0 => {
                    while self.text.get(self.at).is_some_and(|b| !matches!(b, b',' | b'}' | b']')) {
                        self.at += 1;
                    }
                }
                _ => self.at += 1,
            }
            if depth == 0 {
                return Some(());
            }
        }
    }
}
