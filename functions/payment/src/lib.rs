//! The payment: its window, the capture, the refund, and what the payment provider sends word of.

mod capture;
mod events;
mod provider;
mod refund;
mod window;

pub use capture::CapturePayment;
pub use events::ReceivePaymentEvent;
pub use refund::RefundPayment;
pub use window::{ClosePaymentWindow, OpenPaymentWindow};
