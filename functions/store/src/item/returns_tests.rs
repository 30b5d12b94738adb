//! What is stored of returns, for the tests of the items.

use omniflow_domain::order::returns::{
    Return, ReturnAttention, ReturnChange, ReturnLine, ReturnSignal, ReturnState, ReturnStep, ReturnTask,
};
use omniflow_domain::order::{Failed, Token};
use omniflow_domain::{Currency, Money};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::tests::{actor, moment, unknown};

/// Returns, with all that can be known of them, and amounts in this currency.
pub(super) fn returns() -> impl Strategy<Value = Vec<Return>> {
    let state = || select(ReturnState::ALL.to_vec());
    let line = (".{0,5}", ".{0,5}", any::<u32>(), any::<u32>(), any::<u32>());
    let line = line.prop_map(|(product_id, warehouse, quantity, restocked, written_off)| ReturnLine {
        product_id,
        warehouse,
        quantity,
        restocked,
        written_off,
    });
    let change = (state(), moment(), option::of(actor()), option::of(".{0,5}"));
    let change = change.prop_map(|(state, at, by, note)| ReturnChange { state, at, by, note });
    let text = || option::of(".{0,5}");
    let failed = (text(), text(), text()).prop_map(|(state, error, cause)| Failed { state, error, cause });
    let attention = (moment(), state(), failed, any::<u32>(), moment(), option::of(actor()));
    let attention = attention.prop_map(|(since, was, failed, tries, first, retried)| ReturnAttention {
        since,
        was,
        failed,
        tries,
        first,
        retried,
    });
    let step = select(vec![ReturnStep::Review, ReturnStep::Goods]);
    let task = (step, ".{0,5}", any::<u64>(), any::<u64>()).prop_map(|(step, token, redrive, attempt)| {
        ReturnTask { step, token: Token { token, redrive, attempt } }
    });
    let signals = [
        ReturnSignal::Start,
        ReturnSignal::Approved,
        ReturnSignal::Rejected,
        ReturnSignal::Received,
        ReturnSignal::Retry,
    ];
    let it = (
        (any::<u32>(), ".{0,5}", proptest::collection::vec(line, 0..3), state()),
        (proptest::collection::vec(change, 0..3), 0_usize..9, 0_u64..9_999, option::of(0_u64..9_999)),
        (option::of(attention), 1_u32..3, option::of(task), option::of(select(signals.to_vec())), unknown()),
    );
    let it = it.prop_map(|((number, reason, lines, state), (history, announced, value, refund), rest)| {
        let (attention, execution, task, pending, unknown) = rest;
        let money = |units| Money::from_minor_units(units, Currency::default()).unwrap();
        let (value, refund) = (money(value), refund.map(money));
        Return {
            number,
            reason,
            lines,
            value,
            state,
            history,
            announced,
            refund,
            attention,
            execution,
            task,
            pending,
            unknown,
        }
    });
    proptest::collection::vec(it, 0..3)
}
