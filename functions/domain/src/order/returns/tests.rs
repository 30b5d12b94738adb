use chrono::Duration;
use proptest::prelude::*;

use super::*;
use crate::allocation::{Line, Share};
use crate::currency::Currency;
use crate::order::samples::{now, received_items, token};
use crate::order::{Item, PaymentState, Refusal, Signal};
use crate::payment_gateway::{MoneyAt, PaymentReport};
use crate::status::Status;

fn money(minor_units: u64) -> Money {
    Money::from_minor_units(minor_units, Currency::USD).unwrap()
}

fn line(product: &str, quantity: u32) -> Line {
    Line { product_id: product.to_owned(), quantity }
}

fn item(product: &str, quantity: u32, price: Option<u64>) -> Item {
    Item {
        product_id: product.to_owned(),
        name: product.to_owned(),
        quantity,
        price: price.map(money),
        unknown: Unknown::default(),
    }
}

fn terms() -> ReturnTerms {
    ReturnTerms { within: TimeDelta::days(30), review_over: money(10_000) }
}

/// A completed order of these items for this amount, whose pieces two warehouses shipped.
fn completed(items: Vec<Item>, amount: u64) -> Order {
    let mut order = received_items(items, money(amount));
    let mut shares = [("wh-east", Vec::new()), ("wh-west", Vec::new())];
    for wanted in order.wanted() {
        shares[0].1.push(line(&wanted.product_id, wanted.quantity.div_ceil(2)));
        if wanted.quantity > 1 {
            shares[1].1.push(line(&wanted.product_id, wanted.quantity / 2));
        }
    }
    let shares = shares.into_iter().filter(|(_, items)| !items.is_empty());
    let shares = shares.map(|(warehouse, items)| Share { warehouse: warehouse.to_owned(), items });
    order.reserve(shares.collect(), now()).unwrap();
    order.capture(now()).unwrap();
    let warehouses: Vec<_> = order.first_warehouses().map(str::to_owned).collect();
    for warehouse in warehouses {
        order.ship(&warehouse, "t", now()).unwrap();
    }
    order.complete(now()).unwrap();
    order
}

/// As [`completed`], but the order was completed by the task of one warehouse while that of another had not heard yet that
/// its goods are on their way.
fn completed_unheard() -> Order {
    let mut order = received_items(vec![item("mug", 2, Some(1_000))], money(2_000));
    let share = |warehouse: &str| Share { warehouse: warehouse.to_owned(), items: vec![line("mug", 1)] };
    order.reserve(vec![share("wh-east"), share("wh-west")], now()).unwrap();
    order.capture(now()).unwrap();
    order.dispatch("wh-east", Some(token("east", 0)), now()).unwrap();
    order.ship("wh-east", "t", now()).unwrap();
    order.ship("wh-west", "t", now()).unwrap();
    assert!(order.complete_with_last_shipment(None, now()).unwrap());
    order
}

fn customer() -> Actor {
    Actor::named(Role::Customer, "ann")
}

fn operator() -> Actor {
    Actor::named(Role::Operator, "bob")
}

fn ask(order: &mut Order, lines: &[Line]) -> Result<u32, Refusal> {
    let asked = Asked { lines: lines.to_vec(), reason: "too small".to_owned() };
    order.request_return(&asked, &terms(), customer(), now())
}

fn came(product: &str, restock: u32, write_off: u32) -> ReceivedLine {
    ReceivedLine { product_id: product.to_owned(), restock, write_off }
}

fn is_refused(result: Result<impl std::fmt::Debug, Refusal>, expected: ReturnRefusal) {
    assert_eq!(result.unwrap_err(), Refusal::Return(expected));
}

