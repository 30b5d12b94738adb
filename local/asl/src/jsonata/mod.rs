//! JSONata in states: compiling `{% … %}`, and running it with `$states`, the variables and AWS's own functions.
//!
//! Most expressions in real machines only pick something (`$states.input.order.id`). Those never reach the JSONata evaluator: they walk
//! the JSON directly. For the others, what they mention of `$states` is converted once per state, on first use.

mod compile;
mod host;
mod run;

pub(crate) use compile::{Expression, delimited};
pub(crate) use run::{Evaluation, Inputs};
