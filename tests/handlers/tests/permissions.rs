//! Least privilege: what the functions do on all the ways of an order is exactly what their roles allow. (What a role
//! does not allow fails every test that needs it; here it is the other way round.)

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use ambient::Clock as _;
use omniflow::functions::ALL;
use omniflow_domain::OrderId;
use omniflow_services::ConfigError;
use omniflow_testing::{At, Shop, Use, WAREHOUSE_SECRET, Walk, starts, stripe_system, system};
use serde_json::{Value, json};
use template::System;

const STOCK: [(&str, &str, u32); 6] = [
    ("gem", "wh-north", 9),
    ("ring", "wh-east", 60),
    ("fragile-vase", "wh-west", 9),
    ("stuck-crate", "wh-north", 9),
    ("bell", "wh-west", 9),
    ("bell", "wh-north", 9),
];

/// What `functions/bootstrap` reads, and the store wherever it writes orders.
const OF_EVERY_FUNCTION: [&str; 3] = ["RUST_LOG", "SHARDED_KEYS", "STACK"];

fn shop() -> Shop {
    Shop::set_up(&STOCK, &[("SEED_SAMPLE_STOCK", "true"), ("WAREHOUSE_SECRET", WAREHOUSE_SECRET)])
}

/// Walks to the end. Before each step another process has written the order, as on Lambda, where each step is one.
async fn walk(shop: &Shop, id: &OrderId, mut decide: impl AsyncFnMut(&Shop, &str, &str) -> bool) {
    let mut walk = Walk::of(id);
    while !matches!(walk.at, At::Ended(_)) {
        shop.touch(id);
        // What a process has read of the warehouses, another one has still to read.
        describe(shop, "wh-east", json!({ "link": "simulated" })).await;
        if let At::Waiting(state, token) = walk.at.clone()
            && shop.aws.answered(&token).is_none()
        {
            assert!(decide(shop, &state, &token).await, "{state} would wait for ever");
        }
        walk.step(shop).await;
    }
}

async fn describe(shop: &Shop, warehouse: &str, body: Value) {
    let path = format!("/api/v1/warehouses/{warehouse}");
    assert_eq!(shop.http("PUT", &path, body).await.status, 200);
}

/// A warehouse with a server of its own rejects one order, which another one ships, and ships the other.
async fn said_by_warehouses(shop: &Shop) {
    let server = json!({ "link": "http", "endpoint": "https://west.example/", "rank": 1 });
    describe(shop, "wh-west", server).await;
    for event in ["REJECTED", "SHIPPED"] {
        let id = shop.place(json!({ "items": ["bell"], "payment": { "method": "pm_card" } })).await;
        let path = format!("/api/v1/orders/{id}/shipments/wh-west/events");
        walk(shop, &id, async |shop, _, _| {
            shop.touch(&id);
            shop.http("POST", &path, json!({ "event": event })).await.status == 200
        })
        .await;
    }
    // One that is not the last lets its own task go on.
    let body = json!({ "items": ["fragile-vase", "stuck-crate"], "payment": { "method": "pm_card" } });
    let id = shop.place(body).await;
    Walk::until(shop, &id, "ShipWarehouses").await;
    let first = json!({ "order_id": id, "warehouse": "wh-west", "task_token": "first", "completes": true });
    shop.invoke("ship-warehouse", first).await.unwrap();
    assert_eq!(shop.say_of_shipment(&id, "wh-west", "SHIPPED").await.status, 200);
    describe(shop, "wh-west", json!({ "link": "simulated" })).await;
    assert_eq!(shop.http("GET", "/api/v1/warehouses", Value::Null).await.status, 200);
}

async fn pay(shop: &Shop, id: &OrderId) -> bool {
    shop.pay(id, "pm_card").await.status == 200
}

