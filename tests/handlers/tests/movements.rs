//! Stock that people move, and files of it.

#![allow(clippy::unwrap_used, reason = "tests")]

use futures::future::join_all;
use omniflow_testing::{HttpAnswer, Outage, Shop};
use serde_json::{Value, json};

const MOVEMENTS: &str = "/api/v1/stock/ring/wh-east/movements";

fn staff() -> Value {
    json!({ "jwt": { "claims": { "sub": "staff", "email": "staff@example.com", "scope": "omniflow/operate" } } })
}

async fn moved(shop: &Shop, kind: &str, quantity: i64) -> HttpAnswer {
    let body = json!({ "kind": kind, "quantity": quantity, "reason": "because" });
    shop.http_as(&staff(), "POST", MOVEMENTS, body).await
}

async fn stock(shop: &Shop, product: &str) -> Value {
    shop.http("GET", &format!("/api/v1/stock/{product}"), Value::Null).await.body
}

#[tokio::test]
async fn each_movement_changes_the_row_and_is_listed_with_who_and_the_balance() {
    let shop = Shop::stocked(&[("ring", "wh-east", 10)]);
    for (kind, quantity, change, available) in
        [("receive", 5, 5, 15), ("adjust", -3, -3, 12), ("count", 20, 8, 20), ("count", 20, 0, 20)]
    {
        let made = moved(&shop, kind, quantity).await;
        assert_eq!(made.status, 201, "{}", made.body);
        assert_eq!((&made.body["change"], &made.body["available"]), (&json!(change), &json!(available)));
        assert_eq!(
            made.body["by"],
            json!({ "role": "OPERATOR", "id": "staff", "email": "staff@example.com" })
        );
    }
    assert_eq!(stock(&shop, "ring").await["available"], 20);
    let mut path = format!("{MOVEMENTS}?limit=3");
    let mut listed = Vec::new();
    loop {
        let page = shop.http_as(&staff(), "GET", &path, Value::Null).await.body;
        listed.extend(page["movements"].as_array().unwrap().iter().map(|one| one["movement_id"].clone()));
        match page["next"].as_str() {
            Some(next) => path = format!("{MOVEMENTS}?limit=3&next={next}"),
            None => break,
        }
    }
    let mut newest_first = listed.clone();
    newest_first.sort_unstable_by_key(|id| std::cmp::Reverse(id.as_str().unwrap().to_owned()));
    assert_eq!((listed.len(), &listed), (4, &newest_first));
}

#[tokio::test]
async fn no_movement_takes_what_is_not_there_or_is_set_aside() {
    let shop = Shop::stocked(&[("ring", "wh-east", 10)]);
    let id = shop.place_one("ring", 4).await;
    shop.forward("reserve-stock", &id).await.unwrap();
    for (kind, quantity) in [("adjust", -7), ("count", 3)] {
        let refused = moved(&shop, kind, quantity).await;
        assert_eq!(
            (refused.status, refused.body["type"].as_str()),
            (409, Some("urn:omniflow:problem:not-enough-stock"))
        );
        assert_eq!((&refused.body["available"], &refused.body["reserved"]), (&json!(6), &json!(4)));
    }
    let too_far = json!({ "kind": "transfer", "quantity": 7, "reason": "r", "to": "wh-west" });
    assert_eq!(shop.http("POST", MOVEMENTS, too_far).await.status, 409);
    assert_eq!(moved(&shop, "count", 4).await.body["available"], 0, "what is set aside is on the shelf");
    assert!(shop.items("MovementsTable").len() == 1);
    let row = &stock(&shop, "ring").await["warehouses"];
    assert_eq!(row.as_array().unwrap().len(), 1, "{row}");
}

#[tokio::test]
async fn a_transfer_moves_pieces_and_makes_none() {
    let shop = Shop::stocked(&[("ring", "wh-east", 10)]);
    let body =
        json!({ "kind": "transfer", "quantity": 4, "reason": "fair", "reference": "T-1", "to": "wh-new" });
    let made = shop.http("POST", MOVEMENTS, body).await;
    assert_eq!((made.status, &made.body["change"], &made.body["to"]), (201, &json!(-4), &json!("wh-new")));
    let there = shop.http("GET", "/api/v1/stock/ring/wh-new/movements", Value::Null).await.body;
    let arrival = &there["movements"][0];
    assert_eq!(
        (&arrival["change"], &arrival["from"], &arrival["available"]),
        (&json!(4), &json!("wh-east"), &json!(4))
    );
    assert_eq!(arrival["movement_id"], made.body["movement_id"]);
    let after = stock(&shop, "ring").await;
    assert_eq!((&after["available"], after["warehouses"].as_array().unwrap().len()), (&json!(10), 2));
}

