//! The ends of an order, and what looks after orders that stand still: the sweeper, which sends the signals
//! that a crash left unsent, and the reconciler.

mod attention;
mod close;
mod complete;
mod reconcile;
mod sweep;

pub use attention::MarkNeedsAttention;
pub use close::CloseOrder;
pub use complete::CompleteOrder;
pub use reconcile::ReconcileOrders;
pub use sweep::SweepOrders;