/// Every way that an order can go.
async fn all_ways() -> BTreeSet<Use> {
    let shop = shop();
    shop.invoke("seed-stock", json!({})).await.unwrap();
    let place = async |items: Value, more: Value| {
        let mut body = json!({ "items": items });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        shop.place(body).await
    };
    let nobody = json!({});

    let paid = place(json!(["ring"]), nobody.clone()).await;
    walk(&shop, &paid, async |shop, _, _| pay(shop, &paid).await).await;

    let audited = place(json!(["ring"]), json!({ "amount": 20_000 })).await;
    walk(&shop, &audited, async |shop, state, _| match state {
        "AwaitAudit" => shop.audit(&audited, "APPROVE").await.status == 200,
        _ => pay(shop, &audited).await,
    })
    .await;

    // Decided, and the word didn't come through: asked again, the step tells its new token.
    for (state, amount, function) in
        [("AwaitAudit", 20_000, "request-audit"), ("AwaitPayment", 20, "open-payment-window")]
    {
        let id = place(json!(["ring"]), json!({ "amount": amount })).await;
        let mut walk = Walk::until(&shop, &id, state).await;
        walk.step(&shop).await;
        shop.aws.fail("SendTaskSuccess", "ThrottlingException");
        if state == "AwaitAudit" {
            shop.audit(&id, "APPROVE").await
        } else {
            shop.pay(&id, "pm_card").await
        };
        shop.aws.heal();
        shop.wait(function, &id, &format!("a new token of {id}")).await.unwrap();
    }

    let rejected = place(json!(["ring"]), json!({ "amount": 20_000 })).await;
    walk(&shop, &rejected, async |shop, _, _| shop.audit(&rejected, "REJECT").await.status == 200).await;

    let late = place(json!(["ring"]), nobody.clone()).await;
    walk(&shop, &late, async |shop, _, _| {
        shop.pass_deadline(&late).await;
        shop.touch(&late);
        shop.forward("close-payment-window", &late).await.is_ok()
    })
    .await;

    // Paid in time: what closes the window makes sure that the workflow has heard.
    let told = place(json!(["ring"]), nobody.clone()).await;
    walk(&shop, &told, async |shop, _, _| {
        shop.aws.fail("SendTaskSuccess", "ThrottlingException");
        pay(shop, &told).await;
        shop.aws.heal();
        shop.forward("close-payment-window", &told).await.is_ok()
    })
    .await;

    for (items, method) in [
        (json!(["ring", "fragile-vase"]), "pm_card"),
        (json!(["stuck-crate", "fragile-vase"]), "pm_card"),
        (json!(["ring"]), "pm_declined"),
    ] {
        let failed = place(items, json!({ "payment": { "method": method } })).await;
        walk(&shop, &failed, async |_, _, _| false).await;
    }
    let none_left = place(json!([{ "product_id": "ring", "quantity": 100_000 }]), nobody.clone()).await;
    walk(&shop, &none_left, async |_, _, _| false).await;

    for (method, path) in [
        ("GET", "/api/v1/orders"),
        ("GET", "/api/v1/stock"),
        ("GET", "/api/v1/stock/ring"),
        ("GET", "/api/v1/summary"),
        ("GET", "/api/v1/returns"),
        ("GET", "/api/v1/metrics"),
        ("GET", &format!("/api/v1/orders/{paid}")),
        ("GET", &format!("/api/v1/orders/{paid}/workflow")),
        ("GET", &format!("/api/v1/orders/{paid}/workflow?next=a-long-history")),
        ("GET", &format!("/api/v1/orders/{paid}/workflow?execution=payment-window&next=a-long-history")),
    ] {
        assert_eq!(shop.http(method, path, Value::Null).await.status, 200, "{path}");
    }
    let customer = json!({ "jwt": { "claims": { "sub": "ann" } } });
    shop.http_as(&customer, "GET", "/api/v1/orders", Value::Null).await;
    shop.http_once("a key", "/api/v1/orders", json!({ "items": ["ring"] })).await;
    for mut event in shop.aws.events() {
        event["email"] = json!("ann@example.com");
        shop.invoke("notify-customer", json!({ "detail": event })).await.unwrap();
    }
    said_by_warehouses(&shop).await;
    split(&shop).await;
    swept(&shop).await;
    left_to_a_person(&shop).await;
    run_by_people(&shop).await;
    returned(&shop).await;
    let mut used = shop.aws.used();
    used.extend(low_stock().await);
    for by in ["reconcile-orders", "admin"] {
        used.extend(reconciled(by).await);
        used.extend(returns_reconciled(by).await);
    }
    used.extend(paid_at_stripe().await);
    used
}

