//! The request units that DynamoDB bills for a request.
//!
//! The answer to a request that succeeds says what it consumed (`ReturnConsumedCapacity`). The embedded
//! DynamoDB counts index writes, transactions and sizes as AWS does, which the tests below check. The answer
//! to a request that is refused says nothing, yet it is billed: a write whose condition is false consumes
//! write units by the size of the item, at least one (DynamoDB Developer Guide, "DynamoDB read and write
//! operations").

use serde_json::Value;

/// Request units of on-demand capacity.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Units {
    /// The read request units.
    pub read: f64,
    /// The write request units.
    pub write: f64,
}

impl Units {
    /// The share of one of so many orders for which a request was made.
    pub(crate) fn shared_by(self, orders: f64) -> Self {
        Self { read: self.read / orders, write: self.write / orders }
    }
}

/// The bytes of an item that one write request unit covers.
const WRITTEN_AT_ONCE: usize = 1024;
/// The write request units in a transaction per unit of the same write outside one: DynamoDB prepares and
/// then commits each write.
const TRANSACTION: f64 = 2.0;

/// The units that this request consumed. `succeeded` is its answer, `None` when it was refused.
pub(crate) fn units(operation: &str, request: &Value, succeeded: Option<&Value>) -> Units {
    let units = match succeeded {
        Some(answer) => consumed(&answer["ConsumedCapacity"]),
        None => refused(operation, request),
    };
    match operation {
        "GetItem" | "BatchGetItem" | "Query" | "Scan" | "TransactGetItems" => {
            Units { read: units, write: 0.0 }
        }
        _ => Units { read: 0.0, write: units },
    }
}

/// The capacity units in an answer, which has one entry or, for requests that can reach several tables, a
/// list.
fn consumed(capacity: &Value) -> f64 {
    match capacity {
        Value::Array(tables) => tables.iter().map(consumed).sum(),
        table => table["CapacityUnits"].as_f64().unwrap_or(0.0),
    }
}

fn refused(operation: &str, request: &Value) -> f64 {
    let writes = request["TransactItems"].as_array();
    match (operation, writes) {
        ("TransactWriteItems", Some(writes)) => {
            writes.iter().map(|write| TRANSACTION * written(&write["Put"]["Item"])).sum()
        }
        _ => written(&request["Item"]),
    }
}

/// The write request units for this item. It stands for the stored item, whose size the answer to a refused
/// write doesn't tell.
fn written(item: &Value) -> f64 {
    #[allow(clippy::cast_precision_loss)]
    let units = size(item).div_ceil(WRITTEN_AT_ONCE).max(1) as f64;
    units
}

/// The bytes of an item. Source: DynamoDB Developer Guide, "DynamoDB item sizes and formats".
fn size(item: &Value) -> usize {
    item.as_object().map_or(0, |attributes| {
        attributes.iter().map(|(name, value)| name.len() + size_of_value(value)).sum()
    })
}

