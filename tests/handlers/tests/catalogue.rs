//! Prices, products and limits, as customers and those who run the shop see them.

#![allow(clippy::unwrap_used, reason = "tests")]

use omniflow_testing::{HttpAnswer, Shop, customer};
use serde_json::{Value, json};

const STOCK: [(&str, &str, u32); 2] = [("ring", "wh-east", 100_000), ("vase", "wh-west", 10)];

fn closed() -> Shop {
    Shop::set_up(&STOCK, &[("OPEN_ACCESS", "false")])
}

fn operator() -> Value {
    json!({ "jwt": { "claims": { "sub": "staff", "email": "staff@example.com", "scope": "omniflow/operate" } } })
}

fn signed() -> Value {
    json!({ "iam": { "userArn": "arn:aws:iam::000000000000:user/staff" } })
}

fn kind(answer: &HttpAnswer) -> (u64, &str) {
    let kind = answer.body["type"].as_str().unwrap_or_default();
    (answer.status, kind.strip_prefix("urn:omniflow:problem:").unwrap_or_default())
}

/// The doors at which orders are made.
const DOORS: [&str; 3] = ["/api/v1/orders", "/api/orders", "/api/orders/create"];

#[tokio::test]
async fn at_no_door_a_customer_sets_a_price() {
    let shop = closed();
    let ann = customer("ann");
    for door in DOORS {
        let order = async |body: Value| shop.http_as(&ann, "POST", door, body).await;
        let cheap = order(json!({ "items": [{ "product_id": "ring", "price": 0.01 }] })).await;
        assert_eq!(kind(&cheap), (422, "price-changed"), "{door}");
        assert_eq!((&cheap.body["product"], &cheap.body["price"]), (&json!("ring"), &json!(10)));
        let dear = order(json!({ "items": [{ "product_id": "ring", "price": 11 }] })).await;
        assert_eq!(kind(&dear), (422, "price-changed"), "{door}: nor a higher one");
        let amount = order(json!({ "amount": 500, "items": ["ring", "ring"] })).await;
        assert_eq!((kind(&amount), &amount.body["amount"]), ((422, "price-changed"), &json!(20)), "{door}");
        let both = json!({ "amount": 0.01, "items": [{ "product_id": "ring", "price": 0.01 }] });
        assert_eq!(kind(&order(both).await), (422, "price-changed"), "{door}");
        for right in [
            json!({ "items": ["ring"] }),
            json!({ "amount": 10, "items": ["ring"] }),
            json!({ "items": [{ "product_id": "ring", "price": "10.00" }] }),
            json!({ "amount": 20, "items": [{ "product_id": "ring", "price": 10 }, "ring"] }),
        ] {
            let made = order(right.clone()).await;
            assert_eq!(made.status, 201, "{door} {right}: {}", made.body);
        }
    }
    let orders = shop.http_as(&ann, "GET", "/api/v1/orders", Value::Null).await;
    for order in orders.body["orders"].as_array().unwrap() {
        let items = order["items"].as_array().unwrap();
        assert!(items.iter().all(|item| item["price"] == 10), "{items:?}");
        assert_eq!(order["amount"], 10 * items.len());
    }
}

#[tokio::test]
async fn the_right_price_is_told_in_the_customers_language() {
    let shop = closed();
    let body = json!({ "items": [{ "product_id": "ring", "price": 9 }] });
    for (language, words) in [("en", "costs 10.00"), ("zh", "价格"), ("ru", "стоит 10.00")] {
        let headers = [("accept-language", language)];
        let told = shop.http_with(&headers, &customer("ann"), "POST", "/api/v1/orders", body.clone()).await;
        assert!(told.body["detail"].as_str().unwrap().contains(words), "{}", told.body);
    }
}

#[tokio::test]
async fn operators_programs_and_open_access_may_set_prices_as_the_contract_says() {
    let open = Shop::stocked(&STOCK);
    let closed = closed();
    for (shop, who) in [(&open, Value::Null), (&closed, operator()), (&closed, signed())] {
        for door in DOORS {
            for (body, amount) in [
                (json!({ "amount": 500, "items": ["ring"] }), 500),
                (json!({ "items": [{ "product_id": "ring", "price": 7, "quantity": 2 }] }), 14),
                (json!({ "items": ["ring"] }), 10),
            ] {
                let made = shop.http_as(&who, "POST", door, body).await;
                assert_eq!((made.status, &made.body["amount"]), (201, &json!(amount)), "{door} {who}");
            }
        }
    }
}