/// Stock is split, so that whoever moves its pieces has to look where they are, and put together.
async fn split(shop: &Shop) {
    let into = async |buckets: u8| {
        let path = "/api/v1/stock/gem/wh-north/buckets";
        assert_eq!(shop.http("PUT", path, json!({ "buckets": buckets })).await.status, 200);
    };
    for pay in [true, false] {
        let body = json!({ "items": [{ "product_id": "gem", "quantity": 4 }] });
        let id = shop.place(body).await;
        into(5).await;
        walk(shop, &id, async |shop, _, _| {
            into(3).await;
            match pay {
                true => self::pay(shop, &id).await,
                false => shop.decide(&id, "cancel").await.status == 200,
            }
        })
        .await;
    }
    into(1).await;
}

/// What only happens where customers pay at Stripe.
async fn paid_at_stripe() -> BTreeSet<Use> {
    let (shop, stripe, clock) = Shop::with_stripe(&STOCK);
    let mut opened = Vec::new();
    for _ in 0..5 {
        let id = shop.place_one("ring", 1).await;
        let mut walk = Walk::until(&shop, &id, "AwaitPayment").await;
        walk.step(&shop).await;
        shop.touch(&id);
        let body = json!({});
        let payment = shop.http("POST", &format!("/api/v1/orders/{id}/payment"), body).await;
        opened.push((id, walk, payment.body["payment_id"].as_str().unwrap().to_owned()));
    }
    let [(paid, ..), (told, told_walk, payment), (unpaid, ..), (late, late_walk, held), (asked, ..)] =
        &opened[..]
    else {
        unreachable!()
    };
    // By the shop's server, by word from Stripe, and by asking at the end of the window.
    shop.touch(paid);
    let path = format!("/api/v1/orders/{paid}/pay");
    shop.http_once("a key", &path, json!({ "method": "pm_card_visa" })).await;
    stripe.confirm_on_page(payment, "pm_card_visa");
    shop.touch(told);
    let (body, signature) = stripe.event("payment_intent.amount_capturable_updated", payment, clock.now());
    assert_eq!(shop.hear(&body, &signature).await, 200);
    told_walk.clone().to_the_end(&shop).await.unwrap();
    shop.touch(told);
    shop.ask_back(told, &[("ring", 1)]).await;
    Walk::of_return(told, 1).to_the_end(&shop).await.unwrap();
    stripe.confirm_on_page(&stripe.payments(asked.as_str())[0], "pm_card_visa");
    for id in [unpaid, asked] {
        shop.pass_deadline(id).await;
        shop.touch(id);
        shop.forward("close-payment-window", id).await.unwrap();
    }
    shop.decide(late, "cancel").await;
    let _ = late_walk.clone().to_the_end(&shop).await;
    stripe.arrive_late(held);
    let (body, signature) = stripe.event("payment_intent.amount_capturable_updated", held, clock.now());
    assert_eq!(shop.hear(&body, &signature).await, 200);
    // By hand.
    let left = shop
        .place(json!({ "items": ["stuck-crate", "fragile-vase"], "payment": { "method": "pm_card_visa" } }))
        .await;
    let _ = Walk::of(&left).to_the_end(&shop).await;
    shop.touch(&left);
    let resolution = json!({ "money": "KEPT", "stock": "LOST", "note": "by hand" });
    let resolved = shop.http("POST", &format!("/api/v1/orders/{left}/resolve"), resolution).await;
    assert_eq!(resolved.status, 200, "{}", resolved.body);
    resolved_before_it_left(&shop, "pm_card_visa").await;
    // By the reconciler, which has Stripe asked once more.
    let overdue = shop.place_one("ring", 1).await;
    Walk::until(&shop, &overdue, "AwaitPayment").await.step(&shop).await;
    shop.http("POST", &format!("/api/v1/orders/{overdue}/payment"), json!({})).await;
    clock.advance(std::time::Duration::from_secs(3600));
    shop.touch(&overdue);
    shop.invoke("reconcile-orders", json!({})).await.unwrap();
    shop.http("POST", "/api/v1/doctor", Value::Null).await;
    shop.aws.used()
}

