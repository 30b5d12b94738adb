//! Pass: hands on its input, or what it makes of it.

use std::sync::Arc;

use serde_json::Value;

use super::{Exit, Visit, data};
use crate::machine::Evaluated;

pub(super) fn run(visit: &mut Visit<'_>, result: Option<&Arc<Value>>) -> Evaluated<Exit> {
    let effective = data::effective_input(visit)?;
    data::leave_without_result(visit, result.unwrap_or(&effective))
}
