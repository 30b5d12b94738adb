//! Pass: hands on its input, or a result that the definition gives it.

use std::sync::Arc;

use serde_json::Value;

use super::data;
use super::visit::{Exit, Visit};
use crate::error::Evaluated;

pub(super) fn run(visit: &mut Visit<'_>, result: Option<&Arc<Value>>) -> Evaluated<Exit> {
    let effective = data::effective_input(visit)?;
    data::leave_without_result(visit, result.unwrap_or(&effective))
}