/// Orders that could not be undone: one is retried when its execution is too old, the others are resolved.
async fn left_to_a_person(shop: &Shop) {
    let mut left = Vec::new();
    for _ in 0..3 {
        let body = json!({ "items": ["stuck-crate", "fragile-vase"], "payment": { "method": "pm_card" } });
        let id = shop.place(body).await;
        walk(shop, &id, async |_, _, _| false).await;
        left.push(id);
    }
    assert_eq!(shop.decide(&left[0], "retry").await.status, 200);
    shop.aws.fail("RedriveExecution", "ThrottlingException");
    assert_eq!(shop.decide(&left[1], "retry").await.status, 200);
    shop.aws.heal();
    shop.aws.age_execution(left[1].as_str());
    shop.age_signal(&left[1]).await;
    shop.touch(&left[1]);
    shop.sweep().await;
    // Whoever says that no money was taken has the payment voided first, which shows that it was.
    let path = format!("/api/v1/orders/{}/resolve", left[2]);
    let wrong = json!({ "money": "NONE", "stock": "LOST", "note": "by hand" });
    assert_eq!(shop.http("POST", &path, wrong).await.status, 409);
    let resolution = json!({ "money": "REFUNDED", "stock": "LOST", "note": "by hand" });
    let resolved = shop.http("POST", &path, resolution).await;
    assert_eq!(resolved.status, 200, "{}", resolved.body);
    resolved_before_it_left(shop, "pm_card").await;
    assert_eq!(shop.http("GET", "/api/v1/doctor", Value::Null).await.status, 200);
}

/// A person ends an order whose goods may still leave, and the warehouse is asked to keep them.
async fn resolved_before_it_left(shop: &Shop, method: &str) {
    let order = json!({ "items": ["bell"], "payment": { "method": method } });
    let id = shop.place(order).await;
    Walk::until(shop, &id, "ShipWarehouses").await;
    shop.aws.end_execution(id.as_str(), "Stopped", None);
    shop.execution_failed(id.as_str()).await;
    // How it is reached has changed, so that it is looked up.
    describe(shop, "wh-west", json!({ "link": "simulated" })).await;
    // What is given back is looked at, and is few.
    let bell = json!({ "name": "Bell", "price": 10, "low_stock": 1_000 });
    assert_eq!(shop.http("PUT", "/api/v1/products/bell", bell).await.status, 200);
    let resolution = json!({ "money": "REFUNDED", "stock": "RELEASED", "note": "by hand" });
    let resolved = shop.http("POST", &format!("/api/v1/orders/{id}/resolve"), resolution).await;
    assert_eq!(resolved.status, 200, "{}", resolved.body);
}

