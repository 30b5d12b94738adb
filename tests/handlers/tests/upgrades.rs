//! What a release promises to orders that are under way when the next one takes over (docs/upgrading.md): nothing that is
//! stored, or named by a definition that runs, is taken away.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use omniflow_domain::order::Signal;
use omniflow_domain::{ErrorName, OrderId, Status};
use omniflow_testing::{At, Definition, Shop, Walk, system};
use serde_json::{Value, json};

/// Set when a release is made: the promises are written anew.
const WRITE: &str = "OMNIFLOW_WRITE_PROMISES";

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/promises.json")
}

/// The promises that the code keeps now, one a line, the kind first.
async fn kept() -> BTreeSet<String> {
    let mut kept = BTreeSet::new();
    kept.extend(Status::ALL.iter().map(|status| format!("status {}", status.name())));
    kept.extend(Signal::ALL.iter().map(|signal| format!("signal {}", signal.name())));
    kept.extend(ErrorName::ALL.iter().map(|error| format!("error {error}")));
    kept.extend(system().functions.values().map(|function| format!("function {}", function.binary)));
    for machine in &system().state_machines {
        definition(&machine.name, &serde_json::from_str(&machine.definition).unwrap(), &mut kept);
    }
    let shop = played().await;
    for item in shop.items("OrdersTable") {
        for (name, value) in item.as_object().unwrap() {
            kept.insert(format!("attribute {name}"));
            if let Some(document) = value["S"].as_str().and_then(|text| serde_json::from_str(text).ok()) {
                members("document", &document, &mut kept);
            }
        }
    }
    for event in shop.aws.events() {
        members("event", &event, &mut kept);
    }
    kept
}

/// The states of a definition, those inside of others included, and what their tasks pass, call and catch.
fn definition(place: &str, definition: &Value, kept: &mut BTreeSet<String>) {
    for (name, state) in definition["States"].as_object().into_iter().flatten() {
        let at = format!("{place}/{name}");
        kept.insert(format!("state {at} {}", state["Type"].as_str().unwrap()));
        if let Some(arn) = state["Arguments"]["FunctionName"].as_str() {
            kept.insert(format!("calls {at} {}", system().function(arn).unwrap().binary));
        }
        for argument in state["Arguments"]["Payload"].as_object().into_iter().flatten() {
            kept.insert(format!("passes {at} {}", argument.0));
        }
        let caught = state["Catch"].as_array().into_iter().flatten();
        for error in caught.flat_map(|catcher| catcher["ErrorEquals"].as_array().into_iter().flatten()) {
            kept.insert(format!("catches {at} {}", error.as_str().unwrap()));
        }
        let branches = state["Branches"].as_array().into_iter().flatten();
        for inner in branches.chain(state.get("ItemProcessor")) {
            self::definition(&at, inner, kept);
        }
    }
}

/// The members of a stored value and their types. What is null says nothing of its type.
fn members(place: &str, value: &Value, kept: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            object.iter().for_each(|(name, value)| members(&format!("{place}.{name}"), value, kept));
        }
        Value::Array(items) => items.iter().for_each(|item| members(&format!("{place}[]"), item, kept)),
        Value::Null => {}
        Value::Bool(_) => drop(kept.insert(format!("{place} boolean"))),
        Value::Number(_) => drop(kept.insert(format!("{place} number"))),
        Value::String(_) => drop(kept.insert(format!("{place} string"))),
    }
}

/// A shop with orders that have gone each kind of way.
async fn played() -> Shop {
    let stock = [("ring", "wh-east", 9), ("fragile-vase", "wh-west", 9), ("stuck-crate", "wh-north", 9)];
    let shop = Shop::set_up(&stock, &[]);
    for (items, more, verdict) in [
        (json!(["ring"]), json!({ "email": "ann@example.com" }), ""),
        (json!(["ring"]), json!({ "amount": 20_000 }), "APPROVE"),
        (json!(["ring"]), json!({ "amount": 20_000 }), "REJECT"),
        (json!(["ring"]), json!({ "payment": { "method": "pm_declined" } }), ""),
        (json!(["ring", "fragile-vase"]), json!({ "payment": { "method": "pm_card" } }), ""),
        (json!(["stuck-crate", "fragile-vase"]), json!({ "payment": { "method": "pm_card" } }), ""),
    ] {
        let mut body = json!({ "customer_id": "ann", "items": items });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let id = shop.place(body).await;
        walk(&shop, &id, verdict).await;
    }
    // Goods that come back, and such as are still to come.
    let back = shop.place(json!({ "items": ["ring", "ring"], "payment": { "method": "pm_card" } })).await;
    shop.complete(&back).await;
    shop.ask_back(&back, &[("ring", 1)]).await;
    Walk::of_return(&back, 1).to_the_end(&shop).await.unwrap();
    shop.ask_back(&back, &[("ring", 1)]).await;
    let mut waiting = Walk::of_return(&back, 2);
    while !matches!(waiting.at, At::Waiting(..)) {
        waiting.step(&shop).await;
    }
    // One that is still under way.
    Walk::until(&shop, &shop.place_one("ring", 1).await, "AwaitPayment").await.step(&shop).await;
    shop
}

