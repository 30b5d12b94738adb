//! JSONata in states: compiling `{% … %}`, and running it with `$states`, the variables and AWS's own
//! functions.
//!
//! Most expressions in real machines only pick something (`$states.input.order.id`). Those never reach the
//! JSONata library: they walk the JSON directly. For the others, the members of `$states` that they mention
//! are converted once for a state, on first use.

mod convert;
mod dialect;
mod expression;
mod guards;
mod host;
mod run;
mod usage;

pub(crate) use expression::{Expression, delimited, is_delimited, is_misdelimited};
pub(crate) use run::{Evaluation, Inputs};
