//! From the names of states to their places in the graph.

use std::collections::HashMap;

use serde_json::Value;

use super::error::{Result, fail};

/// The places of a graph's states by their names.
pub(super) struct Places<'d> {
    by_name: HashMap<&'d str, usize>,
}

impl<'d> Places<'d> {
    /// Numbers the names in their order, from 0.
    pub(super) fn of(names: impl Iterator<Item = &'d str>) -> Self {
        Self { by_name: names.enumerate().map(|(place, name)| (name, place)).collect() }
    }

    /// The place of the state that a field such as `Next` names.
    pub(super) fn find(&self, name: Option<&Value>, location: &str) -> Result<usize> {
        match name.and_then(Value::as_str).and_then(|n| self.by_name.get(n)) {
            Some(place) => Ok(*place),
            None => fail(location, "no such state"),
        }
    }
}
