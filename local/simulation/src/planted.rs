//! Planted bugs: the check on the check. Each changes at a seam what the system does, so that the system does
//! what it would with a well-known mistake in it; the simulation must find it. The system's own code has no
//! switch for them.

use crate::named::named;

named! {
    /// A bug that can be planted.
    Planted {
        /// Stock is given back without the condition that nobody has given it back before.
        ReleasedWithoutCondition "released-without-condition",
        /// The task token is answered before the decision is written, which may still fail.
        AnsweredBeforeWritten "answered-before-written",
        /// The pending signal is cleared with the decision, before the workflow has heard of it.
        SignalClearedEarly "signal-cleared-early",
        /// Each attempt to capture has a key of its own at the payment gateway.
        CaptureWithoutKey "capture-without-key",
        /// A failure of PutEvents is taken for success.
        EventsSwallowed "events-swallowed",
        /// Of several events that are published together, the first is left out.
        EventForgotten "event-forgotten",
        /// The payment window is closed without the condition that nobody has paid meanwhile.
        WindowClosedUnconditionally "window-closed-unconditionally",
        /// The payment window is closed as though the payment provider had said that nobody has paid.
        WindowClosedWithoutAsking "window-closed-without-asking",
        /// Whoever looks for signals that were not heard leaves out those of one kind.
        SweepSkipsAStatus "sweep-skips-a-status",
        /// The money is given back although shipments could not be called back.
        RefundAfterFailedCancel "refund-after-failed-cancel",
        /// A refund that fails is taken for done.
        FailedRefundIgnored "failed-refund-ignored",
        /// Stock is reserved without the condition that there is enough.
        OversoldUnconditionally "oversold-unconditionally",
        /// Each order gets two executions.
        StartedTwice "started-twice",
        /// Successes are not reported to the tasks that wait for them.
        TokenAnswerLost "token-answer-lost",
        /// The answer to a request with an idempotency key is not kept.
        KeyNotKept "key-not-kept",
        /// A request that creates an order makes another one when it takes long.
        CreatedTwice "created-twice",
        /// Orders are given numbers without the condition that no other order has them, by a counter that does not count.
        NumberUnconditional "number-unconditional",
        /// A warehouse ships what was called back before.
        ShippedAfterCallBack "shipped-after-call-back",
        /// An order is completed without its stock being sold.
        CompletedWithoutSale "completed-without-sale",
        /// The verdict of a reviewer is written without the condition that there is none yet.
        VerdictUnconditional "verdict-unconditional",
        /// An order is ended by hand without money, and its payment is not voided.
        EndedWithoutVoid "ended-without-void",
        /// Customers are told of an event without a claim that nobody else tells them at the same time or has before.
        ToldWithoutClaim "told-without-claim",
        /// An order is ended by hand, and the warehouses are not asked to keep what has not left.
        ResolvedWithoutCallBack "resolved-without-call-back",
        /// A payment at Stripe that is to be voided is left as it is.
        VoidForgotten "void-forgotten",
        /// Money at Stripe that is to be given back is kept.
        ReturnForgotten "return-forgotten",
        /// Goods that came back are noted on the order, and not in the stock.
        ReturnedWithoutStock "returned-without-stock",
        /// Each attempt to give money back for a return has a key of its own at the payment gateway.
        ReturnRefundedWithoutKey "return-refunded-without-key",
        /// The answer to a request for a return with an idempotency key is not kept.
        ReturnKeyNotKept "return-key-not-kept",
        /// The journal forgets its latest groups when the process dies.
        JournalForgets "journal-forgets",
    }
}