#[tokio::test]
async fn no_price_and_no_amount_gets_an_order_past_the_review() {
    let shop = Shop::stocked(&STOCK);
    for body in [
        json!({ "amount": 1, "items": [{ "product_id": "ring", "quantity": 1001 }] }),
        json!({ "items": [{ "product_id": "ring", "quantity": 1001, "price": 0.01 }] }),
        json!({ "items": [{ "product_id": "ring", "quantity": 1001 }] }),
        json!({ "amount": 10001, "items": ["ring"] }),
    ] {
        let id = shop.place(body.clone()).await;
        assert!(shop.order(&id).await.needs_audit(), "{body}");
    }
    let id =
        shop.place(json!({ "amount": 10000, "items": [{ "product_id": "ring", "quantity": 1000 }] })).await;
    assert!(!shop.order(&id).await.needs_audit(), "the threshold itself is not over it");
}

#[tokio::test]
async fn a_customer_holds_so_much_without_paying_and_no_more() {
    let limits = [("OPEN_ACCESS", "false"), ("MOST_UNPAID_ORDERS", "3"), ("MOST_UNPAID_PIECES", "10")];
    let shop = Shop::set_up(&STOCK, &limits);
    let order = async |who: &str, pieces: u32| {
        let body = json!({ "items": [{ "product_id": "ring", "quantity": pieces }] });
        shop.http_as(&customer(who), "POST", "/api/v1/orders", body).await
    };
    let too_large = order("ann", 11).await;
    assert_eq!(kind(&too_large), (429, "too-many-open-orders"), "{}", too_large.body);
    let first = order("ann", 6).await;
    let first = first.body["order_id"].as_str().unwrap().to_owned();
    let too_much = order("ann", 5).await;
    assert_eq!((kind(&too_much).0, &too_much.body["unpaid_pieces"]), (429, &json!(6)));
    assert!(too_much.body["detail"].as_str().unwrap().contains("Pay or cancel"));
    for _ in 0..2 {
        assert_eq!(order("ann", 1).await.status, 201);
    }
    assert_eq!(kind(&order("ann", 1).await).0, 429, "there are three orders");
    assert_eq!(order("bob", 10).await.status, 201, "others have limits of their own");
    let cancelled = format!("/api/v1/orders/{first}/cancel");
    assert_eq!(shop.http_as(&customer("ann"), "POST", &cancelled, Value::Null).await.status, 200);
    assert_eq!(order("ann", 8).await.status, 201);
    for _ in 0..5 {
        let body = json!({ "customer_id": "ann", "items": ["ring"] });
        assert_eq!(shop.http_as(&operator(), "POST", "/api/v1/orders", body).await.status, 201);
    }
}

async fn put(shop: &Shop, id: &str, headers: &[(&str, &str)], body: Value) -> HttpAnswer {
    shop.http_with(headers, &operator(), "PUT", &format!("/api/v1/products/{id}"), body).await
}

