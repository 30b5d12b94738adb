//! What a later release stored with an order, kept by an earlier one.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// Members of a stored JSON object that this release has no field for. It doesn't look into them: it writes
/// them back with whatever it writes, so that two releases can work on the same orders side by side.
///
/// Numbers are kept as far as [`serde_json::Number`] holds them, which is 64 bits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unknown(Option<Box<Map<String, Value>>>);

impl Unknown {
    /// All but the members of these names.
    #[must_use]
    pub fn without(self, names: &[&str]) -> Self {
        let Some(mut members) = self.0 else { return self };
        members.retain(|name, _| !names.contains(&name.as_str()));
        Self::from(*members)
    }

    /// The members by their names.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0.iter().flat_map(|members| members.iter())
    }
}

impl From<Map<String, Value>> for Unknown {
    fn from(members: Map<String, Value>) -> Self {
        // Hardly any order has some, so that one costs no more than a pointer.
        Self((!members.is_empty()).then(|| Box::new(members)))
    }
}

impl Serialize for Unknown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Unknown {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::deserialize(deserializer).map(Self::from)
    }
}
