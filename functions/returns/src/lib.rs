//! The steps of a return's workflow, but for the refund, which is the payment's.

mod close;
mod wait;

pub use close::CloseReturn;
pub use wait::{AwaitReturnReview, AwaitReturnedGoods};