/// Those who run the shop look after products, stock, files and people.
async fn run_by_people(shop: &Shop) {
    let movement = json!({ "kind": "receive", "quantity": 1, "reason": "delivery" });
    let movements = "/api/v1/stock/ring/wh-east/movements";
    for (method, path, body) in [
        ("PUT", "/api/v1/products/teapot", json!({ "name": "Teapot", "price": 5 })),
        ("GET", "/api/v1/products/teapot", Value::Null),
        ("GET", "/api/v1/products", Value::Null),
        ("DELETE", "/api/v1/products/teapot", Value::Null),
        ("GET", "/api/v1/stock", Value::Null),
        ("GET", movements, Value::Null),
        ("GET", "/api/v1/export/orders", Value::Null),
        ("GET", "/api/v1/orders?number=10001", Value::Null),
        ("GET", "/api/v1/orders?email=ann@example.com", Value::Null),
    ] {
        let answer = shop.http(method, path, body).await;
        assert!(answer.status < 300, "{method} {path}: {answer:?}");
    }
    assert_eq!(shop.http_once("a key", movements, movement.clone()).await.status, 201);
    shop.aws.fail("TransactWriteItems", "TransactionConflictException");
    assert_eq!(shop.http("POST", movements, movement).await.status, 503);
    shop.aws.heal();
    let order = json!({ "customer_id": "ann", "email": "ann@example.com", "items": ["ring"], "payment": { "method": "pm_card" } });
    let made = shop.http_once("another key", "/api/v1/orders", order).await;
    let id = OrderId::parse(made.body["order_id"].as_str().unwrap()).unwrap();
    Walk::of(&id).to_the_end(shop).await.unwrap();
    let forgotten = shop.http("DELETE", "/api/v1/customers/ann", Value::Null).await;
    assert_eq!((forgotten.status, &forgotten.body["answers"]), (200, &json!(1)), "{forgotten:?}");
}

/// Returns that are refunded, rejected, and left to a person; and each word of them is brought by the sweeper once.
async fn returned(shop: &Shop) {
    for (words, verdict) in
        [("brought", "APPROVE"), ("lost", "APPROVE"), ("brought", "REJECT"), ("lost", "REJECT")]
    {
        let lose = || {
            for operation in ["StartExecution", "SendTaskSuccess", "SendTaskFailure", "RedriveExecution"] {
                shop.aws.fail(operation, "ThrottlingException");
            }
        };
        let find = async |id: &OrderId| {
            shop.aws.heal();
            shop.touch(id);
            shop.age_signal(id).await;
            shop.touch(id);
            shop.sweep().await;
            shop.touch(id);
        };
        if words == "lost" {
            lose();
        }
        let id = {
            shop.aws.heal();
            let items = json!([{ "product_id": "ring", "quantity": 2, "price": 2_500 }]);
            let id = shop.place(json!({ "items": items, "payment": { "method": "pm_card" } })).await;
            shop.complete(&id).await;
            shop.touch(&id);
            if words == "lost" {
                lose();
            }
            shop.ask_back(&id, &[("ring", 1)]).await;
            find(&id).await;
            id
        };
        let mut walk = Walk::of_return(&id, 1);
        while !matches!(walk.at, At::Ended(_)) {
            if let At::Waiting(_, token) = walk.at.clone()
                && shop.aws.answered(&token).is_none()
            {
                if words == "lost" {
                    lose();
                }
                let order = shop.order(&id).await;
                let is_reviewed = order.returns()[0].state.name() == "AWAITING_GOODS";
                let came = json!({ "items": [{ "product_id": "ring", "restock": 1 }] });
                let answer = match is_reviewed {
                    true => shop.on_return(&id, 1, "received", came).await,
                    false => shop.on_return(&id, 1, "audit", json!({ "action": verdict })).await,
                };
                assert_eq!(answer.status, 200, "{}", answer.body);
                if words == "lost" {
                    find(&id).await;
                }
            }
            shop.touch(&id);
            walk.step(shop).await;
        }
    }
    // One whose goods are there before its workflow waits for them.
    let id = shop.place(json!({ "items": ["ring"], "payment": { "method": "pm_card" } })).await;
    shop.complete(&id).await;
    shop.ask_back(&id, &[("ring", 1)]).await;
    let came = json!({ "items": [{ "product_id": "ring", "restock": 1 }] });
    assert_eq!(shop.on_return(&id, 1, "received", came).await.status, 200);
    Walk::of_return(&id, 1).to_the_end(shop).await.unwrap();
    // One that fails for good, and goes on by a redrive that the sweeper has to send, too.
    for is_lost in [false, true] {
        let id = shop.place(json!({ "items": ["ring"], "payment": { "method": "pm_refund_fails" } })).await;
        shop.complete(&id).await;
        shop.ask_back(&id, &[("ring", 1)]).await;
        assert!(Walk::of_return(&id, 1).to_the_end(shop).await.is_err());
        shop.touch(&id);
        if is_lost {
            shop.aws.fail("RedriveExecution", "ThrottlingException");
        }
        assert_eq!(shop.on_return(&id, 1, "retry", json!({})).await.status, 200);
        shop.aws.heal();
        if is_lost {
            // Another redrive finds that it is too old, and asks how the execution is.
            shop.aws.age_execution(&format!("{id}-return-1"));
        }
        shop.age_signal(&id).await;
        shop.touch(&id);
        shop.sweep().await;
    }
    for query in ["", "?execution=return-1&next=a-long-history"] {
        let path = format!("/api/v1/orders/{id}/workflow{query}");
        assert_eq!(shop.http("GET", &path, Value::Null).await.status, 200, "{path}");
    }
    // Nobody is told by this function that stock is low.
    for mut event in shop.aws.events().into_iter().filter(|event| event["order_id"].is_string()) {
        event["email"] = json!("ann@example.com");
        shop.invoke("notify-customer", json!({ "detail": event })).await.unwrap();
    }
}

