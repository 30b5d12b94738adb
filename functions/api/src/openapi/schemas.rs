//! The schemas of the answers, from their types as serde writes them.

use std::borrow::Cow;

use omniflow_domain::Status;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::view::Amount;
use crate::workflow::Part;

/// The place of the schemas in the document, as a JSON pointer.
const HOME: &str = "/components/schemas";

impl JsonSchema for Amount {
    fn schema_name() -> Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Money, with at most as many decimal places as the currency has.",
            "type": "number",
            "minimum": 0,
            "examples": [999.99],
        })
    }
}

impl JsonSchema for Part {
    fn schema_name() -> Cow<'static, str> {
        "Part".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "One of the executions that an order may have: its own, that of its payment window, which a prepaid order has none of, or that of a return, by its number.",
            "type": "string",
            "pattern": "^(order|payment-window|return-[1-9][0-9]*)$",
            "examples": ["order", "return-1"],
        })
    }
}

/// The reference to a schema of the document.
pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#{HOME}/{name}") })
}

/// The reference to a type's schema.
pub(super) fn of<T: JsonSchema>() -> Value {
    reference(&T::schema_name())
}

/// The schemas of all answers.
pub(super) fn answers() -> Map<String, Value> {
    let mut settings = SchemaSettings::draft2020_12().for_serialize();
    settings.definitions_path = HOME.into();
    let mut generator = settings.into_generator();
    generator.subschema_for::<crate::create::Created<'_>>();
    generator.subschema_for::<crate::view::OrderView<'_>>();
    generator.subschema_for::<crate::view::OtherDoorsView<'_>>();
    generator.subschema_for::<crate::read::ListView<'_>>();
    generator.subschema_for::<crate::admin::stock::StockList<'_>>();
    generator.subschema_for::<crate::admin::doctor::Examination>();
    generator.subschema_for::<crate::admin::movements::MovementList<'_>>();
    generator.subschema_for::<crate::admin::buckets::Buckets<'_>>();
    generator.subschema_for::<crate::admin::products::ProductList<'_>>();
    generator.subschema_for::<crate::admin::import::Imported>();
    generator.subschema_for::<crate::admin::people::Forgotten>();
    generator.subschema_for::<crate::warehouse::WarehouseList>();
    generator.subschema_for::<crate::warehouse::ShipmentView<'_>>();
    generator.subschema_for::<crate::return_view::ReturnList<'_>>();
    generator.subschema_for::<crate::admin::returns::open::OpenReturnList>();
    generator.subschema_for::<crate::metrics::MetricsView>();
    generator.subschema_for::<crate::summary::Summary>();
    generator.subschema_for::<crate::workflow::WorkflowView<'_>>();
    generator.subschema_for::<crate::workflow::WorkflowStatus<'_>>();
    generator.subschema_for::<Status>();
    generator.subschema_for::<crate::at_provider::PaymentToConfirm<'_>>();
    generator.subschema_for::<omniflow_domain::payment_gateway::Decline>();
    let mut schemas = generator.take_definitions(true);
    schemas.values_mut().for_each(tidy);
    schemas.sort_keys();
    schemas
}

/// A field that is left out when there is nothing to say is never null.
fn tidy(schema: &mut Value) {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for (name, property) in properties {
        if !required.contains(&json!(name)) {
            forbid_null(property);
        }
    }
}

fn forbid_null(property: &mut Value) {
    let Some(fields) = property.as_object_mut() else { return };
    if let Some(Value::Array(types)) = fields.get("type")
        && let [one, Value::String(null)] = &types[..]
        && null == "null"
    {
        let one = one.clone();
        fields.insert("type".to_owned(), one);
    }
    if let Some(Value::Array(choices)) = fields.get("anyOf")
        && let [Value::Object(one), null] = &choices[..]
        && *null == json!({ "type": "null" })
    {
        let one = one.clone();
        fields.remove("anyOf");
        fields.extend(one);
    }
}
