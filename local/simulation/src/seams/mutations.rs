//! What planted bugs do to requests to the tables.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::operation::put_item::builders::PutItemInputBuilder;
use aws_sdk_dynamodb::operation::query::builders::QueryInputBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::builders::TransactWriteItemsInputBuilder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemInputBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use aws_sdk_sfn::operation::send_task_success::builders::SendTaskSuccessInputBuilder;
use omniflow_domain::{Order, Status};
use omniflow_services::DynamoDb;
use omniflow_store::order_of;
use serde_json::{Value, json};

use super::tables::TablesSeam;
use super::watch::{KEYS, ORDERS, REGISTER, STOCK, entry};
use crate::planted::Planted;
use crate::world::{Invocation, World};

type Item = HashMap<String, AttributeValue>;

/// The binary of the function whose invocation runs.
fn function() -> &'static str {
    Invocation::current().map_or("", |invocation| invocation.function)
}

fn signal(item: &Item) -> &str {
    let key = item.get("pending_signal").and_then(|signal| signal.as_s().ok()).map_or("", String::as_str);
    // The key may have the number of a shard behind the signal.
    key.split('#').next().unwrap_or_default()
}

/// A write of one item.
pub async fn put(seam: &TablesSeam, request: PutItemInputBuilder) -> PutItemInputBuilder {
    let Some(planted) = seam.world.planted else { return request };
    let item = request.get_item().clone().unwrap_or_default();
    if planted == Planted::ToldWithoutClaim && item.contains_key("claimed_until") {
        return unconditional(request).set_expression_attribute_names(None);
    }
    if planted == Planted::NumberUnconditional && request.get_table_name().as_deref() == Some(REGISTER) {
        return unconditional(request);
    }
    if request.get_table_name().as_deref() != Some(ORDERS) {
        return request;
    }
    let is_new = request.get_condition_expression().as_ref().is_some_and(|text| text.contains("not_exists"));
    match (planted, function()) {
        (Planted::AnsweredBeforeWritten, "api") if signal(&item) == "PAID" => {
            answer_early(seam, item).await;
            request
        }
        (Planted::SignalClearedEarly, "api") if !matches!(signal(&item), "" | "START") => {
            let mut item = item;
            item.remove("pending_signal");
            item.remove("pending_since");
            request.set_item(Some(item))
        }
        (Planted::WindowClosedUnconditionally, "close-payment-window") => {
            // What was read is some seconds old when it is written.
            tokio::time::sleep(Duration::from_secs(3)).await;
            unconditional(request)
        }
        (Planted::VerdictUnconditional, "api") if matches!(signal(&item), "APPROVED" | "REJECTED") => {
            unconditional(request)
        }
        (Planted::CreatedTwice, "api") if is_new => {
            create_again(seam, item).await;
            request
        }
        _ => request,
    }
}

/// A query.
pub fn query(seam: &TablesSeam, request: QueryInputBuilder) -> QueryInputBuilder {
    let is_of_signals = request.get_index_name().as_deref() == Some("by-pending-signal");
    if seam.world.planted != Some(Planted::SweepSkipsAStatus) || !is_of_signals {
        return request;
    }
    let values = request.get_expression_attribute_values().clone().unwrap_or_default().into_iter();
    let elsewhere = values.map(|(name, value)| match &value {
        AttributeValue::S(key) if key.starts_with("SHIPMENTS") => {
            (name, AttributeValue::S("NOWHERE".to_owned()))
        }
        _ => (name, value),
    });
    request.set_expression_attribute_values(Some(elsewhere.collect()))
}

fn unconditional(request: PutItemInputBuilder) -> PutItemInputBuilder {
    request.set_condition_expression(None).set_expression_attribute_values(None)
}

/// Answers the token of the order before the order is written.
async fn answer_early(seam: &TablesSeam, item: Item) {
    let Some(Ok(order)) = order_of(item) else { return };
    let (Some(token), Some(states)) = (order.task_token(), &seam.states) else { return };
    let success = SendTaskSuccessInputBuilder::default()
        .task_token(token)
        .output(format!("{{\"order_id\":\"{}\"}}", order.id()));
    // Whether it was sent or not, the order is written next.
    let _ = states.send_task_success(success).await;
}

/// Writes the order under another id and another number as well.
async fn create_again(seam: &TablesSeam, mut item: Item) {
    let Some(AttributeValue::S(id)) = item.get("order_id") else { return };
    let other = format!("{}{}", &id[..id.len() - 1], if id.ends_with('0') { '1' } else { '0' });
    item.insert("order_id".to_owned(), AttributeValue::S(other));
    if let Some(AttributeValue::S(document)) = item.get_mut("document") {
        let mut changed: Value = serde_json::from_str(document).unwrap_or_default();
        changed["number"] = json!(changed["number"].as_u64().unwrap_or_default() + 1_000_000);
        *document = changed.to_string();
    }
    let put = PutItemInputBuilder::default().table_name(ORDERS).set_item(Some(item.clone()));
    if seam.tables.put_item(put).await.is_ok() {
        seam.written(item);
    }
}

