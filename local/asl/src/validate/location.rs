//! From a location (`/States/Charge/Retry[0]`) to a line of the text, for people who fix the file.

/// The line, from 1.
pub(super) fn line(text: &str, location: &str) -> Option<usize> {
    let mut scanner = Scanner { text: text.as_bytes(), at: 0 };
    let mut found = scanner.at;
    for step in steps(location) {
        found = scanner.descend(&step)?;
    }
    let before = text.as_bytes().get(..found)?;
    Some(before.iter().filter(|byte| **byte == b'\n').count() + 1)
}

enum Step {
    Name(String),
    Index(usize),
}

fn steps(location: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for part in location.split('/').filter(|part| !part.is_empty()) {
        let (name, indices) = part.split_once('[').unwrap_or((part, ""));
        if !name.is_empty() {
            steps.push(Step::Name(name.to_owned()));
        }
        steps
            .extend(indices.split('[').filter_map(|i| i.trim_end_matches(']').parse().ok()).map(Step::Index));
    }
    steps
}

struct Scanner<'t> {
    text: &'t [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    /// Moves to the value of a step and returns where its name, or the value, starts.
    fn descend(&mut self, step: &Step) -> Option<usize> {
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
                    let hit = match step {
                        Step::Name(name) if open == b'{' => {
                            let key = self.string()?;
                            (self.peek()? == b':').then_some(())?;
                            self.at += 1;
                            serde_json::from_slice::<String>(key.as_slice()).is_ok_and(|key| key == *name)
                        }
                        Step::Index(wanted) if open == b'[' => index == *wanted,
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
