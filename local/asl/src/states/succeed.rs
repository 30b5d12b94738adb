//! Succeed: ends its branch, wherever it stands in it.

use super::data;
use super::visit::{Exit, Visit};
use crate::error::Evaluated;
use crate::graph::Io;

pub(super) fn run(visit: &mut Visit<'_>) -> Evaluated<Exit> {
    let input = data::selected_input(visit)?;
    let mut exit = data::leave_without_result(visit, &input)?;
    exit.output = match &visit.state.io {
        Io::Path(_) => data::output_path(visit, &input)?,
        Io::Jsonata(_) => exit.output,
    };
    Ok(exit)
}
