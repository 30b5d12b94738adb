//! `seed-stock`: writes the sample products and their stock where they are missing, if the deployment wants
//! samples (the parameter `SeedSampleStock`), so that it leaves a real shop alone when it is invoked by
//! mistake. Running it again changes nothing.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use aws_sdk_dynamodb::operation::put_item::PutItemInput;
use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::try_join_all;
use omniflow_domain::catalogue::{SAMPLES, Sample, WAREHOUSES, lookup};
use omniflow_domain::{Currency, ErrorName};
use omniflow_services::{ConfigError, DynamoDb, Environment, Fault, Function, Services};
use omniflow_store as store;
use omniflow_store::{Stock, StockRow};
use serde_json::{Value, json};

/// The function `seed-stock`.
pub struct SeedStock {
    dynamodb: Arc<dyn DynamoDb>,
    products: String,
    stock: Stock,
    currency: Currency,
    is_wanted: bool,
}

impl Function for SeedStock {
    const NAME: &'static str = "seed-stock";
    const VARIABLES: &'static [&'static str] =
        &["STOCK_TABLE", "PRODUCTS_TABLE", "CURRENCY", "SEED_SAMPLE_STOCK"];
    const ACTIONS: &'static [&'static str] = &["dynamodb:PutItem"];

    type Event = Value;
    type Answer = Value;
    type Error = Fault;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            dynamodb: services.dynamodb(),
            products: environment.require("PRODUCTS_TABLE")?.to_owned(),
            stock: Stock::new(services.dynamodb(), environment.require("STOCK_TABLE")?),
            currency: environment.parse("CURRENCY")?,
            is_wanted: environment.parse("SEED_SAMPLE_STOCK")?,
        })
    }

    async fn call(&self, _: Value) -> Result<Value, Fault> {
        if !self.is_wanted {
            return Ok(json!({ "products": 0 }));
        }
        try_join_all(SAMPLES.iter().map(|sample| self.seed(sample))).await?;
        Ok(json!({ "products": SAMPLES.len() }))
    }
}

impl SeedStock {
    async fn seed(&self, sample: &Sample) -> Result<(), Fault> {
        for (warehouse, available) in
            WAREHOUSES.iter().zip(sample.stock).filter(|(_, available)| *available > 0)
        {
            let row = StockRow {
                lost: 0,
                buckets: 1,
                product_id: sample.product_id.to_owned(),
                warehouse_id: (*warehouse).to_owned(),
                available,
                reserved: 0,
                sold: 0,
            };
            self.stock.seed(&row).await?;
        }
        let product = sample
            .product(self.currency)
            .map_err(|error| Fault::new(ErrorName::WrongState, format!("{}: {error}", sample.product_id)))?;
        for key in BTreeSet::from([lookup(sample.product_id), lookup(sample.name)]) {
            let mut item: HashMap<String, AttributeValue> =
                serde_dynamo_item(&product).map_err(|error| Fault::from(store::Error::from(error)))?;
            item.insert("lookup".to_owned(), AttributeValue::S(key));
            // Writing the same product again changes nothing, unless the shop has another currency now, in
            // which the samples are priced anew. What a person has written since is left as it is.
            let put = PutItemInput::builder()
                .table_name(&self.products)
                .set_item(Some(item))
                .condition_expression("attribute_not_exists(version)");
            match self.dynamodb.put_item(put).await.map_err(store::Error::from) {
                Ok(()) | Err(store::Error::Conflict) => {}
                Err(error) => return Err(Fault::from(error)),
            }
        }
        Ok(())
    }
}

fn serde_dynamo_item(
    product: &omniflow_domain::catalogue::Product,
) -> Result<HashMap<String, AttributeValue>, serde_dynamo::Error> {
    serde_dynamo::to_item(product)
}