#[tokio::test]
async fn a_repeated_request_moves_once_and_concurrent_ones_all_count() {
    let shop = Shop::shuffled(&[("ring", "wh-east", 0)], 7);
    let body = json!({ "kind": "receive", "quantity": 5, "reason": "delivery" });
    let same = join_all((0..6).map(|_| shop.http_once("k", MOVEMENTS, body.clone()))).await;
    assert!(same.iter().all(|answer| answer.status == 201 && answer.body == same[0].body), "{same:?}");
    let other = json!({ "kind": "receive", "quantity": 6, "reason": "delivery" });
    assert_eq!(shop.http_once("k", MOVEMENTS, other).await.status, 422);
    let each = join_all((0..6).map(|_| shop.http("POST", MOVEMENTS, body.clone()))).await;
    assert!(each.iter().all(|answer| answer.status == 201), "{each:?}");
    assert_eq!(stock(&shop, "ring").await["available"], 35);
    assert_eq!(shop.items("MovementsTable").len(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_movement_whose_answer_was_lost_is_made_once() {
    for (body, available) in [
        (json!({ "kind": "receive", "quantity": 5, "reason": "delivery" }), 15),
        (json!({ "kind": "adjust", "quantity": -10, "reason": "broken" }), 0),
        (json!({ "kind": "transfer", "quantity": 10, "reason": "fair", "to": "wh-west" }), 0),
    ] {
        for (request, forgets, key) in (0..6)
            .flat_map(|request| [(request, false, None), (request, true, None), (request, true, Some("k"))])
        {
            let shop = Shop::retrying(&[("ring", "wh-east", 10)]);
            if forgets {
                shop.aws.forget_tokens();
            }
            shop.aws.outages([Outage { request, carried_out: true }]);
            let made = match key {
                Some(key) => shop.http_once(key, MOVEMENTS, body.clone()).await,
                None => shop.http("POST", MOVEMENTS, body.clone()).await,
            };
            shop.aws.heal();
            assert_eq!(
                (made.status, &made.body["available"]),
                (201, &json!(available)),
                "{request} {}",
                made.body
            );
            let sides = if body["kind"] == "transfer" { 2 } else { 1 };
            assert_eq!(shop.items("MovementsTable").len(), sides, "{request} {forgets}");
            let row = stock(&shop, "ring").await["warehouses"][0]["available"].clone();
            assert_eq!(row, available, "{request} {forgets}");
        }
    }
}

#[tokio::test]
async fn bad_movements_are_refused_and_write_nothing() {
    let shop = Shop::stocked(&[("ring", "wh-east", 10)]);
    for (body, words) in [
        (json!({ "kind": "steal", "quantity": 1, "reason": "r" }), "'kind'"),
        (json!({ "kind": "receive", "quantity": 0, "reason": "r" }), "over 0"),
        (json!({ "kind": "adjust", "quantity": 0, "reason": "r" }), "other than 0"),
        (json!({ "kind": "count", "quantity": -1, "reason": "r" }), "on the shelf"),
        (json!({ "kind": "receive", "quantity": 1.5, "reason": "r" }), "'quantity'"),
        (json!({ "kind": "receive", "quantity": 1_000_000_001, "reason": "r" }), "at most"),
        (json!({ "kind": "receive", "quantity": 1 }), "'reason'"),
        (json!({ "kind": "transfer", "quantity": 1, "reason": "r" }), "'to' is missing"),
        (json!({ "kind": "transfer", "quantity": 1, "reason": "r", "to": "wh-east" }), "another warehouse"),
        (json!({ "kind": "receive", "quantity": 1, "reason": "r", "to": "wh-west" }), "for a transfer"),
        (json!({ "kind": "transfer", "quantity": 1, "reason": "r", "to": "wh.west" }), "'wh.west' can't be"),
    ] {
        let refused = shop.http("POST", MOVEMENTS, body.clone()).await;
        assert_eq!(refused.status, 400, "{body}");
        assert!(refused.body["detail"].as_str().unwrap().contains(words), "{}", refused.body);
    }
    let unknown = json!({ "kind": "receive", "quantity": 1, "reason": "r" });
    assert_eq!(
        shop.http("POST", "/api/v1/stock/nothing/wh-east/movements", unknown.clone()).await.status,
        404
    );
    // Stock may lie where goods can be asked for, and nowhere else.
    for warehouse in ["wh east", "wh.east", "склад", &"w".repeat(65)] {
        let path = format!("/api/v1/stock/ring/{warehouse}/movements");
        assert_eq!(shop.http("POST", &path, unknown.clone()).await.status, 400, "{warehouse}");
        let described = json!({ "link": "simulated" });
        let path = format!("/api/v1/warehouses/{warehouse}");
        assert_eq!(shop.http("PUT", &path, described).await.status, 400, "{warehouse}");
    }
    assert!(shop.items("MovementsTable").is_empty());
}

#[tokio::test]
async fn the_stock_is_listed_page_by_page_with_every_product_whole() {
    let names: Vec<String> = (0..7).map(|number| format!("p{number}")).collect();
    let rows = names.iter().flat_map(|name| ["a", "b", "c"].map(|warehouse| (name.as_str(), warehouse, 2)));
    let shop = Shop::stocked(&rows.collect::<Vec<_>>());
    for limit in [1, 2, 3, 7, 100] {
        let mut path = format!("/api/v1/stock?limit={limit}");
        let mut listed = Vec::new();
        loop {
            let page = shop.http("GET", &path, Value::Null).await.body;
            for product in page["products"].as_array().unwrap() {
                assert_eq!(
                    (product["warehouses"].as_array().unwrap().len(), &product["available"]),
                    (3, &json!(6))
                );
                listed.push(product["product_id"].as_str().unwrap().to_owned());
            }
            match page["next"].as_str() {
                Some(next) => path = format!("/api/v1/stock?limit={limit}&next={next}"),
                None => break,
            }
        }
        listed.sort_unstable();
        assert_eq!(listed, names, "{limit}");
    }
}

#[tokio::test]
async fn what_is_low_is_marked_and_listed() {
    let shop = Shop::stocked(&[("ring", "wh-east", 6), ("vase", "wh-east", 6)]);
    let ring = json!({ "name": "ring", "price": 10, "low_stock": 5 });
    assert_eq!(shop.http("PUT", "/api/v1/products/ring", ring).await.status, 200);
    assert_eq!(stock(&shop, "ring").await["low"], false);
    moved(&shop, "adjust", -1).await;
    assert_eq!(stock(&shop, "ring").await["low"], true);
    let low = shop.http("GET", "/api/v1/stock?low=true", Value::Null).await.body;
    assert_eq!(low["products"].as_array().unwrap().len(), 1);
    assert_eq!(low["products"][0]["product_id"], "ring");
}

/// Sends a file, and gives what became of it: written, unchanged, failed lines with their reasons.
async fn import(shop: &Shop, kind: &str, file: &str) -> (u64, u64, Vec<(u64, String)>) {
    let answer = shop.post_text(&format!("/api/v1/import/{kind}"), file).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let failed = answer.body["failed"].as_array().unwrap().iter();
    let failed =
        failed.map(|line| (line["line"].as_u64().unwrap(), line["reason"].as_str().unwrap().to_owned()));
    (answer.body["written"].as_u64().unwrap(), answer.body["unchanged"].as_u64().unwrap(), failed.collect())
}

#[tokio::test]
async fn a_file_of_products_is_written_row_by_row_and_again_changes_nothing() {
    let shop = Shop::stocked(&[]);
    let file = "\u{feff}product_id;Name;Price;names;active;low_stock\r\n\
                cup;\"Cup; blue\r\nlarge\";12,50;Tasse|чашка;true;3\r\n\
                bad id;Bad;1;;;\r\n\
                mug;Mug;free;;;\r\n\
                CUP;Cup again;1;;;\r\n\
                jug;Jug;7;;no;\r\n";
    let (written, unchanged, failed) = import(&shop, "products", file).await;
    assert_eq!((written, unchanged), (1, 0), "{failed:?}");
    let lines: Vec<_> = failed.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [2, 4, 5, 6], "{failed:?}");
    assert!(failed[0].1.contains("printable"), "a name has no line breaks: {failed:?}");
    assert!(failed[3].1.contains("Line 2"), "{failed:?}");
    let file = file.replace("\r\nlarge", "");
    let (written, unchanged, failed) = import(&shop, "products", &file).await;
    assert_eq!((written, unchanged, failed.len()), (1, 1, 3), "{failed:?}");
    let (written, unchanged, _) = import(&shop, "products", &file).await;
    assert_eq!((written, unchanged), (0, 2));
    let cup = shop.http("GET", "/api/v1/products/чашка", Value::Null).await.body;
    assert_eq!(
        (&cup["price"], &cup["low_stock"], &cup["name"]),
        (&json!(12.5), &json!(3), &json!("Cup; blue"))
    );
    // What the file has no column for stays.
    let (written, ..) = import(&shop, "products", "product_id,name,price\ncup,Cup,13\n").await;
    let cup = shop.http("GET", "/api/v1/products/cup", Value::Null).await.body;
    assert_eq!((written, &cup["price"], &cup["names"]), (1, &json!(13), &json!(["Tasse", "чашка"])));
}

#[tokio::test]
async fn a_file_of_counted_stock_makes_movements_and_again_none() {
    let shop = Shop::stocked(&[("ring", "wh-east", 10), ("vase", "wh-east", 1)]);
    let file = "line,product_id,warehouse,on_hand,reason\n\
                11,ring,wh-east,12,\n12,ring,wh-new,5,found\n13,nothing,wh-east,1,\n14,vase,wh-east,-1,\n15,vase,wh-east,1,\n";
    let (written, unchanged, failed) = import(&shop, "stock", file).await;
    assert_eq!((written, unchanged), (2, 0), "{failed:?}");
    assert_eq!(failed.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [13, 14, 15]);
    assert_eq!(import(&shop, "stock", file).await.1, 2);
    assert_eq!(stock(&shop, "ring").await["available"], 17);
    assert_eq!(shop.items("MovementsTable").len(), 2);
}

#[tokio::test]
async fn what_is_exported_is_imported_as_it_was_and_no_cell_is_a_formula() {
    let shop = Shop::stocked(&[("ring", "wh-east", 10)]);
    let formula = json!({ "name": "=1+1", "price": 3, "names": ["@ring", "-x"], "low_stock": 2 });
    assert_eq!(shop.http("PUT", "/api/v1/products/ring", formula).await.status, 200);
    for kind in ["products", "stock"] {
        let file = shop.http("GET", &format!("/api/v1/export/{kind}"), Value::Null).await;
        assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
        let text = file.body.as_str().unwrap();
        assert!(kind == "stock" || text.contains("'=1+1"), "{text}");
        let (written, unchanged, failed) = import(&shop, kind, text).await;
        assert_eq!((written, unchanged, failed.len()), (0, 1, 0), "{failed:?}");
    }
    let id = shop.place(json!({ "customer_id": "=cmd()", "items": ["ring"] })).await;
    let orders = shop.http("GET", "/api/v1/export/orders", Value::Null).await.body;
    let orders = orders.as_str().unwrap();
    assert!(orders.contains(id.as_str()) && orders.contains("'=cmd()"), "{orders}");
}

#[tokio::test]
async fn a_long_file_is_given_in_pages_that_link_to_the_next() {
    let names: Vec<String> = (0..9).map(|number| format!("p{number}")).collect();
    let shop = Shop::stocked(&names.iter().map(|name| (name.as_str(), "w", 1)).collect::<Vec<_>>());
    for kind in ["products", "stock"] {
        let (mut path, mut rows) = (format!("/api/v1/export/{kind}?limit=4"), Vec::new());
        loop {
            let page = shop.http("GET", &path, Value::Null).await;
            rows.extend(page.body.as_str().unwrap().lines().skip(1).map(str::to_owned));
            let Some(link) = page.headers["link"].as_str() else { break };
            let next = link.split_once("next=").unwrap().1.split_once('>').unwrap().0;
            path = format!("/api/v1/export/{kind}?limit=4&next={next}");
        }
        rows.sort_unstable();
        rows.dedup();
        assert_eq!(rows.len(), 9, "{kind}");
    }
}
