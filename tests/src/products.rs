//! Products of the sample stock, by what tests use them for. On a foreign target all tests share one stock: what one test
//! counts, no other may buy at the same time.

/// For tests that don't count; also found as `iPhone 15` and `iPhone15`.
pub const PHONE: &str = "iphone-15";
/// For tests that don't count, and for runtimes of a test's own; in all three warehouses.
pub const EVERYWHERE: &str = "prod-001";
/// Bought only by tests that count and run alone ([`crate::Runtime::alone`]); in all three warehouses.
pub const COUNTED: &str = "prod-003";
/// As [`COUNTED`], in wh-east only.
pub const EAST: &str = "macbook-air";
/// As [`COUNTED`], in wh-west only.
pub const WEST: &str = "magic-mouse";
/// As [`COUNTED`], with at most 60 in one warehouse.
pub const LARGE_ORDERS: &str = "macbook-pro";
/// Exactly a hundred, over three warehouses.
pub const RARE: &str = "limited-edition";
/// Its shipment fails twice, then it ships; in wh-east.
pub const FRAGILE: &str = "fragile-lamp";
/// Its shipment fails for good; in wh-west.
pub const UNSHIPPABLE: &str = "fragile-vase";
/// Its shipment can't be called back; in wh-north.
pub const STUCK: &str = "stuck-crate";