#[tokio::test]
async fn a_product_is_added_changed_withdrawn_and_found_by_all_its_names() {
    let shop = closed();
    let teapot = json!({ "name": "Teapot", "price": 24.5, "names": ["Чайник", "茶壶"], "low_stock": 5 });
    let made = put(&shop, "teapot-1", &[], teapot.clone()).await;
    assert_eq!((made.status, &made.headers["etag"]), (201, &json!("\"1\"")), "{}", made.body);
    assert_eq!(made.headers["location"], "/api/v1/products/teapot-1");
    assert_eq!(made.body["changed"]["by"]["email"], "staff@example.com");
    let same = put(&shop, "teapot-1", &[], teapot).await;
    assert_eq!((same.status, &same.headers["etag"]), (200, &json!("\"1\"")), "nothing was changed");
    for name in ["teapot-1", "TEAPOT", "чайник", "茶壶"] {
        let found =
            shop.http_as(&customer("ann"), "GET", &format!("/api/v1/products/{name}"), Value::Null).await;
        assert_eq!((found.status, &found.body["product_id"]), (200, &json!("teapot-1")), "{name}");
        assert_eq!(found.body.get("changed"), None, "who changed it is for operators");
    }
    let renamed = json!({ "name": "Kettle", "price": 30 });
    let renamed = put(&shop, "teapot-1", &[("if-match", "\"1\"")], renamed).await;
    assert_eq!((renamed.status, &renamed.headers["etag"]), (200, &json!("\"2\"")), "{}", renamed.body);
    let gone = shop.http_as(&operator(), "GET", "/api/v1/products/teapot", Value::Null).await;
    assert_eq!(kind(&gone), (404, "product-not-found"));
    let late = put(&shop, "teapot-1", &[("if-match", "\"1\"")], json!({ "name": "X", "price": 1 })).await;
    assert_eq!(kind(&late), (412, "changed-meanwhile"));
    let twice = put(&shop, "teapot-1", &[("if-none-match", "*")], json!({ "name": "X", "price": 1 })).await;
    assert_eq!(kind(&twice), (412, "changed-meanwhile"));
    let taken = put(&shop, "other", &[], json!({ "name": "KETTLE!", "price": 1 })).await;
    assert_eq!((kind(&taken), &taken.body["product_id"]), ((409, "name-taken"), &json!("teapot-1")));
    let spelled = put(&shop, "Teapot.1", &[], json!({ "name": "X", "price": 1 })).await;
    assert_eq!(kind(&spelled), (409, "name-taken"), "its key is that of teapot-1");
    let removed = shop.http_as(&operator(), "DELETE", "/api/v1/products/teapot-1", Value::Null).await;
    assert_eq!(removed.status, 204);
    assert_eq!(shop.items("ProductsTable").len(), STOCK.len());
}

#[tokio::test]
async fn an_order_keeps_its_price_and_a_new_price_counts_at_once() {
    let shop = closed();
    let order =
        async || shop.http_as(&customer("ann"), "POST", "/api/v1/orders", json!({ "items": ["ring"] })).await;
    let before = order().await;
    assert_eq!(before.body["amount"], 10);
    assert_eq!(put(&shop, "ring", &[], json!({ "name": "ring", "price": 12 })).await.status, 200);
    assert_eq!(order().await.body["amount"], 12);
    let path = format!("/api/v1/orders/{}", before.body["order_id"].as_str().unwrap());
    assert_eq!(shop.http_as(&customer("ann"), "GET", &path, Value::Null).await.body["amount"], 10);
    // It has stock, so that it is withdrawn and not removed.
    let withdrawn = shop.http_as(&operator(), "DELETE", "/api/v1/products/ring", Value::Null).await;
    assert_eq!((withdrawn.status, &withdrawn.body["active"]), (200, &json!(false)));
    let refused = order().await;
    assert_eq!((kind(&refused), &refused.body["product"]), ((422, "unknown-product"), &json!("ring")));
    let listed = async |who: &Value| {
        let list = shop.http_as(who, "GET", "/api/v1/products", Value::Null).await;
        list.body["products"].as_array().unwrap().len()
    };
    assert_eq!((listed(&customer("ann")).await, listed(&operator()).await), (1, 2));
    assert_eq!(put(&shop, "ring", &[], json!({ "name": "ring", "price": 12 })).await.body["active"], true);
    assert_eq!(order().await.status, 201);
}