/// The reconciler brings words of returns, and has them go on.
async fn returns_reconciled(by: &str) -> BTreeSet<Use> {
    let (shop, clock) = Shop::timed(&STOCK);
    let lose = || {
        for operation in ["StartExecution", "SendTaskSuccess", "SendTaskFailure"] {
            shop.aws.fail(operation, "ThrottlingException");
        }
    };
    let mut ids = Vec::new();
    for what in ["start", "APPROVE", "REJECT", "fail"] {
        let items = json!([{ "product_id": "ring", "quantity": 1, "price": 2_500 }]);
        let id = shop.place(json!({ "items": items, "payment": { "method": "pm_card" } })).await;
        shop.complete(&id).await;
        if what == "start" {
            lose();
        }
        shop.ask_back(&id, &[("ring", 1)]).await;
        let mut walk = Walk::of_return(&id, 1);
        if what == "fail" {
            while !matches!(&walk.at, At::Waiting(state, _) if state == "AwaitReturnedGoods") {
                if !walk.step(&shop).await {
                    let approve = json!({ "action": "APPROVE" });
                    assert_eq!(shop.on_return(&id, 1, "audit", approve).await.status, 200);
                }
            }
            // No event tells of the failure.
            shop.aws.end_execution(&format!("{id}-return-1"), "StoreUnavailable", None);
        } else if what != "start" {
            while !matches!(walk.at, At::Waiting(..)) {
                walk.step(&shop).await;
            }
            lose();
            assert_eq!(shop.on_return(&id, 1, "audit", json!({ "action": what })).await.status, 200);
        }
        shop.aws.heal();
        ids.push(id);
    }
    for _ in 0..4 {
        clock.advance(std::time::Duration::from_secs(360));
        for id in &ids {
            shop.touch(id);
        }
        if by == "admin" {
            assert_eq!(shop.http("POST", "/api/v1/doctor", Value::Null).await.status, 200);
        } else {
            shop.invoke(by, json!({ "check_stock": true })).await.unwrap();
        }
        // The reconciler finds what needs attention once others have been told of that.
        shop.sweep().await;
    }
    shop.aws.used()
}

/// The stock of a product becomes low by an order, is enough when that gives it back, and is low again by a movement. In
/// between passes the time for which a process remembers a product, since on Lambda each of these is a process of its own.
async fn low_stock() -> BTreeSet<Use> {
    let (shop, clock) = Shop::timed(&STOCK);
    let few = async |low_stock: u32| {
        let bell = json!({ "name": "Bell", "price": 10, "low_stock": low_stock });
        assert_eq!(shop.http("PUT", "/api/v1/products/bell", bell).await.status, 200);
        clock.advance(std::time::Duration::from_secs(60));
    };
    let id = shop.place(json!({ "items": ["bell"] })).await;
    few(1_000).await;
    shop.forward("reserve-stock", &id).await.unwrap();
    few(1).await;
    shop.undo("release-stock", &id, "PaymentTimeout").await.unwrap();
    few(1_000).await;
    let movement = json!({ "kind": "adjust", "quantity": -1, "reason": "broken" });
    let moved = shop.http("POST", "/api/v1/stock/bell/wh-north/movements", movement).await;
    assert_eq!(moved.status, 201, "{}", moved.body);
    shop.aws.used()
}

