//! The warehouses in their table.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use ambient::Clock;
use aws_sdk_dynamodb::operation::put_item::PutItemInput;
use aws_sdk_dynamodb::operation::scan::ScanInput;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use chrono::{DateTime, TimeDelta, Utc};
use omniflow_domain::Warehouse;
use omniflow_services::{ConfigError, DynamoDb, Environment, Item, Services};

use crate::Error;

/// The time for which a process uses what it has read: so long may a change take to reach all functions. There
/// are few warehouses, they change seldom, and each order asks for them.
const FRESH_FOR: TimeDelta = TimeDelta::seconds(10);

/// All warehouses that somebody has described, by their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownWarehouses(BTreeMap<String, Warehouse>);

impl KnownWarehouses {
    /// The warehouse of this id; one that nobody has described is simulated.
    pub fn of(&self, id: &str) -> Warehouse {
        self.0.get(id).cloned().unwrap_or_else(|| Warehouse::undescribed(id))
    }

    /// The rank of the warehouse of this id.
    pub fn rank(&self, id: &str) -> u32 {
        self.0.get(id).map_or(Warehouse::USUAL_RANK, |warehouse| warehouse.rank)
    }

    /// Whether new orders may be shipped from the warehouse of this id.
    pub fn is_active(&self, id: &str) -> bool {
        self.0.get(id).is_none_or(|warehouse| warehouse.active)
    }

    /// Those that somebody has described, by id.
    pub fn described(&self) -> impl Iterator<Item = &Warehouse> {
        self.0.values()
    }
}

/// Why a warehouse was not written.
#[derive(Debug, thiserror::Error)]
pub enum NotWritten {
    /// Somebody else changed the warehouse since it was read.
    #[error("the warehouse was changed meanwhile")]
    Changed,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Error),
}

/// What a process has read last, and when.
type Latest = Mutex<HashMap<String, (DateTime<Utc>, Arc<KnownWarehouses>)>>;

/// The warehouses in DynamoDB.
#[derive(Clone)]
pub struct Warehouses {
    dynamodb: Arc<dyn DynamoDb>,
    table: String,
    clock: Arc<dyn Clock>,
    latest: Arc<Latest>,
}

impl Warehouses {
    /// The warehouses in the table that `WAREHOUSES_TABLE` names.
    ///
    /// # Errors
    /// [`ConfigError`], when the variable is not set.
    pub fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            dynamodb: services.dynamodb(),
            table: environment.require("WAREHOUSES_TABLE")?.to_owned(),
            clock: services.clock(),
            latest: services.memory().of(),
        })
    }

    /// All warehouses as they were at most ten seconds ago.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn known(&self) -> Result<Arc<KnownWarehouses>, Error> {
        let now = self.clock.now();
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner).get(&self.table).cloned();
        match latest {
            // A clock that was set back makes nothing fresh for longer.
            Some((read, known)) if read <= now && now - read < FRESH_FOR => Ok(known),
            _ => self.read().await,
        }
    }

    /// All warehouses as they are now.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn read(&self) -> Result<Arc<KnownWarehouses>, Error> {
        let now = self.clock.now();
        let mut known = BTreeMap::new();
        let mut from = None;
        loop {
            let scan = ScanInput::builder()
                .table_name(&self.table)
                .consistent_read(true)
                .set_exclusive_start_key(from);
            let page = self.dynamodb.scan(scan).await?;
            let warehouses: Vec<Warehouse> = serde_dynamo::from_items(page.items.unwrap_or_default())?;
            known.extend(warehouses.into_iter().map(|it| (it.warehouse_id.clone(), it)));
            from = page.last_evaluated_key;
            if from.is_none() {
                break;
            }
        }
        let known = Arc::new(KnownWarehouses(known));
        let latest = (now, Arc::clone(&known));
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).insert(self.table.clone(), latest);
        Ok(known)
    }

    /// Writes the warehouse in place of `before`, which is as [`Warehouses::read`] gave it. Its version is one higher
    /// then.
    ///
    /// # Errors
    /// [`NotWritten`].
    pub async fn put(
        &self,
        before: Option<&Warehouse>,
        mut warehouse: Warehouse,
    ) -> Result<Warehouse, NotWritten> {
        warehouse.version = before.map_or(0, |before| before.version) + 1;
        let item: Item = serde_dynamo::to_item(&warehouse).map_err(Error::from)?;
        let put = PutItemInput::builder()
            .table_name(&self.table)
            .set_item(Some(item.clone()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = match before.map(|before| before.version) {
            None => put.condition_expression("attribute_not_exists(warehouse_id)"),
            // It is as a release stored it that didn't count changes.
            Some(0) => {
                put.condition_expression("attribute_exists(warehouse_id) AND attribute_not_exists(version)")
            }
            Some(version) => put
                .condition_expression("version = :version")
                .expression_attribute_values(":version", AttributeValue::N(version.to_string())),
        };
        let written = self.dynamodb.put_item(put).await;
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.table);
        match written {
            Ok(()) => Ok(warehouse),
            // This write was made, and its answer was lost; the SDK has sent it again.
            Err(error) if error.reasons.iter().any(|reason| reason.found() == Some(&item)) => Ok(warehouse),
            Err(error) => match Error::from(error) {
                Error::Conflict => Err(NotWritten::Changed),
                error => Err(NotWritten::Store(error)),
            },
        }
    }
}