#[test]
fn a_small_return_goes_from_its_request_to_its_refund() {
    let mut order = completed(vec![item("ring", 3, Some(20_00))], 60_00);
    let number = ask(&mut order, &[line("ring", 2)]).unwrap();
    assert_eq!((number, order.pending_signal()), (1, Some(Signal::Returns)));
    assert_eq!(order.return_of(1).unwrap().state, ReturnState::AwaitingGoods);
    assert_eq!(order.await_return(1, ReturnStep::Review, token("r", 0), now()), Ok(Passage::Open));
    assert_eq!(order.await_return(1, ReturnStep::Goods, token("g", 0), now()), Ok(Passage::Waits));
    let read = order.clone();
    order.settle_return_announcements(&read, now());
    assert_eq!(order.pending_signal(), Some(Signal::ReturnsOpen), "nobody has to be told anything");
    order.receive_return(1, &[came("ring", 1, 1)], operator(), now()).unwrap();
    assert_eq!(order.pending_signal(), Some(Signal::Returns));
    assert_eq!(order.return_refund_due(1), Ok(Some(money(40_00))));
    order.note_return_refunded(1, now()).unwrap();
    assert_eq!(order.return_refund_due(1), Ok(None));
    let read = order.clone();
    order.settle_return_announcements(&read, now());
    assert_eq!((order.pending_signal(), order.payment().state), (None, PaymentState::Captured));
    let states: Vec<_> = order.return_of(1).unwrap().history.iter().map(|change| change.state).collect();
    use ReturnState::{AwaitingGoods, Received, Refunded, Requested};
    assert_eq!(states, [Requested, AwaitingGoods, Received, Refunded]);
}

#[test]
fn no_more_is_returned_than_was_shipped_and_what_did_not_come_can_be_asked_again() {
    let mut order = completed(vec![item("ring", 3, Some(10_00)), item("case", 1, Some(5_00))], 35_00);
    let too_many = |asked, left| ReturnRefusal::TooMany { product_id: "ring".to_owned(), asked, left };
    is_refused(ask(&mut order, &[line("ring", 4)]), too_many(4, 3));
    ask(&mut order, &[line("ring", 2)]).unwrap();
    is_refused(ask(&mut order, &[line("case", 1), line("ring", 2)]), too_many(2, 1));
    assert_eq!(order.returnable(), [line("case", 1), line("ring", 1)]);
    order.receive_return(1, &[came("ring", 1, 0)], operator(), now()).unwrap();
    assert_eq!(order.returns()[0].refund, Some(money(10_00)), "one of two came");
    ask(&mut order, &[line("ring", 2)]).unwrap();
    order.review_return(2, false, operator(), None, now()).unwrap();
    ask(&mut order, &[line("ring", 2), line("case", 1)]).unwrap();
    is_refused(ask(&mut order, &[line("ring", 1)]), too_many(1, 0));
}

#[test]
fn a_return_is_refused_where_nothing_can_come_of_it() {
    let mut order = completed(vec![item("ring", 1, Some(10_00))], 10_00);
    let asked = Asked { lines: vec![line("ring", 1)], reason: String::new() };
    let late = now() + Duration::days(31);
    let until = now() + Duration::days(30);
    is_refused(order.request_return(&asked, &terms(), customer(), late), ReturnRefusal::TooLate(until));
    is_refused(order.review_return(1, true, operator(), None, now()), ReturnRefusal::Unknown(1));
    let mut open = received_items(vec![item("ring", 1, None)], money(10_00));
    is_refused(ask(&mut open, &[line("ring", 1)]), ReturnRefusal::NotCompleted(Status::Received));
    ask(&mut order, &[line("ring", 1)]).unwrap();
    is_refused(order.receive_return(1, &[came("ring", 0, 0)], operator(), now()), ReturnRefusal::NothingCame);
    let more = ReturnRefusal::MoreThanAsked { product_id: "ring".to_owned(), came: 2, asked: 1 };
    is_refused(order.receive_return(1, &[came("ring", 1, 1)], operator(), now()), more);
    order.receive_return(1, &[came("ring", 1, 0)], operator(), now()).unwrap();
    order.note_return_refunded(1, now()).unwrap();
    assert_eq!(order.payment().state, PaymentState::Refunded, "all of it was given back");
    is_refused(ask(&mut order, &[line("ring", 1)]), ReturnRefusal::NothingPaid);
    let closed = ReturnRefusal::WrongState { number: 1, state: ReturnState::Refunded };
    is_refused(order.receive_return(1, &[came("ring", 1, 0)], operator(), now()), closed);
}

