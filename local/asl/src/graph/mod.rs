//! A definition in its compiled form: the names of states are resolved to places, and paths and expressions
//! are parsed, so that running a machine never parses anything.

mod choice;
mod data;
mod handlers;
mod state;

pub(crate) use choice::{Choice, Condition, Rule};
pub(crate) use data::{Assign, Io, JsonataIo, PathIo, ResultPath, Source};
pub(crate) use handlers::{Catcher, Retrier};
pub(crate) use state::{
    BatchInput, Batcher, Distributed, FailText, Graph, ItemSelector, Items, Kind, MapState, Next, Number,
    Processor, State, Task, Wait,
};
