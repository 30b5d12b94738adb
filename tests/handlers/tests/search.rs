//! Who searches doesn't care for capital letters, in whatever script.

#![allow(clippy::unwrap_used, reason = "tests")]

use omniflow_testing::Shop;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

async fn found(shop: &Shop, search: &str) -> u64 {
    let search = utf8_percent_encode(search, NON_ALPHANUMERIC);
    let answer = shop.http("GET", &format!("/api/v1/orders?search={search}"), Value::Null).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["orders"].as_array().unwrap().len() as u64
}

async fn product(shop: &Shop, name: &str) -> Value {
    // An HTTP API decodes paths, but for the sign of percent.
    let name = name.replace('%', "%25");
    shop.http("GET", &format!("/api/v1/stock/{name}"), Value::Null).await.body["product_id"].clone()
}

#[tokio::test]
async fn orders_are_found_whatever_the_case_of_what_is_stored_and_of_what_is_asked() {
    let spellings: [&[&str]; 6] = [
        &["ÇELİK", "çelik", "Çelik", "ÇELIK"],
        &["STRASSE", "straße", "Straße", "STRAẞE"],
        &["ΟΔΥΣΣΕΥΣ", "οδυσσευς", "οδυσσευσ"],
        &["ЧАЙ", "чай"],
        &["ISPARTA", "ısparta", "isparta"],
        &["Ring", "rING"],
    ];
    for spellings in spellings {
        for stored in spellings {
            let shop = Shop::stocked(&[("ring", "wh-east", 9)]);
            let item = json!({ "product_id": "ring", "name": format!("1 {stored}, 2") });
            shop.place(json!({ "items": [item], "customer_id": "ann" })).await;
            for asked in spellings {
                assert_eq!(found(&shop, asked).await, 1, "{asked} in {stored}");
            }
            assert_eq!(found(&shop, "no such thing").await, 0);
        }
    }
}

#[tokio::test]
async fn a_part_of_a_word_is_found_where_its_last_letter_is_written_otherwise() {
    let shop = Shop::stocked(&[("ring", "wh-east", 9)]);
    let item = json!({ "product_id": "ring", "name": "ΟΔΟΣΑΝΑ" });
    shop.place(json!({ "items": [item] })).await;
    assert_eq!(found(&shop, "οδος").await, 1, "the last sigma of what is asked is one within the word");
}

#[tokio::test]
async fn products_are_found_whatever_their_case() {
    let shop = Shop::stocked(&[("ÇELİK-kapı", "wh-east", 9), ("Straßenkarte", "wh-east", 9)]);
    for name in ["ÇELİK kapı", "çelik kapı", "CELIK", "çelikkapi"] {
        let known = if name == "CELIK" { Value::Null } else { json!("ÇELİK-kapı") };
        assert_eq!(product(&shop, name).await, known, "{name}");
    }
    for name in ["STRASSENKARTE", "straßenkarte"] {
        assert_eq!(product(&shop, name).await, "Straßenkarte", "{name}");
        shop.place(json!({ "items": [name] })).await;
    }
}

#[tokio::test]
async fn products_that_were_stored_under_small_letters_are_found_as_before() {
    let shop = Shop::stocked(&[("strasse", "wh-east", 9)]);
    // As version 0.1 had the keys of products; the third is one that the folded key would take for the first.
    for (key, id) in [("çeli\u{307}k", "ÇELİK"), ("weiß", "Weiß"), ("straße", "Straße")] {
        let item = json!({
            "lookup": { "S": key }, "product_id": { "S": id }, "name": { "S": id }, "price": { "S": "12.00" },
        });
        shop.put("ProductsTable", item);
    }
    for (name, id) in [
        ("ÇELİK", "ÇELİK"),
        ("weiß", "Weiß"),
        ("WEIß", "Weiß"),
        ("straße", "Straße"),
        ("Strasse", "strasse"),
        ("STRASSE", "strasse"),
    ] {
        assert_eq!(product(&shop, name).await, json!(id), "{name}");
    }
    // Each item of one order is the product that it would be alone.
    let made = shop.place(json!({ "items": ["straße", "strasse"] })).await;
    let order = shop.order(&made).await;
    let ids: Vec<_> = order.items().iter().map(|item| item.product_id.as_str()).collect();
    assert_eq!(ids, ["Straße", "strasse"]);
}

#[tokio::test]
async fn a_hundred_items_are_found_though_each_has_two_keys() {
    let names: Vec<_> = (0..100).map(|n| format!("ß{n}")).collect();
    let rows: Vec<_> = names.iter().map(|name| (name.as_str(), "wh-east", 9)).collect();
    let shop = Shop::stocked(&rows);
    let id = shop.place(json!({ "items": names })).await;
    assert_eq!(shop.order(&id).await.items().len(), 100);
}

#[tokio::test]
async fn the_orders_of_one_customer_are_found_by_the_whole_id() {
    let shop = Shop::stocked(&[("ring", "wh-east", 9)]);
    for customer in ["ann", "ann", "anna"] {
        shop.place(json!({ "items": ["ring"], "customer_id": customer })).await;
    }
    let of = async |customer: &str| {
        let answer = shop.http("GET", &format!("/api/v1/orders?customer={customer}"), Value::Null).await;
        (answer.status, answer.body["orders"].as_array().map(Vec::len))
    };
    assert_eq!(of("ann").await, (200, Some(2)));
    assert_eq!(of("an").await, (200, Some(0)));
    assert_eq!(of(&"x".repeat(2049)).await.0, 400);
    // Customers see their own orders whatever they ask for.
    let ann = json!({ "jwt": { "claims": { "sub": "ann", "scope": "" } } });
    let answer = shop.http_as(&ann, "GET", "/api/v1/orders?customer=anna", Value::Null).await;
    assert_eq!(answer.body["orders"].as_array().map(Vec::len), Some(2));
}