#[test]
fn a_large_return_waits_for_an_operator_who_is_somebody_else() {
    let mut order = completed(vec![item("ring", 2, Some(8_000))], 16_000);
    let asked = Asked { lines: vec![line("ring", 2)], reason: String::new() };
    order.request_return(&asked, &terms(), operator(), now()).unwrap();
    assert_eq!(order.await_return(1, ReturnStep::Review, token("r", 0), now()), Ok(Passage::Waits));
    let early = ReturnRefusal::WrongState { number: 1, state: ReturnState::AwaitingReview };
    is_refused(order.await_return(1, ReturnStep::Goods, token("g", 0), now()), early);
    let own = order.review_return(1, true, operator(), None, now());
    assert_eq!(own, Err(Refusal::OwnOrder));
    let other = Actor::named(Role::Operator, "eve");
    order.review_return(1, true, other, Some("fine".to_owned()), now()).unwrap();
    let it = order.return_of(1).unwrap();
    assert_eq!((it.state, it.pending), (ReturnState::AwaitingGoods, Some(ReturnSignal::Approved)));
    order.await_return(1, ReturnStep::Goods, token("g", 0), now()).unwrap();
    let late = order.await_return(1, ReturnStep::Review, token("r2", 1), now());
    assert_eq!(late, Ok(Passage::Open));
    let task = order.return_of(1).unwrap().task.as_ref().unwrap();
    assert_eq!(
        (task.step, task.token.token.as_str()),
        (ReturnStep::Goods, "g"),
        "a late step displaces nothing"
    );
}

#[test]
fn what_was_rejected_ends_its_workflow_and_what_nobody_sent_ends_with_it() {
    let mut order = completed(vec![item("ring", 2, Some(10_00))], 20_00);
    ask(&mut order, &[line("ring", 1)]).unwrap();
    order.review_return(1, false, operator(), None, now()).unwrap();
    assert_eq!(order.return_of(1).unwrap().pending, Some(ReturnSignal::Start), "it was never started");
    is_refused(order.await_return(1, ReturnStep::Review, token("r", 0), now()), ReturnRefusal::Rejected(1));
    order.close_return(1, now()).unwrap();
    assert_eq!(order.return_of(1).unwrap().pending, None);
    ask(&mut order, &[line("ring", 1)]).unwrap();
    order.close_return(2, now()).unwrap();
    assert_eq!(order.return_of(2).unwrap().state, ReturnState::Rejected);
    ask(&mut order, &[line("ring", 1)]).unwrap();
    order.receive_return(3, &[came("ring", 1, 0)], operator(), now()).unwrap();
    order.close_return(3, now()).unwrap();
    let it = order.return_of(3).unwrap();
    assert_eq!((it.state, it.execution, it.pending), (ReturnState::Received, 2, Some(ReturnSignal::Start)));
    assert_eq!(it.execution_name(order.id()), format!("{}-return-3-2", order.id()));
    let name = return_of_execution(&it.execution_name(order.id()));
    assert_eq!(name, Some((order.id().clone(), 3)));
    assert_eq!(return_of_execution(order.id().as_str()), None);
}

