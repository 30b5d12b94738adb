//! The ends of an order, and the sweeper of what a crash left behind.

mod close;
mod complete;
mod sweep;

pub use close::{close_order, mark_needs_attention};
pub use complete::complete_order;
pub use sweep::sweep_orders;