/// The reconciler brings words, and has orders go on.
async fn reconciled(by: &str) -> BTreeSet<Use> {
    let (shop, clock) = Shop::timed(&STOCK);
    swept(&shop).await;
    let id = shop.place(json!({ "items": ["ring"], "payment": { "method": "pm_card" } })).await;
    let mut failed = Walk::until(&shop, &id, "CompleteOrder").await;
    // No event tells of this one, since it can't be marked either.
    for operation in ["TransactWriteItems", "PutItem"] {
        shop.aws.fail(operation, "ThrottlingException");
    }
    while failed.step(&shop).await {}
    shop.aws.heal();
    for operation in ["StartExecution", "SendTaskSuccess", "SendTaskFailure"] {
        shop.aws.fail(operation, "ThrottlingException");
    }
    shop.place_one("ring", 1).await;
    shop.aws.heal();
    for decision in ["pay", "cancel"] {
        let waiting = shop.place_one("ring", 1).await;
        let mut walk = Walk::until(&shop, &waiting, "AwaitPayment").await;
        walk.step(&shop).await;
        for operation in ["SendTaskSuccess", "SendTaskFailure"] {
            shop.aws.fail(operation, "ThrottlingException");
        }
        assert_eq!(shop.decide(&waiting, decision).await.status, 200);
        shop.aws.heal();
    }
    shop.put(
        "StockTable",
        json!({
            "product_id": { "S": "crystal" }, "warehouse_id": { "S": "wh-east" }, "buckets": { "N": "2" },
            "available": { "N": "1" }, "reserved": { "N": "0" }, "sold": { "N": "0" }, "busy_at": { "N": "1" },
        }),
    );
    shop.put(
        "StockTable",
        json!({
            "product_id": { "S": "crystal/wh-east/1" }, "warehouse_id": { "S": "wh-east" },
            "available": { "N": "1" }, "reserved": { "N": "0" }, "sold": { "N": "0" }, "lost": { "N": "0" },
        }),
    );
    for _ in 0..3 {
        clock.advance(std::time::Duration::from_secs(360));
        shop.touch(&id);
        if by == "admin" {
            assert_eq!(shop.http("POST", "/api/v1/doctor", Value::Null).await.status, 200);
        } else {
            shop.invoke(by, json!({ "check_stock": true })).await.unwrap();
        }
    }
    shop.aws.used()
}

/// The sweeper brings every kind of word.
async fn swept(shop: &Shop) {
    for operation in ["StartExecution", "SendTaskSuccess", "SendTaskFailure"] {
        shop.aws.fail(operation, "ThrottlingException");
    }
    let accepted = shop.place_one("ring", 1).await;
    shop.aws.heal();
    let mut waiting = Vec::new();
    for _ in 0..2 {
        let id = shop.place_one("ring", 1).await;
        let mut walk = Walk::until(shop, &id, "AwaitPayment").await;
        walk.step(shop).await;
        waiting.push(id);
    }
    for operation in ["SendTaskSuccess", "SendTaskFailure"] {
        shop.aws.fail(operation, "ThrottlingException");
    }
    pay(shop, &waiting[0]).await;
    shop.decide(&waiting[1], "cancel").await;
    shop.aws.heal();
    // What the bus didn't take while the order went on is left to the sweeper as well.
    shop.aws.fail("PutEvents", "InternalFailure");
    let unannounced = shop.place(json!({ "items": ["ring"], "payment": { "method": "pm_card" } })).await;
    Walk::of(&unannounced).to_the_end(shop).await.unwrap();
    for id in [&accepted, &waiting[0], &waiting[1], &unannounced] {
        shop.age_signal(id).await;
        shop.touch(id);
    }
    shop.aws.heal();
    shop.sweep().await;
    // What nobody waits for any more is noted as settled.
    for id in [&accepted, &waiting[0], &waiting[1], &unannounced] {
        shop.touch(id);
    }
    shop.sweep().await;
}