fn size_of_value(value: &Value) -> usize {
    let Some((kind, value)) = value.as_object().and_then(|value| value.iter().next()) else { return 0 };
    match (kind.as_str(), value) {
        ("S", Value::String(text)) => text.len(),
        // A number takes one byte for every two digits, and one more.
        ("N", Value::String(number)) => number.bytes().filter(u8::is_ascii_digit).count().div_ceil(2) + 1,
        ("M", map) => 3 + size(map) + map.as_object().map_or(0, serde_json::Map::len),
        ("L", Value::Array(list)) => 3 + list.iter().map(|value| 1 + size_of_value(value)).sum::<usize>(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use omniflow_tables::Tables;
    use serde_json::json;

    use super::*;

    /// Tables with one table that has an index over `status` with keys only, as the orders' table has.
    fn tables() -> Tables {
        let tables = Tables::in_memory().unwrap();
        let create = json!({
            "TableName": "Orders",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                { "AttributeName": "id", "AttributeType": "S" }, { "AttributeName": "status", "AttributeType": "S" },
            ],
            "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
            "GlobalSecondaryIndexes": [{
                "IndexName": "by-status",
                "KeySchema": [{ "AttributeName": "status", "KeyType": "HASH" }],
                "Projection": { "ProjectionType": "KEYS_ONLY" },
            }],
        });
        assert_eq!(tables.blocking_answer("CreateTable", create.to_string().as_bytes()).status, 200);
        tables
    }

    fn ask(tables: &Tables, operation: &str, mut request: Value) -> Units {
        request["ReturnConsumedCapacity"] = json!("TOTAL");
        let answer = tables.blocking_answer(operation, request.to_string().as_bytes());
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        units(operation, &request, Some(&body).filter(|_| answer.status == 200))
    }

    fn item(status: Option<&str>, bytes: usize) -> Value {
        let mut item = json!({ "id": { "S": "1" }, "document": { "S": "x".repeat(bytes) } });
        if let Some(status) = status {
            item["status"] = json!({ "S": status });
        }
        item
    }

    fn put(tables: &Tables, item: Value) -> Units {
        ask(tables, "PutItem", json!({ "TableName": "Orders", "Item": item }))
    }

    fn written(units: f64) -> Units {
        Units { read: 0.0, write: units }
    }

    fn read(units: f64) -> Units {
        Units { read: units, write: 0.0 }
    }

    #[test]
    fn a_write_is_billed_by_the_kilobyte_the_larger_of_old_and_new() {
        let tables = tables();
        assert_eq!(put(&tables, item(None, 900)), written(1.0));
        assert_eq!(put(&tables, item(None, 1100)), written(2.0));
        assert_eq!(put(&tables, item(None, 900)), written(2.0));
    }

    #[test]
    fn an_index_is_billed_when_its_keys_change_and_only_then() {
        let tables = tables();
        assert_eq!(put(&tables, item(Some("NEW"), 1100)), written(3.0), "the index gets an entry");
        assert_eq!(put(&tables, item(Some("NEW"), 1200)), written(2.0), "the index stays as it is");
        assert_eq!(put(&tables, item(Some("PAID"), 1200)), written(4.0), "one entry goes, another comes");
        assert_eq!(put(&tables, item(None, 1200)), written(3.0), "the entry goes");
    }

    #[test]
    fn a_transaction_is_billed_twice_but_for_its_index_writes() {
        let tables = tables();
        let put = json!({ "Put": { "TableName": "Orders", "Item": item(Some("NEW"), 1100) } });
        let request = json!({ "TransactItems": [put] });
        assert_eq!(ask(&tables, "TransactWriteItems", request), written(5.0));
    }

    #[test]
    fn a_read_is_billed_by_four_kilobytes_and_costs_half_when_it_may_be_out_of_date() {
        let tables = tables();
        put(&tables, item(None, 5000));
        let get = |id: &str, consistent: bool| {
            let key = json!({ "id": { "S": id } });
            let request = json!({ "TableName": "Orders", "Key": key, "ConsistentRead": consistent });
            ask(&tables, "GetItem", request)
        };
        assert_eq!(get("1", true), read(2.0));
        assert_eq!(get("1", false), read(1.0));
        assert_eq!(get("nobody", true), read(1.0), "what is not there is read, too");
        let keys = json!([{ "id": { "S": "1" } }, { "id": { "S": "nobody" } }]);
        let batch = json!({ "RequestItems": { "Orders": { "Keys": keys } } });
        assert_eq!(ask(&tables, "BatchGetItem", batch), read(1.5));
    }

    #[test]
    fn a_refused_write_is_billed_by_its_item() {
        let tables = tables();
        put(&tables, item(None, 1100));
        let refused = json!({
            "TableName": "Orders", "Item": item(None, 1100), "ConditionExpression": "attribute_not_exists(id)",
        });
        assert_eq!(ask(&tables, "PutItem", refused.clone()), written(2.0));
        let update = json!({ "Update": {
            "TableName": "Orders", "Key": { "id": { "S": "2" } }, "UpdateExpression": "SET n = :n",
            "ExpressionAttributeValues": { ":n": { "N": "1" } },
        } });
        let transaction = json!({ "TransactItems": [{ "Put": refused }, update] });
        assert_eq!(ask(&tables, "TransactWriteItems", transaction), written(6.0));
    }

    #[test]
    fn an_item_is_as_large_as_its_names_and_values() {
        let item = json!({
            "id": { "S": "ORD-1" },
            "größe": { "N": "-12345" },
            "yes": { "BOOL": true },
            "list": { "L": [{ "S": "ab" }, { "N": "1" }] },
            "map": { "M": { "a": { "NULL": true } } },
        });
        let expected = [2 + 5, 7 + 4, 3 + 1, 4 + 3 + (1 + 2) + (1 + 2), 3 + 3 + (1 + 1 + 1)];
        assert_eq!(size(&item), expected.iter().sum::<usize>());
    }
}