async fn walk(shop: &Shop, id: &OrderId, verdict: &str) {
    let bob = json!({ "jwt": { "claims": { "sub": "bob", "scope": "omniflow/operate" } } });
    let mut walk = Walk::of(id);
    while !matches!(walk.at, At::Ended(_)) {
        if let At::Waiting(state, token) = walk.at.clone()
            && shop.aws.answered(&token).is_none()
        {
            match state.as_str() {
                // Somebody whose name is known, as few decide; what of the others is written is shorter.
                "AwaitAudit" if verdict == "REJECT" => {
                    let path = format!("/api/v1/orders/{id}/audit");
                    shop.http_as(&bob, "POST", &path, json!({ "action": verdict })).await
                }
                "AwaitAudit" => shop.audit(id, verdict).await,
                _ => shop.pay(id, "pm_card").await,
            };
        }
        walk.step(shop).await;
    }
}

#[tokio::test]
async fn what_a_release_promised_is_kept() {
    let kept = kept().await;
    if std::env::var_os(WRITE).is_some() {
        let lines: Vec<_> = kept.iter().map(|line| serde_json::to_string(line).unwrap()).collect();
        std::fs::write(file(), format!("[\n{}\n]\n", lines.join(",\n"))).unwrap();
    }
    let promised: BTreeSet<String> = serde_json::from_str(&std::fs::read_to_string(file()).unwrap()).unwrap();
    for kind in [
        "status ",
        "signal ",
        "error ",
        "function ",
        "state ",
        "calls ",
        "passes ",
        "catches ",
        "attribute ",
        "document",
        "event",
    ] {
        assert!(promised.iter().any(|promise| promise.starts_with(kind)), "nothing is promised of {kind}");
    }
    let broken: Vec<_> = promised.difference(&kept).collect();
    assert!(
        broken.is_empty(),
        "orders under way need these; docs/upgrading.md says how to take them away: {broken:#?}"
    );
}

/// The states in which an execution may be when an update comes, and the price of an order that comes to it: one over
/// 10,000 is reviewed.
const STATES: [(&str, u32); 6] = [
    ("ReserveStock", 20),
    ("AwaitAudit", 20_000),
    ("AwaitPayment", 20),
    ("CapturePayment", 20),
    ("ShipWarehouses", 20),
    ("CompleteOrder", 20),
];

#[tokio::test]
async fn whatever_an_execution_by_an_earlier_definition_is_in_it_comes_to_its_end() {
    for definition in Definition::EARLIER {
        for (state, price) in STATES {
            for waits in [false, true] {
                let shop = Shop::set_up(&[("ring", "wh-east", 9)], &[]);
                let item = json!({ "product_id": "ring", "quantity": 1, "price": price });
                let id = shop.place(json!({ "items": [item] })).await;
                let mut walk = Walk::by(definition, &id);
                walk.go_on(&shop, state).await;
                if waits {
                    walk.step(&shop).await;
                }
                walk.to_the_end(&shop).await.unwrap();
                let order = shop.order(&id).await;
                assert_eq!((order.status(), order.pending_signal()), (Status::Completed, None), "{state}");
                assert_eq!(shop.money(&id), (true, false), "{definition:?}, {state}");
                assert_eq!(shop.stock().await[0].sold, 1, "{definition:?}, {state}");
            }
        }
    }
}

/// Cancelled, rejected, unpaid, declined, not shipped: each is undone as the definition says that began it.
#[tokio::test]
async fn an_execution_by_an_earlier_definition_undoes_what_it_did() {
    for definition in Definition::EARLIER {
        for (items, method, left_at) in [
            (json!(["ring"]), "pm_declined", None),
            (json!(["ring", "fragile-vase"]), "pm_card", None),
            (json!(["ring"]), "pm_card", Some("AwaitPayment")),
            (json!(["ring"]), "pm_card", Some("ShipWarehouses")),
            (json!(["ring"]), "pm_card", Some("CompleteOrder")),
        ] {
            let shop = Shop::set_up(&[("ring", "wh-east", 9), ("fragile-vase", "wh-west", 9)], &[]);
            let id = shop.place(json!({ "items": items, "payment": { "method": method } })).await;
            let mut walk = Walk::by(definition, &id);
            if let Some(state) = left_at {
                walk.go_on(&shop, state).await;
                assert_eq!(shop.decide(&id, "cancel").await.status, 200, "{definition:?}, {state}");
            }
            walk.to_the_end(&shop).await.unwrap();
            assert_eq!(shop.order(&id).await.status(), Status::Cancelled, "{definition:?}, {left_at:?}");
            let stock = shop.stock().await;
            assert!(
                stock.iter().all(|row| (row.available, row.reserved, row.sold) == (9, 0, 0)),
                "{stock:?}"
            );
            let (taken, given_back) = shop.money(&id);
            assert_eq!(taken, given_back, "{definition:?}, {left_at:?}");
        }
    }
}
