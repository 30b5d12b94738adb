//! What requests take of the throughput of tables and indexes, key by key.
//!
//! Sources: Amazon DynamoDB Developer Guide, "DynamoDB item sizes and formats", "DynamoDB read and write operations", "Using
//! Global Secondary Indexes in DynamoDB" ("Provisioned throughput considerations for Global Secondary Indexes").

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;
use template::Table;

/// The bytes that one unit writes.
const WRITTEN: usize = 1024;
/// The bytes that one unit reads.
const READ: usize = 4096;

/// An item, or its key.
pub type Item = HashMap<String, AttributeValue>;

/// All items of a table or of an index that have the same partition key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Partition {
    /// The table, or the table and the index with a dot between them.
    pub of: String,
    /// The partition key.
    pub key: String,
}

/// What a write takes of one partition.
#[derive(Debug, Clone, PartialEq)]
pub struct Cost {
    /// The partition.
    pub partition: Partition,
    /// The write units.
    pub units: f64,
}

/// The keys of all tables and indexes.
#[derive(Debug, Default)]
pub struct Schemas(BTreeMap<String, Schema>);

#[derive(Debug)]
struct Schema {
    keys: Vec<String>,
    indexes: Vec<Index>,
}

#[derive(Debug)]
struct Index {
    name: String,
    keys: Vec<String>,
    /// The attributes besides the keys that it holds; all when `None`.
    others: Option<Vec<String>>,
}

fn texts(values: &Value, member: &str) -> Vec<String> {
    let values = values.as_array().into_iter().flatten();
    values.filter_map(|value| value[member].as_str().or(value.as_str()).map(str::to_owned)).collect()
}

impl Schemas {
    /// Those of the template's tables.
    pub fn of(tables: &[Table]) -> Self {
        let schema = |table: &Table| {
            let indexes = table.create["GlobalSecondaryIndexes"].as_array().into_iter().flatten();
            let index = |index: &Value| Index {
                name: index["IndexName"].as_str().unwrap_or_default().to_owned(),
                keys: texts(&index["KeySchema"], "AttributeName"),
                others: match index["Projection"]["ProjectionType"].as_str() {
                    Some("ALL") => None,
                    _ => Some(texts(&index["Projection"]["NonKeyAttributes"], "")),
                },
            };
            let keys = texts(&table.create["KeySchema"], "AttributeName");
            (table.name.clone(), Schema { keys, indexes: indexes.map(index).collect() })
        };
        Self(tables.iter().map(schema).collect())
    }

    /// The key of an item.
    pub fn key(&self, table: &str, item: &Item) -> Item {
        let keys = self.0.get(table).map(|schema| schema.keys.as_slice()).unwrap_or_default();
        part(item, keys)
    }

    /// The partition of an item of this table.
    pub fn partition(&self, table: &str, item: &Item) -> Partition {
        let name = self.0.get(table).and_then(|schema| schema.keys.first());
        let key = name.and_then(|name| item.get(name)).map(text).unwrap_or_default();
        Partition { of: table.to_owned(), key }
    }

    /// What it takes to have `new` in the place of `old`; a transaction takes twice as much of the table.
    pub fn write(&self, table: &str, old: Option<&Item>, new: &Item, in_transaction: bool) -> Vec<Cost> {
        let larger = size(new).max(old.map(size).unwrap_or_default());
        let times = if in_transaction { 2.0 } else { 1.0 };
        let mut costs =
            vec![Cost { partition: self.partition(table, new), units: times * units(larger, WRITTEN) }];
        let Some(schema) = self.0.get(table) else { return costs };
        for index in &schema.indexes {
            let of = || format!("{table}.{}", index.name);
            let before = old.and_then(|old| index.entry(&schema.keys, old));
            let after = index.entry(&schema.keys, new);
            if before == after {
                continue;
            }
            let keys = |entry: &Option<Item>| entry.as_ref().map(|entry| part(entry, &index.keys));
            // An entry whose key changes is taken out, and a new one is put in.
            let removed = before.as_ref().filter(|_| keys(&before) != keys(&after));
            for entry in removed.into_iter().chain(&after) {
                let key = index.keys.first().and_then(|name| entry.get(name)).map(text).unwrap_or_default();
                costs.push(Cost {
                    partition: Partition { of: of(), key },
                    units: units(size(entry), WRITTEN),
                });
            }
        }
        costs
    }
}

