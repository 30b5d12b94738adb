//! What a person says of an order that was settled by hand.

use serde::{Deserialize, Serialize};

/// What a person did by hand with an order that needed attention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    /// What became of the money.
    pub money: SettledMoney,
    /// What became of the goods.
    pub stock: SettledStock,
    /// Why, in the person's words.
    pub note: String,
}

/// What became of an order's money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SettledMoney {
    /// It was taken and given back.
    Refunded,
    /// It was taken and is the shop's.
    Kept,
    /// None was taken.
    None,
}

/// What became of an order's goods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SettledStock {
    /// None has left, and all can be ordered again.
    Released,
    /// What has left is the customer's; what has not can be ordered again.
    Sold,
    /// What has left is lost, or everything if nothing has; the rest can be ordered again.
    Lost,
}

/// A contradiction between a resolution and what is known of the order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// Stock is not set aside for the order, so that none can be sold or lost.
    #[error("no stock is set aside for the order: say RELEASED")]
    NothingHeld,
    /// Shipments have left, so that their goods can't be ordered again.
    #[error("shipments have left: say SOLD or LOST")]
    ShipmentsOut,
    /// No shipment has left, so that nothing can be sold.
    #[error("no shipment has left: say RELEASED or LOST")]
    NothingOut,
    /// The money for all goods is kept, and some have not left.
    #[error("some shipments have not left: the money for them can't be kept")]
    PartlyOut,
    /// No money was taken that could be kept or given back.
    #[error("no money was taken: say NONE")]
    NothingTaken,
    /// Money was taken and not given back.
    #[error("money was taken: say REFUNDED or KEPT")]
    MoneyTaken,
    /// The money that was taken was given back.
    #[error("the money was given back: say REFUNDED")]
    GivenBack,
}
