//! Why decisions about returns are refused.

use chrono::{DateTime, Utc};

use super::{MOST_LINES, MOST_RETURNS, ReturnState};
use crate::status::Status;

/// Why a decision about a return was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReturnRefusal {
    /// Only of an order that was completed goods can be returned.
    #[error("the order is {0}")]
    NotCompleted(Status),
    /// The time for returns is over.
    #[error("the time for returns was over at {0}")]
    TooLate(DateTime<Utc>),
    /// There is no money that could be given back.
    #[error("the money of the order was given back already")]
    NothingPaid,
    /// More pieces are asked to be returned than were shipped and are not on their way back.
    #[error("{asked} of {product_id} are to be returned, and {left} can be")]
    #[allow(missing_docs, reason = "the text says it")]
    TooMany { product_id: String, asked: u32, left: u32 },
    /// The order has as many returns as an order may have.
    #[error("an order may have {MOST_RETURNS} returns")]
    TooManyReturns,
    /// The goods come back to more shelves than one transaction can write.
    #[error("a return may be of {MOST_LINES} products and warehouses")]
    TooManyLines,
    /// The order has no return of this number.
    #[error("the order has no return {0}")]
    Unknown(u32),
    /// The return has come to a state in which this can't be decided.
    #[error("return {number} is {}", state.name())]
    #[allow(missing_docs, reason = "the text says it")]
    WrongState { number: u32, state: ReturnState },
    /// The return was rejected: its workflow has nothing more to wait for.
    #[error("return {0} was rejected")]
    Rejected(u32),
    /// More pieces have come than were to be returned.
    #[error("{came} of {product_id} have come, and {asked} were to be returned")]
    #[allow(missing_docs, reason = "the text says it")]
    MoreThanAsked { product_id: String, came: u32, asked: u32 },
    /// Nothing has come.
    #[error("nothing has come")]
    NothingCame,
}