#[test]
fn a_return_that_failed_goes_on_or_is_settled_by_hand() {
    let mut order = completed(vec![item("ring", 2, Some(10_00))], 20_00);
    ask(&mut order, &[line("ring", 1)]).unwrap();
    order.receive_return(1, &[came("ring", 1, 0)], operator(), now()).unwrap();
    let failed = |error: &str| Failed { error: Some(error.to_owned()), ..Failed::default() };
    assert_eq!(order.fail_return(1, failed("StoreUnavailable"), now()), Ok(true));
    assert_eq!(order.fail_return(1, failed("StoreUnavailable"), now()), Ok(false), "it is known");
    assert!(order.return_of(1).unwrap().failed_by_disturbance());
    order.retry_return(1, Actor::SYSTEM, None, now()).unwrap();
    order.fail_return(1, failed("RefundFailed"), now()).unwrap();
    let it = order.return_of(1).unwrap();
    assert_eq!((it.attention.as_ref().unwrap().tries, it.failed_by_disturbance()), (1, false));
    order.retry_return(1, operator(), None, now()).unwrap();
    assert_eq!(order.return_of(1).unwrap().pending, Some(ReturnSignal::Retry));
    order.restart_return(1, now());
    assert_eq!(order.return_of(1).unwrap().execution, 2);
    order.fail_return(1, failed("RefundFailed"), now()).unwrap();
    order.resolve_return(1, operator(), "by bank transfer".to_owned(), now()).unwrap();
    let it = order.return_of(1).unwrap();
    assert_eq!((it.state, it.pending), (ReturnState::Refunded, None));
    assert!(order.retry_return(1, operator(), None, now()).is_err());
}

#[test]
fn an_order_forgets_its_customer_only_when_its_returns_are_closed() {
    let mut order = completed(vec![item("ring", 1, Some(10_00))], 10_00);
    ask(&mut order, &[line("ring", 1)]).unwrap();
    assert_eq!(order.erase_customer(), Err(Refusal::ReturnOpen));
    order.review_return(1, false, operator(), Some("ann again".to_owned()), now()).unwrap();
    order.erase_customer().unwrap();
    let left = format!("{:?}", order.returns());
    assert!(!left.contains("\"ann") && !left.contains("small") && left.contains("bob"), "{left}");
}

proptest! {
    /// Whatever is asked, received and rejected in whatever order: no piece comes back twice, and the money that is
    /// given back is that of the pieces, all of it when all came.
    #[test]
    fn money_and_pieces_are_conserved(
        quantities in proptest::collection::vec((1_u32..5, proptest::option::of(0_u64..5_000)), 1..4),
        amount in 0_u64..50_000,
        deeds in proptest::collection::vec((0_u8..4, 0_usize..4, 1_u32..4, 1_u32..4), 0..40),
    ) {
        let items = quantities.iter().enumerate();
        let items: Vec<_> = items.map(|(n, (quantity, price))| item(&format!("p{n}"), *quantity, *price)).collect();
        let mut order = completed(items.clone(), amount);
        let terms = ReturnTerms { review_over: money(u64::from(u32::MAX)), ..terms() };
        for (deed, product, quantity, number) in deeds {
            let before = order.clone();
            let product = format!("p{product}");
            let done = match deed {
                0 => {
                    let asked = Asked { lines: vec![line(&product, quantity)], reason: String::new() };
                    order.request_return(&asked, &terms, customer(), now()).map(drop)
                }
                1 => order.review_return(number, false, operator(), None, now()),
                2 => order.receive_return(number, &[came(&product, quantity - 1, 1)], operator(), now()),
                _ => order.note_return_refunded(number, now()),
            };
            if done.is_err() {
                prop_assert_eq!(&order, &before, "a refused decision changes nothing");
            }
            let mut came_back = std::collections::BTreeMap::<&str, u32>::new();
            for line in order.returns().iter().flat_map(|it| &it.lines) {
                prop_assert!(line.came() <= line.quantity);
                *came_back.entry(&line.product_id).or_default() += line.came();
            }
            for wanted in order.wanted() {
                prop_assert!(came_back.get(wanted.product_id.as_str()).copied().unwrap_or(0) <= wanted.quantity);
            }
            prop_assert!(order.refunded_for_returns() <= order.amount());
            let all = order.wanted().iter().all(|it| came_back.get(it.product_id.as_str()) == Some(&it.quantity));
            if all {
                prop_assert_eq!(order.refunded_for_returns(), order.amount());
            }
            let is_priced = items.iter().all(|item| item.price.is_some_and(|price| !price.is_zero()));
            let sum: u64 = items.iter().filter_map(|it| Some(it.price?.times(it.quantity).minor_units())).sum();
            if is_priced && sum == amount {
                let worth: u64 = items.iter().filter_map(|it| {
                    Some(it.price?.times(came_back.get(it.product_id.as_str()).copied().unwrap_or(0)).minor_units())
                }).sum();
                prop_assert_eq!(order.refunded_for_returns().minor_units(), worth);
            }
            let is_open = order.returns().iter().any(|it| it.pending.is_some() || it.announced < it.history.len());
            prop_assert_eq!(order.pending_signal() == Some(Signal::Returns), is_open);
        }
    }
}

