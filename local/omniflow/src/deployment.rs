//! Brings the data to what the template describes: tables and their indexes, state machines, the sample stock.

use engine::{CreateStateMachine, Engine, StateMachineKind, UpdateStateMachine};
use omniflow_tables::Tables;
use serde_json::{Value, json};

use crate::StartError;
use crate::lambda::Functions;
use template::{System, Table};

/// Makes a table of the template, or adds to the one that is there the indexes that it lacks; they are filled
/// from the items that are there.
///
/// # Errors
/// When the table that is there can't be changed into that of the template. DynamoDB can't either: a key
/// stays as it is.
pub(crate) async fn create_table(tables: &Tables, table: &Table) -> Result<(), StartError> {
    let refused = |problem: String| StartError::Table { table: table.name.clone(), problem };
    let name = json!({ "TableName": table.name });
    let described = tables.answer("DescribeTable", name.to_string().into()).await;
    if described.status == 200 {
        let kept: Value =
            serde_json::from_str(&described.body).map_err(|error| refused(error.to_string()))?;
        let missing = missing_indexes(&kept["Table"], &table.create).map_err(refused)?;
        for index in missing {
            tracing::info!(table = table.name, index = index["IndexName"].as_str(), "adding an index");
            let update = json!({
                "TableName": table.name,
                "AttributeDefinitions": table.create["AttributeDefinitions"],
                "GlobalSecondaryIndexUpdates": [{ "Create": index }],
            });
            ask(tables, "UpdateTable", &update).await.map_err(refused)?;
        }
    } else {
        ask(tables, "CreateTable", &table.create).await.map_err(refused)?;
    }
    let Some(attribute) = &table.time_to_live else { return Ok(()) };
    let time_to_live = ask(tables, "DescribeTimeToLive", &name).await.map_err(refused)?;
    if time_to_live["TimeToLiveDescription"]["AttributeName"] == json!(attribute) {
        return Ok(());
    }
    let specification = json!({
        "TableName": table.name,
        "TimeToLiveSpecification": { "AttributeName": attribute, "Enabled": true },
    });
    ask(tables, "UpdateTimeToLive", &specification).await.map(drop).map_err(refused)
}

async fn ask(tables: &Tables, operation: &str, request: &Value) -> Result<Value, String> {
    let answer = tables.answer(operation, request.to_string().into()).await;
    if answer.status != 200 {
        return Err(format!("{operation} fails: {}", answer.body));
    }
    serde_json::from_str(&answer.body).map_err(|error| error.to_string())
}

/// The global secondary indexes of the template that the table as it is kept lacks.
///
/// # Errors
/// When the keys of the table or of an index, or what an index holds, differ from the template's.
fn missing_indexes(kept: &Value, wanted: &Value) -> Result<Vec<Value>, String> {
    const ADVICE: &str = "can't be changed in the data that is there: go on with the template that made it, or choose \
                          another folder with --data";
    if kept["KeySchema"] != wanted["KeySchema"] {
        return Err(format!("its key {ADVICE}"));
    }
    let list = |table: &Value, kind: &str| table[kind].as_array().cloned().unwrap_or_default();
    for (kind, may_be_added) in [("GlobalSecondaryIndexes", true), ("LocalSecondaryIndexes", false)] {
        let there = list(kept, kind);
        for index in list(wanted, kind) {
            let name = index["IndexName"].as_str().unwrap_or_default();
            let same = |member: &str, there: &Value| normal(&there[member]) == normal(&index[member]);
            match there.iter().find(|there| there["IndexName"] == index["IndexName"]) {
                Some(there) if same("KeySchema", there) && same("Projection", there) => {}
                Some(_) => return Err(format!("the keys or the attributes of its index {name} {ADVICE}")),
                None if may_be_added => {}
                None => return Err(format!("its local index {name} is not there, and {ADVICE}")),
            }
        }
    }
    let there = list(kept, "GlobalSecondaryIndexes");
    let lacks = |index: &Value| !there.iter().any(|there| there["IndexName"] == index["IndexName"]);
    Ok(list(wanted, "GlobalSecondaryIndexes").into_iter().filter(lacks).collect())
}

/// A key schema or a projection; the order of attributes in a projection says nothing.
fn normal(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(Value::Array(attributes)) = value.get_mut("NonKeyAttributes") {
        attributes.sort_by_key(ToString::to_string);
    }
    value
}

pub(crate) fn check_state_machines(system: &System) -> Result<(), StartError> {
    for machine in &system.state_machines {
        let refused = |problem: String| StartError::StateMachine { machine: machine.name.clone(), problem };
        let kind = match StateMachineKind::parse(&machine.kind) {
            Some(StateMachineKind::Express) => asl::MachineType::Express,
            Some(StateMachineKind::Standard) => asl::MachineType::Standard,
            None => return Err(refused(format!("'{}' is no type of state machine", machine.kind))),
        };
        let parsed =
            asl::Machine::parse_as(&machine.definition, kind).map_err(|error| refused(error.to_string()))?;
        if let Some(unsupported) = parsed.unsupported().first() {
            return Err(refused(unsupported.to_string()));
        }
    }
    Ok(())
}

pub(crate) async fn deploy(engine: &Engine, system: &System) -> Result<(), StartError> {
    for machine in &system.state_machines {
        let refused = |error: engine::Error| StartError::StateMachine {
            machine: machine.name.clone(),
            problem: error.to_string(),
        };
        let arn = engine.state_machine_arn(&machine.name);
        match engine.describe_state_machine(&arn) {
            Ok(kept) if kept.definition == machine.definition => {}
            Ok(_) => {
                let update =
                    UpdateStateMachine { arn, definition: Some(machine.definition.clone()), role_arn: None };
                engine.update_state_machine(update).await.map_err(refused)?;
            }
            Err(_) => {
                let create = CreateStateMachine {
                    name: machine.name.clone(),
                    kind: StateMachineKind::parse(&machine.kind).unwrap_or_default(),
                    definition: machine.definition.clone(),
                    role_arn: machine.role_arn.clone(),
                };
                engine.create_state_machine(create).await.map_err(refused)?;
            }
        }
    }
    Ok(())
}

pub(crate) async fn seed(functions: &Functions) -> Result<(), StartError> {
    let Some(name) = functions.with_binary("seed-stock").map(str::to_owned) else { return Ok(()) };
    match functions.invoke(&name, Value::Object(serde_json::Map::new())).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(StartError::Seed(error.payload)),
        Err(error) => Err(StartError::Seed(error.to_string())),
    }
}
