//! The history is a contract: people read it, and tools parse it. But most events are never looked at, so an
//! event keeps shared values, and becomes AWS's JSON, with inputs and outputs as JSON text, only when it is
//! serialized.

mod event;
mod json;

pub use event::{Details, HistoryEvent, Scheduled};
