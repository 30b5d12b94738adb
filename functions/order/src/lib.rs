//! The ends of an order, and the sweeper of what a crash left behind.

mod close;
mod complete;
mod sweep;

pub use close::{CloseOrder, MarkNeedsAttention};
pub use complete::CompleteOrder;
pub use sweep::SweepOrders;
