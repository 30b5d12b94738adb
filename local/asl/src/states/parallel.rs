//! Parallel: every branch gets the same input; the outputs of all make the result.

use std::sync::Arc;

use serde_json::Value;

use super::{Visit, data};
use crate::machine::Evaluated;

pub(super) fn input(visit: &mut Visit<'_>) -> Evaluated<Arc<Value>> {
    data::effective_input(visit)
}
