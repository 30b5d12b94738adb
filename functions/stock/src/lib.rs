//! Stock: set aside for an order, given back, and the samples.

mod release;
mod reserve;
mod seed;

pub use release::release_stock;
pub use reserve::reserve_stock;
pub use seed::seed_stock;
