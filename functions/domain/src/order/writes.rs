//! The names of an order's writes. A write whose answer was lost is sent again and then finds the item changed;
//! by its name the writer knows whether by itself.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The number of characters of a name.
const CHARACTERS: usize = 12;
/// The characters that may be in a name are the hexadecimal digits.
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The name of one write of an order: 48 random bits. Whoever finds another's name for its own would have to
/// draw the same bits for the same order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteId([u8; CHARACTERS]);

impl WriteId {
    /// The name of these random bits, of which the upper 16 have no part in it.
    pub fn new(mut random: u64) -> Self {
        Self([(); CHARACTERS].map(|()| {
            let digit = DIGITS[(random & 0xF) as usize];
            random >>= 4;
            digit
        }))
    }

    fn parse(text: &str) -> Option<Self> {
        let id = text.as_bytes().try_into().ok()?;
        text.bytes().all(|byte| DIGITS.contains(&byte)).then_some(Self(id))
    }

    fn as_str(&self) -> &str {
        // Digits are UTF-8.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for WriteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The names of writes that an order remembers: the latest one, and all those by which people decided.
///
/// A step of the workflow whose write is followed by others finds what it did in the order itself. Somebody
/// who pays can't tell by the order who paid; their write is remembered for ever, so that it is known however
/// many others have followed before the lost answer is asked for again.
///
/// It is stored as one text: the names with a space between them, the latest write first, also if it is among
/// the others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Writes {
    latest: Option<WriteId>,
    decisions: Vec<WriteId>,
}

impl Writes {
    /// Notes a write that is about to be made; a decision of somebody outside of the workflow is remembered.
    pub(super) fn note(&mut self, id: WriteId, is_decision: bool) {
        self.latest = Some(id);
        if is_decision {
            self.decisions.push(id);
        }
    }

    /// Whether the write of this name was made, as far as it is remembered.
    pub fn contain(&self, id: WriteId) -> bool {
        self.latest == Some(id) || self.decisions.contains(&id)
    }

    /// Whether no write is remembered, as of an order that an earlier release wrote.
    pub fn are_unknown(&self) -> bool {
        self.latest.is_none()
    }

    /// The names that this text holds. What is no name is left out: a later release may have added it.
    pub fn parse(text: &str) -> Self {
        let mut names = text.split(' ');
        let latest = names.next().and_then(WriteId::parse);
        Self { latest, decisions: names.filter_map(WriteId::parse).collect() }
    }
}

impl fmt::Display for Writes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(latest) = self.latest {
            write!(f, "{latest}")?;
        }
        self.decisions.iter().try_for_each(|id| write!(f, " {id}"))
    }
}

impl Serialize for Writes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Writes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::parse(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_write_and_all_decisions_are_remembered() {
        let ids = [0, 1, 0xFFFF_0000_0000_0002, u64::MAX].map(WriteId::new);
        let mut writes = Writes::default();
        assert!(writes.are_unknown() && !writes.contain(ids[0]));
        writes.note(ids[0], true);
        writes.note(ids[1], false);
        writes.note(ids[2], true);
        writes.note(ids[3], false);
        assert_eq!(ids.map(|id| writes.contain(id)), [true, false, true, true]);
        assert_eq!(writes.to_string(), "ffffffffffff 000000000000 200000000000");
        assert_eq!(Writes::parse(&writes.to_string()), writes);
    }

    #[test]
    fn a_text_that_holds_no_names_remembers_nothing() {
        for text in ["", "x", "00000000000 ", "0123456789AB", "0123456789é"] {
            assert_eq!(Writes::parse(text), Writes::default(), "{text}");
        }
    }
}
