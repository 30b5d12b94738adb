//! Stock: set aside for an order, given back, and the samples.

mod release;
mod reserve;
mod seed;

pub use release::ReleaseStock;
pub use reserve::ReserveStock;
pub use seed::SeedStock;
