//! Whatever customers, reviewers, deadlines and workflows do at the same time, and whichever requests fail meanwhile: no
//! piece of stock appears or vanishes, and money is kept for completed orders only.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::cell::Cell;
use std::collections::BTreeMap;

use futures::future::join_all;
use omniflow_domain::order::{PaymentState, Reservation};
use omniflow_domain::{Currency, Money, Order, OrderId, Status};
use omniflow_tables::Tables;
use omniflow_testing::{At, Outage, Shop, Walk};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::task::yield_now;

/// Little enough that orders compete; a lamp ships at the third try, a vase never.
const STOCK: [(&str, &str, u32); 5] = [
    ("ring", "wh-east", 3),
    ("ring", "wh-west", 2),
    ("fragile-lamp", "wh-west", 2),
    ("fragile-lamp", "wh-north", 2),
    ("fragile-vase", "wh-east", 2),
];

/// What somebody decides about an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    Pay(&'static str),
    Cancel,
    Approve,
    Reject,
    /// The deadline passes, and the payment window closes.
    Expire,
}

#[derive(Debug, Clone)]
struct Plan {
    rings: u32,
    lamps: u32,
    vase: bool,
    audited: bool,
    prepaid: Option<&'static str>,
    /// Each after so many turns of the others.
    decisions: Vec<(u8, Decision)>,
}

fn method() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        4 => Just("pm_card"),
        1 => Just("pm_declined"),
        1 => Just("pm_timeout_twice"),
        1 => Just("pm_timeout_always"),
        1 => Just("pm_refund_fails_twice"),
        1 => Just("pm_refund_fails"),
    ]
}

fn decision() -> impl Strategy<Value = Decision> {
    prop_oneof![
        4 => method().prop_map(Decision::Pay),
        2 => Just(Decision::Cancel),
        2 => Just(Decision::Approve),
        1 => Just(Decision::Reject),
        1 => Just(Decision::Expire),
    ]
}

fn plan() -> impl Strategy<Value = Plan> {
    let goods = (0u32..4, 0u32..3, proptest::bool::weighted(0.15));
    let goods = goods.prop_filter("something", |(rings, lamps, _)| rings + lamps > 0);
    let decisions = proptest::collection::vec((0u8..120, decision()), 0..4);
    (goods, proptest::bool::weighted(0.3), proptest::option::weighted(0.3, method()), decisions).prop_map(
        |((rings, lamps, vase), audited, prepaid, decisions)| Plan {
            rings,
            lamps,
            vase,
            audited,
            prepaid,
            decisions,
        },
    )
}

fn outage() -> impl Strategy<Value = Outage> {
    (0usize..250, any::<bool>()).prop_map(|(request, carried_out)| Outage { request, carried_out })
}

/// What was answered to the decisions about one order.
#[derive(Debug, Default)]
struct Heard {
    paid_with: Option<&'static str>,
    rejected: bool,
    /// Asked for; it may have been granted even where the answer was lost.
    cancelled: bool,
}

fn number(item: &Value, column: &str) -> u32 {
    item[column]["N"].as_str().unwrap().parse().unwrap()
}