#[tokio::test]
async fn every_permission_is_used() {
    let used = all_ways().await;
    let mut unused: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for function in stripe_system().functions.values() {
        let of_function = || used.iter().filter(|usage| usage.function == function.name);
        for permission in &function.permissions {
            if !of_function().any(|usage| permission.allows(&usage.action, &usage.resource)) {
                let line = format!("{} on {}", permission.action, permission.resource);
                unused.entry(&function.name).or_default().push(line);
            }
        }
    }
    assert!(unused.is_empty(), "take these out of template.yaml, or show their use here: {unused:#?}");
}

#[test]
fn no_permission_is_for_everything() {
    for function in stripe_system().functions.values() {
        for permission in &function.permissions {
            assert!(!permission.action.contains('*'), "{}: {permission:?}", function.name);
            // Executions have names of their own; the machine is fixed.
            let executions =
                permission.resource.contains(":execution:") && permission.resource.ends_with(":*");
            // A message goes out by the identity of an address or of its domain; a condition fixes the sender.
            let identities =
                permission.action == "ses:SendEmail" && permission.resource.ends_with(":identity/*");
            // Metrics are no resources that a policy could name.
            let metrics = permission.action == "cloudwatch:GetMetricData";
            let fixed = executions || identities || metrics || !permission.resource.contains('*');
            assert!(fixed, "{}: {permission:?}", function.name);
        }
    }
}

#[test]
fn the_template_gives_each_function_what_it_declares() {
    let declared: BTreeMap<_, _> = ALL.iter().map(|function| (function.name, function)).collect();
    assert_eq!(declared.len(), ALL.len(), "two functions have one name");
    for function in stripe_system().functions.values() {
        let declared = declared[function.binary.as_str()];
        let variables = function.environment.keys().map(String::as_str);
        let variables: BTreeSet<_> = variables.filter(|name| !OF_EVERY_FUNCTION.contains(name)).collect();
        assert_eq!(variables, declared.variables.iter().copied().collect(), "{}", function.name);
        let actions: BTreeSet<_> =
            function.permissions.iter().map(|permission| permission.action.as_str()).collect();
        assert_eq!(actions, declared.actions.iter().copied().collect(), "{}", function.name);
    }
    assert_eq!(declared.len(), system().functions.len(), "a function is declared and not in the template");
}

#[test]
fn functions_have_the_variables_that_they_use_and_no_others() {
    for function in system().functions.values().chain(stripe_system().functions.values()) {
        assert_eq!(starts(&function.binary, function.environment.clone()), Ok(()), "{}", function.name);
        for name in function.environment.keys().filter(|name| !OF_EVERY_FUNCTION.contains(&name.as_str())) {
            let mut others = function.environment.clone();
            others.remove(name);
            let missing = Err(ConfigError::Missing(name.clone()));
            assert_eq!(starts(&function.binary, others), missing, "{} doesn't use {name}", function.name);
        }
    }
}

#[test]
fn the_keys_of_the_provider_are_for_the_functions_that_call_it_and_only_where_there_is_one() {
    let may = |system: &System| {
        let functions = system.functions.values().filter(|function| {
            function.permissions.iter().any(|permission| permission.action == "secretsmanager:GetSecretValue")
        });
        functions.map(|function| function.binary.clone()).collect::<BTreeSet<_>>()
    };
    assert_eq!(may(system()), BTreeSet::new());
    let callers = [
        "capture-payment",
        "close-payment-window",
        "payment-api",
        "receive-payment-event",
        "refund-payment",
        "refund-return",
    ];
    assert_eq!(may(stripe_system()), callers.map(str::to_owned).into());
}
