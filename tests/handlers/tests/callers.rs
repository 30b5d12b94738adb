//! Who may do what, where access isn't open: customers see their own orders, operators all, strangers nothing.

#![allow(clippy::unwrap_used, reason = "tests")]

use omniflow_api::{Access, ROUTES};
use omniflow_testing::{HttpAnswer, Shop, asked_back, customer};
use serde_json::{Value, json};

fn shop() -> Shop {
    Shop::set_up(&[("ring", "wh-east", 9)], &[("OPEN_ACCESS", "false")])
}

fn operator() -> Value {
    json!({ "jwt": { "claims": { "sub": "staff", "scope": "openid omniflow/operate" } } })
}

fn signed() -> Value {
    json!({ "iam": { "userArn": "arn:aws:iam::000000000000:user/staff" } })
}

async fn ring_of(shop: &Shop, subject: &str) -> String {
    let body = json!({ "customer_id": "somebody-else", "items": ["ring"] });
    let made = shop.http_as(&customer(subject), "POST", "/api/v1/orders", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.body["order_id"].as_str().unwrap().to_owned()
}

fn problem(answer: &HttpAnswer) -> (u64, &str) {
    (answer.status, answer.body["type"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn an_order_belongs_to_whose_token_made_it_and_to_others_it_does_not_exist() {
    let shop = shop();
    let id = ring_of(&shop, "ann").await;
    let path = format!("/api/v1/orders/{id}");
    for who in [customer("ann"), operator(), signed()] {
        let read = shop.http_as(&who, "GET", &path, Value::Null).await;
        assert_eq!((read.status, &read.body["customer_id"]), (200, &json!("ann")), "{who}");
    }
    for call in ["", "/pay", "/cancel"] {
        let method = if call.is_empty() { "GET" } else { "POST" };
        let answer = shop.http_as(&customer("bob"), method, &format!("{path}{call}"), Value::Null).await;
        assert_eq!(problem(&answer), (404, "urn:omniflow:problem:order-not-found"), "{call}");
    }
    let ask = asked_back(&[("ring", 1)]);
    for (method, call, body) in
        [("GET", "/returns", Value::Null), ("GET", "/returns/1", Value::Null), ("POST", "/returns", ask)]
    {
        let answer = shop.http_as(&customer("bob"), method, &format!("{path}{call}"), body).await;
        assert_eq!(problem(&answer), (404, "urn:omniflow:problem:order-not-found"), "{method} {call}");
    }
    let unchanged = shop.http_as(&customer("ann"), "GET", &path, Value::Null).await;
    assert_eq!(unchanged.body["state"], "RECEIVED");
    assert_eq!(
        shop.http_as(&customer("ann"), "POST", &format!("{path}/cancel"), Value::Null).await.status,
        200
    );
}

#[tokio::test]
async fn a_list_holds_ones_own_orders_page_by_page() {
    let shop = shop();
    let mut own = Vec::new();
    for _ in 0..3 {
        own.push(ring_of(&shop, "ann").await);
        ring_of(&shop, "bob").await;
    }
    own.sort_unstable_by(|a, b| b.cmp(a));
    let (mut listed, mut path) = (Vec::new(), "/api/v1/orders?limit=2".to_owned());
    loop {
        let page = shop.http_as(&customer("ann"), "GET", &path, Value::Null).await;
        let orders = page.body["orders"].as_array().unwrap();
        listed.extend(orders.iter().map(|order| order["order_id"].as_str().unwrap().to_owned()));
        match page.body["next"].as_str() {
            Some(next) => path = format!("/api/v1/orders?limit=2&next={next}"),
            None => break,
        }
    }
    assert_eq!(listed, own);
    let none = shop.http_as(&customer("ann"), "GET", "/api/v1/orders?state=COMPLETED", Value::Null).await;
    assert_eq!(none.body["orders"], json!([]));
    let all = shop.http_as(&operator(), "GET", "/api/v1/orders", Value::Null).await;
    assert_eq!(all.body["orders"].as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn a_key_of_one_customer_says_nothing_to_another() {
    let shop = shop();
    let id = ring_of(&shop, "ann").await;
    let path = format!("/api/v1/orders/{id}/pay");
    shop.http_as(&operator(), "POST", &path, json!({})).await;
    let answer = shop.http_as(&customer("bob"), "POST", &path, json!({})).await;
    assert_eq!(answer.status, 404, "{answer:?}");
}

#[tokio::test]
async fn a_token_whose_subject_is_no_identity_opens_nothing_and_writes_nothing() {
    // Open access takes away no check of a token that is there.
    for shop in [shop(), Shop::stocked(&[("ring", "wh-east", 9)])] {
        for subject in [String::new(), " ".to_owned(), "s".repeat(2049), "я".repeat(1025)] {
            for scope in ["openid", "omniflow/operate"] {
                let who = json!({ "jwt": { "claims": { "sub": subject, "scope": scope } } });
                for (method, path, access) in ROUTES {
                    let path = path
                        .replace("{order_id}", "ORD-1")
                        .replace("{product}", "ring")
                        .replace("{warehouse}", "wh-east")
                        .replace("{number}", "1")
                        .replace("{customer_id}", "ann");
                    let path = path.replace("{file+}", "index.html");
                    if is_signed(&path) {
                        continue;
                    }
                    let answer = shop.http_as(&who, method, &path, json!({ "items": ["ring"] })).await;
                    if access == Access::Public {
                        assert!(answer.status < 400, "{method} {path}");
                        continue;
                    }
                    assert_eq!(
                        problem(&answer),
                        (401, "urn:omniflow:problem:unauthorized"),
                        "{method} {path}"
                    );
                    let detail = answer.body["detail"].as_str().unwrap();
                    assert!(detail.contains("'sub'"), "{detail}");
                }
            }
        }
        for table in ["OrdersTable", "IdempotencyTable"] {
            assert!(shop.items(table).is_empty());
        }
    }
}

#[tokio::test]
async fn the_longest_subject_that_a_key_takes_is_a_customer_as_any_other() {
    let shop = shop();
    for subject in ["s".repeat(2048), "я".repeat(1024)] {
        let id = ring_of(&shop, &subject).await;
        let listed = shop.http_as(&customer(&subject), "GET", "/api/v1/orders", Value::Null).await;
        assert_eq!(listed.body["orders"][0]["order_id"], id.as_str());
        let read =
            shop.http_as(&customer(&subject), "GET", &format!("/api/v1/orders/{id}"), Value::Null).await;
        assert_eq!(read.body["customer_id"], subject.as_str());
    }
}

/// Whether nobody is asked who they are, since the signature of the body decides: a provider's or a warehouse's.
fn is_signed(path: &str) -> bool {
    path.starts_with("/webhooks/") || path.starts_with("/api/v1/shipments/")
}

#[tokio::test]
async fn every_call_is_refused_to_those_it_is_not_for() {
    let shop = shop();
    let id = ring_of(&shop, "ann").await;
    for (method, path, access) in ROUTES {
        let path = path
            .replace("{order_id}", &id)
            .replace("{product}", "ring")
            .replace("{warehouse}", "wh-east")
            .replace("{number}", "1")
            .replace("{customer_id}", "ann")
            .replace("{file+}", "index.html");
        if is_signed(&path) {
            continue;
        }
        let stranger = shop.http_as(&Value::Null, method, &path, Value::Null).await.status;
        let customer = shop.http_as(&customer("ann"), method, &path, Value::Null).await.status;
        match access {
            Access::Public => assert!(stranger < 400 && customer < 400, "{method} {path}"),
            Access::Customer => {
                assert!(stranger == 401 && ![401, 403].contains(&customer), "{method} {path}")
            }
            Access::Operator => assert_eq!((stranger, customer), (401, 403), "{method} {path}"),
        }
    }
}

#[tokio::test]
async fn a_name_in_the_path_is_decoded_once_by_each_front() {
    let shop = Shop::set_up(&[("ring", "wh-east", 9)], &[]);
    let name = |answer: &HttpAnswer| answer.body["detail"].as_str().unwrap().to_owned();
    for (by_function_url, by_http_api, meant) in
        [("no%20ring", "no ring", "no ring"), ("50%25", "50%25", "50%"), ("50%2525", "50%2525", "50%25")]
    {
        let direct = shop.http_by_function_url(&format!("/api/v1/stock/{by_function_url}")).await;
        let gateway = shop.http("GET", &format!("/api/v1/stock/{by_http_api}"), Value::Null).await;
        for answer in [direct, gateway] {
            assert_eq!(problem(&answer), (404, "urn:omniflow:problem:product-not-found"), "{answer:?}");
            assert!(name(&answer).contains(meant), "{answer:?}");
            assert!(!name(&answer).contains("%20"), "{answer:?}");
        }
    }
    assert_eq!(shop.http_by_function_url("/api/v1/stock/rin%67").await.status, 200);
}
