//! Parallel: every branch gets the same input, and the outputs of all branches make the result.

use std::sync::Arc;

use serde_json::Value;

use super::data;
use super::visit::Visit;
use crate::error::Evaluated;

pub(super) fn input(visit: &mut Visit<'_>) -> Evaluated<Arc<Value>> {
    data::effective_input(visit)
}
