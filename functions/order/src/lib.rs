//! The ends of an order, and the sweeper, which sends the signals that a crash left unsent.

mod attention;
mod close;
mod complete;
mod sweep;

pub use attention::MarkNeedsAttention;
pub use close::CloseOrder;
pub use complete::CompleteOrder;
pub use sweep::SweepOrders;
