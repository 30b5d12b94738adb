//! A shop in another currency than US dollars: what it takes as an amount, what it answers, and what becomes of
//! orders and products of the currency that it had before.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use omniflow_domain::{Currency, Money, OrderId, Status};
use omniflow_testing::{Shop, Walk, starts, system};
use serde_json::{Value, json};

const ORDERS: &str = "/api/v1/orders";
const DOORS: [&str; 3] = [ORDERS, "/api/orders", "/api/orders/create"];

/// A shop with the sample products, in this currency.
async fn shop_in(currency: &str) -> Shop {
    let shop = Shop::set_up(&[], &[("CURRENCY", currency), ("SEED_SAMPLE_STOCK", "true")]);
    shop.invoke("seed-stock", json!({})).await.unwrap();
    shop
}

/// The id of the order that an answer is about.
fn id_in(answer: &Value) -> OrderId {
    OrderId::parse(answer["order_id"].as_str().unwrap()).unwrap()
}

fn detail(answer: &Value) -> &str {
    answer["detail"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn amounts_have_the_decimal_places_of_the_currency_and_no_more() {
    for (currency, good, bad) in [
        (
            "JPY",
            [("1250", "1250"), ("1250.00", "1250"), ("1.25e3", "1250"), (r#""1250""#, "1250")],
            ["12.5", "0.01", r#""1250.0""#, r#""12.50""#, "1e-1"],
        ),
        (
            "KWD",
            [("1.234", "1.234"), ("1.2340", "1.234"), ("5", "5.000"), (r#""1.2""#, "1.200")],
            ["1.2345", "0.0001", r#""1.2340""#, r#""1.2345""#, "1e-4"],
        ),
    ] {
        let shop = shop_in(currency).await;
        for money in bad {
            let amount = format!(r#"{{"items": ["iPhone 15"], "amount": {money}}}"#);
            let price = format!(r#"{{"items": [{{"product_id": "iphone-15", "price": {money}}}]}}"#);
            for (field, body) in [("'amount'", amount), ("items[0].price", price)] {
                for door in DOORS {
                    let answer = shop.post_text(door, &body).await;
                    assert_eq!(answer.status, 400, "{body}: {}", answer.body);
                    assert_eq!(answer.body["type"], "urn:omniflow:problem:bad-request");
                    let told = detail(&answer.body);
                    assert!(told.contains(field) && told.contains(currency), "{body}: {told}");
                }
            }
        }
        assert!(shop.items("OrdersTable").is_empty());
        for (money, written) in good {
            let body = format!(
                r#"{{"items": [{{"product_id": "iphone-15", "price": {money}}}], "amount": {money}}}"#
            );
            for door in DOORS {
                let answer = shop.post_text(door, &body).await;
                assert_eq!(answer.status, 201, "{body}: {}", answer.body);
                let shown: f64 = answer.body["amount"].as_f64().unwrap();
                assert_eq!((shown, &answer.body["currency"]), (written.parse().unwrap(), &json!(currency)));
                let id = id_in(&answer.body);
                assert_eq!(shop.order(&id).await.amount().to_string(), written);
            }
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_money_is_told_in_the_language_of_the_caller() {
    let shop = shop_in("JPY").await;
    let of = |price: Value| json!({ "items": [{ "product_id": "iphone-15", "price": price }] });
    for (body, status, example) in [
        (of(json!(12.5)), 400, "1250"),
        (of(json!("12.50")), 400, "1250"),
        (of(json!("twelve")), 400, "1250"),
        (of(json!(-1)), 400, "1250"),
        (of(json!(0)), 400, "0"),
        (of(json!(true)), 400, "true"),
        (of(json!(1_000_000_000)), 400, "999999999"),
        (json!({ "items": ["iphone-15"], "currency": "USD" }), 400, "JPY"),
        (json!({ "items": ["iphone-15"], "currency": 392 }), 400, "JPY"),
        (json!({ "items": [{ "product_id": "iphone-15", "price": 5 }], "amount": 6 }), 422, "5"),
        (json!({ "items": [{ "product_id": "iphone-15", "price": 5 }, "iphone-15"] }), 422, "'amount'"),
        (
            json!({ "items": [{ "product_id": "iphone-15", "price": 999_999_999, "quantity": 2 }] }),
            422,
            "1999999998",
        ),
    ] {
        let mut told = BTreeMap::new();
        for languages in ["en", "zh", "ru"] {
            let answer = shop.http_in(languages, "POST", ORDERS, body.clone()).await;
            assert_eq!(answer.status, status, "{body}: {}", answer.body);
            assert!(detail(&answer.body).contains(example), "{body}: {}", answer.body);
            told.insert(detail(&answer.body).to_owned(), languages);
        }
        assert_eq!(told.len(), 3, "{body}: {told:?}");
        for door in DOORS {
            let unasked = shop.http("POST", door, body.clone()).await;
            assert_eq!(told.get(detail(&unasked.body)), Some(&"en"), "as all problems are, unless asked for");
        }
    }
    assert!(shop.items("OrdersTable").is_empty());
}

#[tokio::test]
async fn an_order_is_answered_paid_and_told_of_in_the_currency_of_the_shop() {
    for (currency, amount, number, english) in [
        ("USD", "799.00", 799.0, "USD\u{a0}799.00"),
        ("JPY", "79900", 79900.0, "JPY\u{a0}79,900"),
        ("KWD", "79.900", 79.9, "KWD\u{a0}79.900"),
    ] {
        let shop = shop_in(currency).await;
        let body = json!({
            "items": ["iPhone 15"], "currency": currency, "email": "ann@example.com", "payment": { "method": "pm_card" },
        });
        let placed = shop.http_in("en", "POST", ORDERS, body).await;
        assert_eq!(placed.status, 201, "{}", placed.body);
        let id = id_in(&placed.body);
        // The threshold counts in the shop's currency, whatever that is worth: 10,000 yen are a large order.
        let is_large = currency == "JPY";
        assert_eq!(shop.order(&id).await.needs_audit(), is_large);
        let mut walk = Walk::of(&id);
        if is_large {
            walk = Walk::until(&shop, &id, "AwaitAudit").await;
            walk.step(&shop).await;
            assert_eq!(shop.audit(&id, "APPROVE").await.status, 200);
        }
        walk.to_the_end(&shop).await.unwrap();
        assert_eq!(shop.order(&id).await.status(), Status::Completed);

        let read = shop.http("GET", &format!("{ORDERS}/{id}"), Value::Null).await.body;
        let at_other_door = shop.http("GET", &format!("/api/orders/{id}"), Value::Null).await.body;
        let listed = shop.http("GET", ORDERS, Value::Null).await.body["orders"][0].clone();
        for order in [&placed.body, &read, &at_other_door, &listed] {
            assert_eq!((order["amount"].as_f64(), &order["currency"]), (Some(number), &json!(currency)));
        }
        assert_eq!(read["items"][0]["price"].as_f64(), Some(number));
        let stock = shop.http("GET", "/api/v1/stock/iphone-15", Value::Null).await.body;
        assert_eq!((stock["price"].as_f64(), &stock["currency"]), (Some(number), &json!(currency)));
        assert_eq!(shop.ledger()[&format!("payment#{id}")]["captured"], amount);

        let events = shop.aws.events();
        assert!(!events.is_empty());
        for event in &events {
            assert_eq!((&event["amount"], &event["currency"]), (&json!(amount), &json!(currency)));
        }
        let completed = events.iter().find(|event| event["state"] == "COMPLETED").unwrap();
        shop.invoke("notify-customer", json!({ "detail": completed })).await.unwrap();
        let mail = shop.aws.calls("SendEmail").pop().unwrap().body;
        let text = mail["Content"]["Simple"]["Body"]["Text"]["Data"].as_str().unwrap();
        assert!(text.contains(&format!("Amount: {english}\n")), "{text}");
    }
}

#[tokio::test]
async fn a_message_about_an_order_of_an_earlier_release_is_about_dollars() {
    let shop = Shop::stocked(&[("ring", "wh-east", 1)]);
    let detail = json!({
        "event_id": "ORD-1:COMPLETED", "order_id": "ORD-1", "state": "COMPLETED", "amount": "12.50", "language": "ru",
        "email": "ann@example.com",
    });
    shop.invoke("notify-customer", json!({ "detail": detail })).await.unwrap();
    let mail = shop.aws.calls("SendEmail").pop().unwrap().body;
    let text = mail["Content"]["Simple"]["Body"]["Text"]["Data"].as_str().unwrap();
    assert!(text.contains("Сумма: 12,50\u{a0}USD\n"), "{text}");
}

#[tokio::test]
async fn an_order_goes_on_in_its_own_currency_when_the_shop_has_another_one() {
    let shop = Shop::stocked(&[("ring", "wh-east", 9)]);
    let yen = Money::parse("1500", "JPY".parse().unwrap()).unwrap();
    for (method, ends) in [("pm_card", Status::Completed), ("pm_declined", Status::Cancelled)] {
        let id = shop.place_one("ring", 1).await;
        shop.tamper(&id, |order| {
            order.amount = yen;
            order.items.iter_mut().for_each(|item| item.price = Some(yen));
        })
        .await;
        let mut walk = Walk::until(&shop, &id, "AwaitPayment").await;
        walk.step(&shop).await;
        let paid = shop.pay(&id, method).await;
        assert_eq!((&paid.body["amount"], &paid.body["currency"]), (&json!(1500), &json!("JPY")));
        let _ended = walk.to_the_end(&shop).await;
        let order = shop.order(&id).await;
        assert_eq!((order.status(), order.amount()), (ends, yen));
        let captured =
            shop.ledger().get(&format!("payment#{id}")).and_then(|facts| facts.get("captured").cloned());
        assert_eq!(captured, (ends == Status::Completed).then(|| "1500".to_owned()));
        let told = shop.aws.events().into_iter().filter(|event| event["order_id"] == id.as_str());
        let told: Vec<_> = told.filter(|event| event["state"] == ends.name()).collect();
        assert_eq!((&told[0]["amount"], &told[0]["currency"]), (&json!("1500"), &json!("JPY")));
    }
    let new = shop.place_one("ring", 1).await;
    assert_eq!(shop.order(&new).await.amount(), Money::parse("10", Currency::USD).unwrap());
}

#[tokio::test]
async fn a_price_of_another_currency_is_no_price() {
    // The product was priced before the shop changed its currency.
    let shop = Shop::set_up(&[("ring", "wh-east", 9)], &[("CURRENCY", "JPY")]);
    let stock = shop.http("GET", "/api/v1/stock/ring", Value::Null).await.body;
    assert_eq!((&stock["price"], &stock["currency"]), (&Value::Null, &json!("JPY")));
    for languages in ["en", "zh", "ru"] {
        let refused = shop.http_in(languages, "POST", ORDERS, json!({ "items": ["ring"] })).await;
        assert_eq!(
            (refused.status, &refused.body["type"]),
            (422, &json!("urn:omniflow:problem:amount-mismatch"))
        );
        let told = detail(&refused.body);
        assert!(told.contains("'ring'") && told.contains("JPY"), "{told}");
    }
    assert!(shop.items("OrdersTable").is_empty());
    for body in [
        json!({ "items": ["ring"], "amount": 1500 }),
        json!({ "items": [{ "product_id": "ring", "price": 1500 }] }),
    ] {
        let id = shop.place(body).await;
        assert_eq!(shop.order(&id).await.amount(), Money::parse("1500", "JPY".parse().unwrap()).unwrap());
    }
}

#[tokio::test]
async fn the_threshold_for_a_review_counts_in_the_smallest_unit() {
    for (currency, at_most, above) in
        [("USD", "10000.00", "10000.01"), ("JPY", "10000", "10001"), ("KWD", "10000.000", "10000.001")]
    {
        let shop = shop_in(currency).await;
        for (amount, is_large) in [(at_most, false), (above, true)] {
            let id = shop.place(json!({ "items": ["Magic Mouse"], "amount": amount })).await;
            assert_eq!(shop.order(&id).await.needs_audit(), is_large, "{amount} {currency}");
        }
    }
}

#[test]
fn a_currency_that_is_none_and_a_threshold_that_is_no_amount_in_it_are_refused_at_the_start() {
    for binary in ["api", "seed-stock"] {
        let function = system().functions.values().find(|function| function.binary == binary).unwrap();
        let started = |changes: &[(&str, &str)]| {
            let mut variables: BTreeMap<_, _> = function.environment.clone();
            variables.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
            starts(binary, variables)
        };
        for good in ["USD", "JPY", "KWD"] {
            started(&[("CURRENCY", good)]).unwrap();
        }
        for bad in ["", "usd", "ABC", "XXX", "XAU", "DOLLAR", "USD "] {
            let refused = started(&[("CURRENCY", bad)]).unwrap_err().to_string();
            assert!(refused.contains(&format!("CURRENCY={bad}")), "{refused}");
        }
        if binary == "api" {
            started(&[("CURRENCY", "KWD"), ("AUDIT_THRESHOLD", "0.125")]).unwrap();
            let refused =
                started(&[("CURRENCY", "JPY"), ("AUDIT_THRESHOLD", "0.5")]).unwrap_err().to_string();
            assert!(refused.contains("AUDIT_THRESHOLD=0.5"), "{refused}");
        }
    }
}

#[tokio::test]
async fn the_description_of_the_api_is_that_of_the_currency() {
    for (currency, step) in [("USD", "0.01"), ("JPY", "1"), ("KWD", "0.001")] {
        let shop = shop_in(currency).await;
        let described = shop.http("GET", "/openapi.json", Value::Null).await;
        assert_eq!(described.status, 200);
        let schemas = &described.body["components"]["schemas"];
        assert_eq!(schemas["Money"]["multipleOf"].to_string(), step);
        assert_eq!(schemas["ShopCurrency"]["const"], currency);
    }
}
