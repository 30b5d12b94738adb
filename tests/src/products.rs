//! The products of the sample stock that tests use, by purpose. On a foreign target all tests share one
//! stock: while a test counts a product, no other test may buy it.

/// For tests that don't count stock. The API also accepts `iPhone 15` and `iPhone15` for it.
pub const PHONE: &str = "iphone-15";
/// For tests that don't count stock, and for runtimes of a test's own. It is in all three warehouses.
pub const EVERYWHERE: &str = "prod-001";
/// For tests that count stock and run alone ([`crate::Runtime::alone`]); no other test buys it. It is in all
/// three warehouses.
pub const COUNTED: &str = "prod-003";
/// As [`COUNTED`], but in wh-east only.
pub const EAST: &str = "macbook-air";
/// As [`COUNTED`], but in wh-west only.
pub const WEST: &str = "magic-mouse";
/// As [`COUNTED`], but with at most 60 pieces in one warehouse.
pub const LARGE_ORDERS: &str = "macbook-pro";
/// There are exactly 100 pieces of it, in three warehouses.
pub const RARE: &str = "limited-edition";
/// Its shipment fails twice and then succeeds. It is in wh-east.
pub const FRAGILE: &str = "fragile-lamp";
/// Its shipment fails and no retry helps. It is in wh-west.
pub const UNSHIPPABLE: &str = "fragile-vase";
/// Its shipment can't be cancelled. It is in wh-north.
pub const STUCK: &str = "stuck-crate";