#[test]
fn what_was_given_back_past_the_shop_is_known_whether_or_not_the_money_of_a_return_is_back_already() {
    let mut order = completed(vec![item("ring", 3, Some(20_00))], 60_00);
    let report =
        |units: u64| PaymentReport { returned: Some(money(units)), ..PaymentReport::of(MoneyAt::Shop) };
    let returned = |order: &Order| (order.payment().returned, order.payment().history.len());
    order.learn(&report(25_00), Some("evt_1"), now());
    assert_eq!(returned(&order), (Some(money(25_00)), 1));

    let number = ask(&mut order, &[line("ring", 1)]).unwrap();
    order.receive_return(number, &[came("ring", 1, 0)], operator(), now()).unwrap();
    // Told again before the money of the return is back, as providers may, and after that.
    order.learn(&report(25_00), Some("evt_1"), now());
    assert_eq!(returned(&order), (Some(money(25_00)), 1), "it is not forgotten");
    order.learn(&report(45_00), Some("evt_2"), now());
    assert_eq!(returned(&order), (Some(money(25_00)), 1));
    order.note_return_refunded(number, now()).unwrap();
    order.learn(&report(45_00), Some("evt_2"), now());
    assert_eq!(returned(&order), (Some(money(25_00)), 1));

    order.learn(&report(50_00), Some("evt_3"), now());
    assert_eq!(returned(&order), (Some(money(30_00)), 2), "more was given back past the shop");
    order.learn(&report(30_00), Some("evt_4"), now());
    assert_eq!(returned(&order), (Some(money(10_00)), 3), "some of it has failed");
}

#[test]
fn a_task_that_has_not_heard_of_a_shipment_is_found_also_when_returns_were_to_be_told_first() {
    let mut order = completed_unheard();
    assert_eq!(order.pending_signal(), Some(Signal::Shipments));
    ask(&mut order, &[line("mug", 1)]).unwrap();
    assert_eq!(order.pending_signal(), Some(Signal::Returns));
    let mut signals = Vec::new();
    for minute in 1..9 {
        let (read, at) = (order.clone(), now() + Duration::minutes(minute));
        match order.pending_signal() {
            Some(Signal::Returns) => {
                order.settle_return_announcements(&read, at);
                order.settle_returns(&read, at);
            }
            Some(Signal::Announce) => order.settle_announcements(&read),
            _ => order.settle(&read, at),
        }
        signals.push(order.pending_signal());
        assert_eq!(order.record.pending_signal.is_some(), order.record.pending_since.is_some(), "{order:?}");
    }
    signals.dedup();
    assert_eq!(signals, [Signal::Shipments, Signal::Announce, Signal::ReturnsOpen].map(Some));
    assert_eq!(order.pending_shipments().count(), 0);
}
