//! The order and its rules, in the words of the trade.
//!
//! ```text
//!   order ── decides (pure), by ──► status (the one table of transitions), allocation, money
//!     └── is shown by ──► texts
//!   payment_gateway, warehouse_link ── how the outside is reached; adapters of their own implement them
//! ```
//!
//! Nothing here knows a service of AWS, HTTP or a database.

pub mod address;
pub mod allocation;
pub mod catalogue;
pub mod currency;
pub mod email;
pub mod error_name;
pub mod event;
pub mod folding;
pub mod language;
pub mod money;
pub mod movement;
pub mod order;
pub mod payment_gateway;
pub mod shelf;
pub mod status;
pub mod texts;
pub mod warehouse;
pub mod warehouse_link;

pub use address::Address;
pub use currency::Currency;
pub use email::Email;
pub use error_name::ErrorName;
pub use language::Language;
pub use money::Money;
pub use order::{Order, OrderId, OrderNumber, Refusal};
pub use payment_gateway::PaymentGateway;
pub use status::{Reason, Status};
pub use warehouse::Warehouse;
pub use warehouse_link::WarehouseLink;
