//! The payment: its window, the capture, the refund, and what the payment provider sends word of.

mod capture;
mod events;
mod provider;
mod refund;
mod refund_return;
mod window;

pub use capture::CapturePayment;
pub use events::ReceivePaymentEvent;
pub use refund::RefundPayment;
pub use refund_return::RefundReturn;
pub use window::{ClosePaymentWindow, OpenPaymentWindow};
