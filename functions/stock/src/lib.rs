//! The stock: it is set aside for an order and given back; and the samples that a new shop has.

mod crowding;
mod emptied;
mod release;
mod reserve;
mod seed;

pub use release::ReleaseStock;
pub use reserve::ReserveStock;
pub use seed::SeedStock;
