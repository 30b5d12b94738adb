//! Succeed: ends a branch, whatever follows in it.

use super::{Exit, Visit, data};
use crate::machine::Evaluated;

pub(super) fn run(visit: &mut Visit<'_>) -> Evaluated<Exit> {
    let input = data::selected_input(visit)?;
    let mut exit = data::leave_without_result(visit, &input)?;
    exit.output = match &visit.state.io {
        crate::machine::Io::Path(_) => data::output_path(visit, &input)?,
        crate::machine::Io::Jsonata(_) => exit.output,
    };
    Ok(exit)
}
