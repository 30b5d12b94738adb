//! More buyers than goods, at once: exactly as many get something as there is, from as few warehouses as can be.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::thread;

use futures::future::join_all;
use omniflow_domain::{OrderId, Status};
use omniflow_testing::{Shop, Walk};
use serde_json::json;

fn in_this_thread<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Whether there was stock for the order.
async fn reserve(shop: &Shop, id: &OrderId) -> bool {
    match shop.forward("reserve-stock", id).await {
        Ok(_) => true,
        Err(fault) => {
            assert_eq!(fault.error_type, "OutOfStock", "{fault:?}");
            false
        }
    }
}

#[test]
fn as_many_buyers_win_as_there_is_stock() {
    const THREADS: usize = 8;
    const EACH: usize = 8;
    let shop =
        Arc::new(Shop::stocked(&[("ring", "wh-east", 20), ("ring", "wh-west", 14), ("ring", "wh-north", 6)]));
    let buy = |shop: Arc<Shop>| {
        in_this_thread(join_all((0..EACH).map(|_| async {
            let id = shop.place_one("ring", 1).await;
            (reserve(&shop, &id).await, id)
        })))
    };
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let shop = Arc::clone(&shop);
            thread::spawn(move || buy(shop))
        })
        .collect();
    let bought: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    assert_eq!(bought.iter().filter(|(won, _)| *won).count(), 40);
    in_this_thread(async {
        for row in shop.stock().await {
            assert_eq!(row.available, 0, "{row:?}");
        }
        for (won, id) in bought {
            let order = shop.order(&id).await;
            let (status, shipments) = if won { (Status::Reserved, 1) } else { (Status::Compensating, 0) };
            assert_eq!((order.status(), order.shipments().len()), (status, shipments));
            if !won {
                assert_eq!((order.missing()[0].wanted, order.missing()[0].available), (1, 0));
            }
        }
    });
}

#[test]
fn buyers_of_several_pieces_leave_none_but_too_few() {
    for seed in 0..20 {
        in_this_thread(async {
            let shop = Shop::shuffled(&[("ring", "wh-east", 7), ("ring", "wh-west", 6)], seed);
            let ids = join_all((0..6).map(|_| shop.place_one("ring", 3))).await;
            let won = join_all(ids.iter().map(|id| reserve(&shop, id))).await;
            assert_eq!(
                won.iter().filter(|won| **won).count(),
                4,
                "13 pieces are 4 times 3 and one, seed {seed}"
            );
            let left: u32 = shop.stock().await.iter().map(|row| row.available).sum();
            assert_eq!(left, 1, "seed {seed}");
        });
    }
}

#[tokio::test]
async fn an_order_is_split_over_the_fewest_warehouses() {
    let stock =
        [("ring", "wh-east", 5), ("ring", "wh-west", 4), ("ring", "wh-north", 3), ("vase", "wh-north", 1)];
    for (rings, vases, warehouses) in [
        (5, 0, vec!["wh-east"]),
        (6, 0, vec!["wh-east", "wh-west"]),
        (3, 1, vec!["wh-north"]),
        (12, 1, vec!["wh-east", "wh-north", "wh-west"]),
    ] {
        let shop = Shop::stocked(&stock);
        let mut items = vec![json!({ "product_id": "ring", "quantity": rings })];
        if vases > 0 {
            items.push(json!({ "product_id": "vase", "quantity": vases }));
        }
        let id = shop.place(json!({ "items": items })).await;
        let answer = shop.forward("reserve-stock", &id).await.unwrap();
        assert_eq!(answer["warehouses"], json!(warehouses), "{rings} rings, {vases} vases");
        let shipped: u32 = shop
            .order(&id)
            .await
            .shipments()
            .iter()
            .flat_map(|shipment| &shipment.items)
            .map(|line| line.quantity)
            .sum();
        assert_eq!(shipped, rings + vases);
    }
}

#[tokio::test]
async fn what_a_cancelled_order_gives_back_the_next_buyer_gets() {
    let shop = Shop::stocked(&[("ring", "wh-east", 1)]);
    let first = shop.place_one("ring", 1).await;
    let walk = Walk::until(&shop, &first, "AwaitPayment").await;
    let second = shop.place_one("ring", 1).await;
    assert!(!reserve(&shop, &second).await);
    assert_eq!(shop.decide(&first, "cancel").await.status, 200);
    walk.to_the_end(&shop).await.unwrap();
    let third = shop.place_one("ring", 1).await;
    assert!(reserve(&shop, &third).await);
}

/// So many products, one of each in each of the warehouses.
fn thin_stock(products: &[String], warehouses: &[&'static str]) -> Shop {
    let rows: Vec<_> = products
        .iter()
        .flat_map(|product| warehouses.iter().map(move |warehouse| (product.as_str(), *warehouse, 1)))
        .collect();
    Shop::stocked(&rows)
}

#[tokio::test]
async fn an_order_that_fits_into_one_transaction_is_reserved_and_a_larger_one_is_closed_untouched() {
    let products: Vec<_> = (0..50).map(|n| format!("part-{n}")).collect();
    let items = |count: usize, quantity: usize| {
        let item = |product: &String| json!({ "product_id": product, "quantity": quantity });
        json!({ "items": products[..count].iter().map(item).collect::<Vec<_>>() })
    };
    let warehouses = ["wh-east", "wh-west", "wh-north"];
    let shop = thin_stock(&products[..33], &warehouses);
    let largest = shop.place(items(33, 3)).await;
    assert!(reserve(&shop, &largest).await, "99 places and the order are what a transaction takes");
    let shop = thin_stock(&products, &warehouses[..2]);
    let larger = shop.place(items(50, 2)).await;
    let fault = shop.forward("reserve-stock", &larger).await.unwrap_err();
    assert_eq!(fault.error_type, "OrderTooLarge");
    Walk::of(&larger).to_the_end(&shop).await.unwrap();
    assert_eq!(shop.order(&larger).await.status(), Status::Cancelled);
    assert!(shop.stock().await.iter().all(|row| row.available == 1));
}

#[tokio::test]
async fn a_product_named_twice_is_reserved_as_one_line() {
    let shop = Shop::stocked(&[("ring", "wh-east", 3)]);
    let id = shop.place(json!({ "items": ["ring", { "product_id": "ring", "quantity": 2 }] })).await;
    assert!(reserve(&shop, &id).await);
    assert_eq!(
        (shop.stock().await[0].available, shop.order(&id).await.shipments()[0].items[0].quantity),
        (0, 3)
    );
    let more = shop.place(json!({ "items": ["ring", "ring"] })).await;
    assert!(!reserve(&shop, &more).await);
    assert_eq!(shop.order(&more).await.missing()[0].wanted, 2);
}
