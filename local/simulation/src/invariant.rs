//! What must always hold, and what a violation of it says.

use std::fmt;

use crate::named::named;

named! {
    /// What must hold in every run.
    Invariant {
        /// Of each product in each warehouse, the pieces that are available, reserved, sold and lost are as many as
        /// at the beginning and as movements brought since, and none of the numbers is negative.
        StockConserved "stock-conserved",
        /// What is reserved and sold in a warehouse is what the orders say that hold it and have bought it.
        StockOwned "stock-owned",
        /// Money that was taken and not given back is the price of an order that goes forward or is completed, and what is
        /// given back of a completed order is what the pieces cost that came back.
        MoneyMatches "money-matches",
        /// Money is taken only of customers who have asked to pay.
        MoneyAskedFor "money-asked-for",
        /// No money is taken for an order that has ended.
        NoLateCapture "no-late-capture",
        /// An order whose money a bank held well before its deadline, and went on to hold, is not cancelled for want of it.
        PaidInTime "paid-in-time",
        /// No bank holds money for an order that has ended, and nobody can pay one that is undone any more.
        HoldsReleased "holds-released",
        /// An order's status changes as the table of transitions allows, and its timeline only grows; so do the states of
        /// its returns.
        LegalTransition "legal-transition",
        /// Every write of an order raises its version by one, so that no write is lost.
        VersionGrows "version-grows",
        /// One request makes one order at most, and one idempotency key, too.
        OneOrder "one-order",
        /// Every order has a number, keeps it, and shares it with no other order.
        OneNumber "one-number",
        /// One request of the clerk moves stock once at most, and says what it left.
        OneMovement "one-movement",
        /// One request asks for one return at most, and one idempotency key, too.
        OneReturn "one-return",
        /// What was answered with 2xx came true.
        AnswersTrue "answers-true",
        /// Money is captured and refunded once, and a parcel leaves once; each return is refunded once, and its pieces come
        /// back once.
        EffectOnce "effect-once",
        /// Goods leave for orders that are not undone, and what is undone has none on their way.
        GoodsMatch "goods-match",
        /// Every change of status is published, in the order of the changes.
        EventsComplete "events-complete",
        /// A customer is told of each status that concerns them.
        MessageSent "message-sent",
        /// A customer is told of a status once, unless the answer to the message was lost or the function ended before
        /// it could note that it had sent it.
        MessageOnce "message-once",
        /// Every order, and every return, comes to rest once the faults have stopped.
        Rests "rests",
        /// An order that waits for a person is in a list that this person sees, and the person can act.
        InAList "in-a-list",
        /// An order at rest has an execution, which has ended as the order has; no execution is without an
        /// order.
        ExecutionMatches "execution-matches",
        /// No function panics.
        NoPanic "no-panic",
        /// Whatever is stored as an order can be read as one.
        Readable "readable",
    }
}

/// An invariant that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The invariant that did not hold.
    pub invariant: Invariant,
    /// The order of which it did not hold, if it is about one.
    pub order: Option<String>,
    /// What was found instead.
    pub found: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.order {
            Some(order) => write!(f, "{} of {order}: {}", self.invariant, self.found),
            None => write!(f, "{}: {}", self.invariant, self.found),
        }
    }
}