impl Index {
    /// What the index holds of an item; nothing when the item has no such key.
    fn entry(&self, keys_of_table: &[String], item: &Item) -> Option<Item> {
        if !self.keys.iter().all(|key| item.contains_key(key)) {
            return None;
        }
        let Some(others) = &self.others else { return Some(item.clone()) };
        let mut entry = part(item, &self.keys);
        entry.extend(part(item, keys_of_table));
        entry.extend(part(item, others));
        Some(entry)
    }
}

fn part(item: &Item, names: &[String]) -> Item {
    names.iter().filter_map(|name| Some((name.clone(), item.get(name)?.clone()))).collect()
}

/// The value of a key as a text.
pub fn text(value: &AttributeValue) -> String {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => text.clone(),
        other => format!("{other:?}"),
    }
}

#[allow(clippy::cast_precision_loss)]
fn units(bytes: usize, a_unit: usize) -> f64 {
    bytes.div_ceil(a_unit).max(1) as f64
}

/// What it takes to read items of so many bytes together.
pub fn read(bytes: usize, is_consistent: bool) -> f64 {
    units(bytes, READ) * if is_consistent { 1.0 } else { 0.5 }
}

/// The bytes of an item.
pub fn size(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + size_of_value(value)).sum()
}

fn size_of_value(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        // A number takes one byte for every two digits, and one more.
        AttributeValue::N(number) => number.bytes().filter(u8::is_ascii_digit).count().div_ceil(2) + 1,
        AttributeValue::M(map) => 3 + size(map) + map.len(),
        AttributeValue::L(list) => 3 + list.iter().map(|value| 1 + size_of_value(value)).sum::<usize>(),
        AttributeValue::Ss(texts) | AttributeValue::Ns(texts) => texts.iter().map(String::len).sum(),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schemas() -> Schemas {
        let index = |name: &str, key: &str| {
            json!({
                "IndexName": name,
                "KeySchema": [{ "AttributeName": key }, { "AttributeName": "id" }],
                "Projection": { "ProjectionType": "KEYS_ONLY" },
            })
        };
        let create = json!({
            "KeySchema": [{ "AttributeName": "id" }],
            "GlobalSecondaryIndexes": [index("by-status", "status"), index("by-signal", "signal")],
        });
        Schemas::of(&[Table { name: "Orders".to_owned(), create, time_to_live: None }])
    }

    fn item(status: &str, signal: Option<&str>, bytes: usize) -> Item {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let mut item = Item::from([
            ("id".to_owned(), text("1")),
            ("status".to_owned(), text(status)),
            ("document".to_owned(), text(&"x".repeat(bytes))),
        ]);
        item.extend(signal.map(|signal| ("signal".to_owned(), text(signal))));
        item
    }

    fn costs(old: Option<&Item>, new: &Item, in_transaction: bool) -> Vec<(String, f64)> {
        let costs = schemas().write("Orders", old, new, in_transaction);
        costs
            .into_iter()
            .map(|cost| (format!("{}={}", cost.partition.of, cost.partition.key), cost.units))
            .collect()
    }

    fn cost(partition: &str, units: f64) -> (String, f64) {
        (partition.to_owned(), units)
    }

    #[test]
    fn a_write_takes_of_the_item_and_of_every_key_of_an_index_that_comes_or_goes() {
        let (new, paid) = (item("NEW", Some("START"), 1100), item("PAID", None, 900));
        let made =
            [cost("Orders=1", 2.0), cost("Orders.by-status=NEW", 1.0), cost("Orders.by-signal=START", 1.0)];
        assert_eq!(costs(None, &new, false), made);
        assert_eq!(costs(Some(&new), &new, false), [cost("Orders=1", 2.0)], "no index changes");
        let changed = [
            cost("Orders=1", 2.0),
            cost("Orders.by-status=NEW", 1.0),
            cost("Orders.by-status=PAID", 1.0),
            cost("Orders.by-signal=START", 1.0),
        ];
        assert_eq!(costs(Some(&new), &paid, false), changed, "the larger of the two counts");
        assert_eq!(costs(Some(&paid), &paid, true), [cost("Orders=1", 2.0)], "twice in a transaction");
    }

    #[test]
    fn a_read_takes_a_unit_for_four_kilobytes_and_half_when_it_may_be_out_of_date() {
        assert_eq!([read(0, true), read(4096, true), read(4097, true)], [1.0, 1.0, 2.0]);
        assert_eq!(read(100, false), 0.5);
    }
}