/// A transaction.
pub async fn transaction(
    seam: &TablesSeam,
    request: TransactWriteItemsInputBuilder,
) -> TransactWriteItemsInputBuilder {
    let Some(planted) = seam.world.planted else { return request };
    let mut writes = request.get_transact_items().clone().unwrap_or_default();
    match (planted, function()) {
        (Planted::ReleasedWithoutCondition, "release-stock") => {
            // What was read is some seconds old when it is written.
            tokio::time::sleep(Duration::from_secs(2)).await;
            each_put(&mut writes, |put| {
                put.condition_expression = None;
                put.expression_attribute_values = None;
            });
        }
        (Planted::OversoldUnconditionally, "reserve-stock") => {
            tokio::time::sleep(Duration::from_secs(3)).await;
            for update in writes.iter_mut().filter_map(|write| write.update.as_mut()) {
                update.condition_expression = None;
            }
        }
        (Planted::KeyNotKept, "api") => {
            writes.retain(|write| write.put.as_ref().is_none_or(|put| put.table_name == ORDERS));
        }
        (Planted::CompletedWithoutSale, "complete-order" | "ship-warehouse") if completes(&writes) => {
            writes.retain(|write| write.update.as_ref().is_none_or(|update| update.table_name != STOCK));
        }
        (Planted::ReturnKeyNotKept, "admin") if is_of_a_return(&writes) => {
            writes.retain(|write| write.put.as_ref().is_none_or(|put| put.table_name != KEYS));
        }
        (Planted::ReturnedWithoutStock, "admin") if is_of_a_return(&writes) => {
            writes.retain(|write| write.update.as_ref().is_none_or(|update| update.table_name != STOCK));
        }
        _ => return request,
    }
    request.set_transact_items(Some(writes))
}

/// Whether one of the writes is of an order that has returns.
fn is_of_a_return(writes: &[TransactWriteItem]) -> bool {
    orders(writes).any(|order| !order.returns().is_empty())
}

/// Whether one of the writes completes an order.
fn completes(writes: &[TransactWriteItem]) -> bool {
    orders(writes).any(|order| order.status() == Status::Completed)
}

/// The orders that are written.
fn orders(writes: &[TransactWriteItem]) -> impl Iterator<Item = Order> + '_ {
    let puts = writes.iter().filter_map(|write| write.put.as_ref()).filter(|put| put.table_name == ORDERS);
    puts.filter_map(|put| order_of(put.item.clone())?.ok())
}

fn each_put(writes: &mut [TransactWriteItem], change: impl Fn(&mut aws_sdk_dynamodb::types::Put)) {
    writes.iter_mut().filter_map(|write| write.put.as_mut()).for_each(change);
}

/// Whether the warehouses don't hear that they are to keep what they have not sent, since who ends an order by hand
/// doesn't ask them to.
pub fn keeps_it_to_itself(world: &World) -> bool {
    world.has(Planted::ResolvedWithoutCallBack) && matches!(function(), "admin" | "payment-api")
}

/// An update of one item.
pub async fn update(world: &World, request: UpdateItemInputBuilder) -> UpdateItemInputBuilder {
    let Some(planted) = world.planted else { return request };
    if planted == Planted::NumberUnconditional && request.get_table_name().as_deref() == Some(REGISTER) {
        return request.expression_attribute_values(":block", AttributeValue::N("0".to_owned()));
    }
    let Some(entry) = entry(&request).map(str::to_owned) else { return request };
    let names = request.get_expression_attribute_names().clone().unwrap_or_default();
    let fact = names.get("#fact").map_or("", String::as_str);
    match (planted, fact) {
        (Planted::CaptureWithoutKey, "captured") => {
            let attempt = world.draw(crate::dice::Dice::bits);
            request.key("entry", AttributeValue::S(format!("{entry}#{attempt:x}")))
        }
        (Planted::EndedWithoutVoid, "voided") if function() == "admin" => {
            let mut names = names;
            names.insert("#fact".to_owned(), "asked_to_void".to_owned());
            request.set_expression_attribute_names(Some(names))
        }
        (Planted::ResolvedWithoutCallBack, "called_back") if keeps_it_to_itself(world) => {
            let mut names = names;
            names.insert("#fact".to_owned(), "asked_to_keep".to_owned());
            request.set_expression_attribute_names(Some(names))
        }
        (Planted::ReturnRefundedWithoutKey, _) if names.contains_key("#part") => {
            let (mut names, attempt) = (names, world.draw(crate::dice::Dice::bits));
            names.entry("#part".to_owned()).and_modify(|part| part.push_str(&format!("#{attempt:x}")));
            request.set_expression_attribute_names(Some(names))
        }
        (Planted::ShippedAfterCallBack, "tracking") => {
            // It takes long enough for other shipments of the order to fail meanwhile.
            tokio::time::sleep(Duration::from_secs(3)).await;
            let mut names = names;
            names.remove("#unless");
            request.set_condition_expression(None).set_expression_attribute_names(Some(names))
        }
        _ => request,
    }
}