#[tokio::test]
async fn bad_products_are_refused_and_write_nothing() {
    let shop = closed();
    for (id, body, words) in [
        ("a", json!({}), "'name' is missing"),
        ("a", json!({ "name": "A" }), "'price' is missing"),
        ("a", json!({ "name": "A", "price": 0 }), "more than 0"),
        ("a", json!({ "name": "A", "price": 1.005 }), "'price'"),
        ("a", json!({ "name": "!?", "price": 1 }), "neither a letter nor a digit"),
        ("a", json!({ "name": "A", "price": 1, "names": "B" }), "'names'"),
        ("a", json!({ "name": "A", "price": 1, "lowstock": 2 }), "no 'lowstock'"),
        ("a", json!({ "name": "A", "price": 1, "low_stock": -1 }), "'low_stock'"),
        ("a", json!({ "name": "A", "price": 1, "active": "yes" }), "'active'"),
        ("a", json!({ "name": "A", "price": 1, "currency": "EUR" }), "sells in USD"),
        ("a%20b", json!({ "name": "A", "price": 1 }), "can't be an id"),
    ] {
        let refused = put(&shop, id, &[], body.clone()).await;
        assert_eq!(kind(&refused), (400, "bad-request"), "{body}");
        assert!(refused.body["detail"].as_str().unwrap().contains(words), "{}", refused.body);
    }
    assert_eq!(shop.items("ProductsTable").len(), STOCK.len());
}

#[tokio::test]
async fn a_list_has_every_product_once_page_by_page() {
    let shop = closed();
    for number in 0..12 {
        let body = json!({ "name": format!("Cup {number}"), "price": 1, "names": [format!("Mug {number}")] });
        assert_eq!(put(&shop, &format!("c{number}"), &[], body).await.status, 201);
    }
    let mut path = "/api/v1/products?limit=5&search=MUG".to_owned();
    let mut ids = Vec::new();
    loop {
        let page = shop.http_as(&operator(), "GET", &path, Value::Null).await;
        let products = page.body["products"].as_array().unwrap().clone();
        assert!(products.len() <= 5);
        ids.extend(products.iter().map(|product| product["product_id"].as_str().unwrap().to_owned()));
        match page.body["next"].as_str() {
            Some(next) => path = format!("/api/v1/products?limit=5&search=MUG&next={next}"),
            None => break,
        }
    }
    ids.sort_unstable();
    let mut expected: Vec<_> = (0..12).map(|number| format!("c{number}")).collect();
    expected.sort_unstable();
    assert_eq!(ids, expected);
}

#[tokio::test]
async fn the_product_whose_name_was_typed_comes_first_and_once() {
    let shop = closed();
    for number in 0..12 {
        let body = json!({ "name": format!("Cup {number}"), "price": 1, "names": [format!("Mug {number}")] });
        assert_eq!(put(&shop, &format!("c{number}"), &[], body).await.status, 201);
    }
    for (typed, first, others) in [("mug%201", "c1", 3), ("C10", "c10", 1), ("CUP", "", 12)] {
        for limit in [1, 2, 100] {
            let (mut ids, mut next) = (Vec::new(), String::new());
            loop {
                let path = format!("/api/v1/products?limit={limit}&search={typed}{next}");
                let page = shop.http_as(&operator(), "GET", &path, Value::Null).await.body;
                let products = page["products"].as_array().unwrap();
                assert!(products.len() <= limit);
                ids.extend(products.iter().map(|product| product["product_id"].as_str().unwrap().to_owned()));
                match page["next"].as_str() {
                    Some(following) => next = format!("&next={following}"),
                    None => break,
                }
            }
            assert_eq!(ids.len(), others, "{typed} by {limit}: {ids:?}");
            assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), others, "{ids:?}");
            assert!(limit == 1 || first.is_empty() || ids[0] == first, "{typed} by {limit}: {ids:?}");
        }
    }
}

#[tokio::test]
async fn what_people_changed_of_a_sample_stays_when_the_shop_starts_again() {
    let shop = Shop::set_up(&[], &[("SEED_SAMPLE_STOCK", "true")]);
    shop.invoke("seed-stock", json!({})).await.unwrap();
    let change = json!({ "name": "iPhone 15 (used)", "price": 400 });
    assert_eq!(shop.http("PUT", "/api/v1/products/iphone-15", change).await.status, 200);
    shop.invoke("seed-stock", json!({})).await.unwrap();
    let kept = shop.http("GET", "/api/v1/products/iphone-15", Value::Null).await.body;
    assert_eq!((&kept["name"], &kept["price"]), (&json!("iPhone 15 (used)"), &json!(400)));
    let order = shop.http("POST", "/api/v1/orders", json!({ "items": ["iphone-15"] })).await;
    assert_eq!(order.body["amount"], 400);
}
