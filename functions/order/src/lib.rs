//! The ends of an order, and the sweeper, which sends the signals that a crash left unsent.

mod close;
mod complete;
mod sweep;

pub use close::{CloseOrder, MarkNeedsAttention};
pub use complete::CompleteOrder;
pub use sweep::SweepOrders;