/// Panics where available + reserved + sold is not what it was.
fn check_stock(tables: &Tables) {
    let answer = tables.blocking_answer("Scan", br#"{"TableName": "StockTable"}"#);
    let answer: Value = serde_json::from_str(&answer.body).unwrap();
    let mut sums: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for item in answer["Items"].as_array().unwrap() {
        let text = |name: &str| item[name]["S"].as_str().unwrap();
        // Buckets of a place have its warehouse and their number behind the product.
        let product = text("product_id").split('/').next().unwrap();
        *sums.entry((product, text("warehouse_id"))).or_default() +=
            number(item, "available") + number(item, "reserved") + number(item, "sold");
    }
    let expected = STOCK.iter().map(|(product, warehouse, pieces)| ((*product, *warehouse), *pieces));
    assert_eq!(sums, expected.collect(), "{answer}");
}

async fn place(shop: &Shop, plan: &Plan) -> OrderId {
    let price = if plan.audited { 20_000 } else { 10 };
    let goods = [("ring", plan.rings), ("fragile-lamp", plan.lamps), ("fragile-vase", u32::from(plan.vase))];
    let items = goods.iter().filter(|(_, quantity)| *quantity > 0);
    let items: Vec<_> = items
        .map(|(id, quantity)| json!({ "product_id": id, "quantity": quantity, "price": price }))
        .collect();
    let mut order = json!({ "items": items });
    if let Some(method) = plan.prepaid {
        order["payment"] = json!({ "method": method });
    }
    shop.place(order).await
}

async fn decide(shop: &Shop, id: &OrderId, plan: &Plan) -> Heard {
    let mut heard = Heard::default();
    for (turns, decision) in &plan.decisions {
        for _ in 0..*turns {
            yield_now().await;
        }
        match decision {
            Decision::Pay(method) => {
                if shop.pay(id, method).await.status == 200 {
                    assert_eq!(heard.paid_with.replace(method), None, "paid twice");
                }
            }
            Decision::Cancel => {
                heard.cancelled = true;
                shop.decide(id, "cancel").await;
            }
            Decision::Approve => {
                shop.audit(id, "APPROVE").await;
            }
            Decision::Reject => heard.rejected |= shop.audit(id, "REJECT").await.status == 200,
            Decision::Expire => expire(shop, id).await,
        }
    }
    heard
}

/// Only a window that was opened can close.
async fn expire(shop: &Shop, id: &OrderId) {
    if shop.aws.started("PaymentWindowStateMachine", id.as_str()).is_none() {
        return;
    }
    // The table itself may be what fails; then time has not passed.
    let passed = shop.try_to_tamper(id, |order| {
        if order.status == Status::AwaitingPayment {
            order.payment.deadline = order.timeline.first().map(|change| change.at);
        }
    });
    if passed.await.is_ok() {
        let _retried_later = shop.forward("close-payment-window", id).await;
    }
}

/// The sweeper leaves alone what is younger than two seconds.
async fn age_signal(shop: &Shop, id: &OrderId) {
    let aged = shop.try_to_tamper(id, |order| {
        order.pending_since = order.pending_since.map(|_| 0);
    });
    let _the_table_may_fail = aged.await;
}

/// Lets everything that is still open end: nobody pays or reviews any more, the sweeper runs.
async fn settle(shop: &Shop, walks: &mut [Walk]) {
    for _ in 0..100 {
        let mut open = false;
        for walk in walks.iter_mut() {
            while walk.step(shop).await {}
            if let At::Waiting(..) | At::NotStarted = &walk.at {
                open = true;
                let order = shop.order(&walk.order_id).await;
                match order.status() {
                    _ if order.pending_signal().is_some() => shop.age_signal(&walk.order_id).await,
                    Status::AwaitingAudit => {
                        assert_eq!(shop.audit(&walk.order_id, "REJECT").await.status, 200)
                    }
                    _ => expire(shop, &walk.order_id).await,
                }
            }
        }
        if !open {
            // The bus may have failed at an order's last step, and nobody waits for what was left to the sweeper.
            for walk in walks.iter() {
                shop.age_signal(&walk.order_id).await;
            }
            shop.sweep().await;
            return;
        }
        shop.sweep().await;
    }
    panic!("orders never end: {walks:#?}");
}

/// Somebody splits a place of the stock into so many buckets, or puts it together, after so many turns of others.
type Split = (u8, usize, u8);

fn splits() -> impl Strategy<Value = Vec<Split>> {
    proptest::collection::vec((0u8..120, 0..STOCK.len(), 1u8..6), 0..8)
}

async fn split(shop: &Shop, splits: &[Split]) {
    for (turns, place, buckets) in splits {
        for _ in 0..*turns {
            yield_now().await;
        }
        let (product, warehouse, _) = STOCK[*place];
        let path = format!("/api/v1/stock/{product}/{warehouse}/buckets");
        let _may_fail = shop.http("PUT", &path, json!({ "buckets": buckets })).await;
    }
}

async fn live(plans: Vec<Plan>, splits: Vec<Split>, outages: Vec<Outage>, seed: u64) {
    let shop = Shop::shuffled(&STOCK, seed);
    shop.aws.watch(check_stock);
    let ids = join_all(plans.iter().map(|plan| place(&shop, plan))).await;
    let mut walks: Vec<_> = ids.iter().map(Walk::of).collect();
    shop.aws.outages(outages);
    let deciding = Cell::new(plans.len());
    let decisions = join_all(ids.iter().zip(&plans).map(|(id, plan)| async {
        let heard = decide(&shop, id, plan).await;
        deciding.set(deciding.get() - 1);
        heard
    }));
    let workflows = join_all(walks.iter_mut().map(|walk| async {
        while walk.step(&shop).await || deciding.get() > 0 {
            yield_now().await;
        }
    }));
    let sweeper = async {
        while deciding.get() > 0 {
            for _ in 0..50 {
                yield_now().await;
            }
            for id in &ids {
                age_signal(&shop, id).await;
            }
            let _may_fail = shop.invoke("sweep-orders", json!({})).await;
        }
    };
    let (heard, _, (), ()) = futures::join!(decisions, workflows, sweeper, split(&shop, &splits));
    shop.aws.heal();
    settle(&shop, &mut walks).await;
    let orders = join_all(ids.iter().map(|id| shop.order(id))).await;
    check_orders(&shop, &orders, &heard);
    check_sold(&shop, &orders).await;
}

fn check_orders(shop: &Shop, orders: &[Order], heard: &[Heard]) {
    let ledger = shop.ledger();
    let mut kept = Money::zero(Currency::USD);
    let mut due = Money::zero(Currency::USD);
    for (order, heard) in orders.iter().zip(heard) {
        let left_to_a_person = order.status() == Status::NeedsAttention;
        assert!(order.status().is_final() || left_to_a_person, "{order:#?}");
        assert_eq!(order.pending_signal(), None, "{order:#?}");
        let finals = order.timeline().iter().filter(|change| change.status.is_final()).count();
        assert_eq!(finals, usize::from(!left_to_a_person), "{order:#?}");
        let facts = ledger.get(&format!("payment#{}", order.id())).cloned().unwrap_or_default();
        let captured = facts.get("captured").map(|amount| Money::parse(amount, Currency::USD).unwrap());
        let holds = captured.filter(|_| !facts.contains_key("refunded"));
        kept = holds.map_or(kept, |holds| kept.plus(holds).unwrap());
        match order.status() {
            Status::Completed => {
                due = due.plus(order.amount()).unwrap();
                assert_eq!(holds, Some(order.amount()), "{order:#?}");
                assert_eq!(order.payment().state, PaymentState::Captured);
                assert_eq!(order.reservation(), Reservation::Sold);
            }
            // A gateway that is silent for good leaves nothing but the reservation, which a person knows of.
            Status::NeedsAttention if order.payment().method.as_deref() == Some("pm_timeout_always") => {
                assert_eq!((holds, order.reservation()), (None, Reservation::Held), "{order:#?}");
                assert!(!order.standing().is_undone(), "{order:#?}");
            }
            // Only a refund that fails for good leaves money behind; a person knows.
            Status::NeedsAttention => {
                due = due.plus(order.amount()).unwrap();
                assert_eq!(order.payment().method.as_deref(), Some("pm_refund_fails"), "{order:#?}");
                assert_eq!(holds, Some(order.amount()));
            }
            _ => {
                assert_eq!(holds, None, "paid and undone: {order:#?}");
                assert!(order.reason().is_some(), "{order:#?}");
                assert_ne!(order.payment().state, PaymentState::Captured);
                assert_ne!(order.reservation(), Reservation::Held);
            }
        }
        let breaks = order.items().iter().any(|item| item.product_id == "fragile-vase");
        if heard.paid_with == Some("pm_card") && !heard.cancelled && !breaks {
            assert_eq!(order.status(), Status::Completed, "an accepted payment was lost: {order:#?}");
        }
        if heard.rejected {
            assert!(order.status().is_undone(), "an accepted verdict was lost: {order:#?}");
        }
    }
    assert_eq!(kept, due, "money captured - refunded");
}

async fn check_sold(shop: &Shop, orders: &[Order]) {
    let mut by_status: BTreeMap<(String, bool), u32> = BTreeMap::new();
    for order in orders.iter().filter(|order| !matches!(order.reservation(), Reservation::Released)) {
        for line in order.shipments().iter().flat_map(|shipment| &shipment.items) {
            let sold = order.status() == Status::Completed;
            *by_status.entry((line.product_id.clone(), sold)).or_default() += line.quantity;
        }
    }
    for product in ["ring", "fragile-lamp", "fragile-vase"] {
        let rows: Vec<_> = shop.stock().await.into_iter().filter(|row| row.product_id == product).collect();
        let total = |sold| by_status.get(&(product.to_owned(), sold)).copied().unwrap_or(0);
        assert_eq!(rows.iter().map(|row| row.sold).sum::<u32>(), total(true), "{product} sold");
        assert_eq!(rows.iter().map(|row| row.reserved).sum::<u32>(), total(false), "{product} reserved");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn stock_and_money_are_conserved_whatever_interleaving(
        plans in proptest::collection::vec(plan(), 2..6),
        splits in splits(),
        outages in proptest::collection::vec(outage(), 0..4),
        seed in any::<u64>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(live(plans, splits, outages, seed));
    }
}
