//! The warehouses' secrets, which stand in one text in the store of secrets.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ambient::Clock;
use chrono::{DateTime, TimeDelta, Utc};
use omniflow_services::{ConfigError, Environment, Secret, Secrets, ServiceError, Services};
use serde::Deserialize;

use crate::{Key, NoKey};

/// The time for which a process uses the secrets that it has read. A new secret is known everywhere after it.
const FRESH_FOR: TimeDelta = TimeDelta::minutes(1);

/// Why there are no keys to sign with or to check with.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The deployment names no secret.
    #[error("no secret is named: set the parameter WarehouseSecret")]
    NotNamed,
    /// The store of secrets failed.
    #[error("the secret of the warehouses can't be read: {0}")]
    Unreadable(#[from] ServiceError),
    /// The text is not an object of secrets by warehouse.
    #[error(
        "the secret of the warehouses must be a JSON object such as {{\"wh-east\": \"whsec_…\"}}, where a list has the new one first"
    )]
    Malformed,
    /// It has no secret for this warehouse.
    #[error("the secret of the warehouses has no member '{0}'")]
    None(String),
    /// The warehouse's secret is none.
    #[error("the secret of the warehouse '{warehouse}' can't be used: {source}")]
    #[allow(missing_docs, reason = "the names say it")]
    NoKey { warehouse: String, source: NoKey },
}

/// The secrets of one warehouse: one, or while it is changed the new one and the old one.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Given {
    One(Secret),
    Several(Vec<Secret>),
}

type Stored = BTreeMap<String, Given>;
type Latest = Mutex<Option<(DateTime<Utc>, Arc<Stored>)>>;

/// The keys of all warehouses.
#[derive(Clone)]
pub struct Keys {
    secrets: Arc<dyn Secrets>,
    /// The name of the secret; empty when there is none.
    name: String,
    clock: Arc<dyn Clock>,
    latest: Arc<Latest>,
}

impl Keys {
    /// The keys in the secret that `WAREHOUSE_SECRET` names.
    ///
    /// # Errors
    /// [`ConfigError`], when the variable is not set.
    pub fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            secrets: services.secrets(),
            name: environment.require("WAREHOUSE_SECRET")?.to_owned(),
            clock: services.clock(),
            latest: Arc::default(),
        })
    }

    /// The keys of this warehouse. Messages to it are signed with the first; those from it may be signed with
    /// any.
    ///
    /// # Errors
    /// [`KeyError`]. There is at least one key otherwise.
    pub async fn of(&self, warehouse: &str) -> Result<Vec<Key>, KeyError> {
        let stored = self.stored().await?;
        let none = || KeyError::None(warehouse.to_owned());
        let given = match stored.get(warehouse).ok_or_else(none)? {
            Given::One(secret) => std::slice::from_ref(secret),
            Given::Several(secrets) => secrets.as_slice(),
        };
        let no_key = |source| KeyError::NoKey { warehouse: warehouse.to_owned(), source };
        let keys = given.iter().map(|secret| Key::parse(secret.reveal()).map_err(no_key));
        let keys: Vec<_> = keys.collect::<Result<_, _>>()?;
        if keys.is_empty() { Err(none()) } else { Ok(keys) }
    }

    async fn stored(&self) -> Result<Arc<Stored>, KeyError> {
        if self.name.is_empty() {
            return Err(KeyError::NotNamed);
        }
        let now = self.clock.now();
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((read, stored)) = latest
            && read <= now
            && now - read < FRESH_FOR
        {
            return Ok(stored);
        }
        let text = self.secrets.get(&self.name).await?;
        // The reader's error might quote what it has read.
        let stored = serde_json::from_str(text.reveal()).map_err(|_| KeyError::Malformed)?;
        let stored = Arc::new(stored);
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(&stored)));
        Ok(stored)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use ambient::ManualClock;
    use futures::executor::block_on;
    use futures::future::BoxFuture;

    use super::*;

    /// A store with one secret, which counts how often it is read.
    struct Store(&'static str, AtomicUsize);

    impl Secrets for Store {
        fn get<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Secret, ServiceError>> {
            self.1.fetch_add(1, Ordering::Relaxed);
            Box::pin(async move {
                if id == "named" {
                    Ok(Secret::new(self.0))
                } else {
                    Err(ServiceError::new("ResourceNotFoundException", ""))
                }
            })
        }
    }

    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn of_store(name: &str, secret: &'static str) -> (Keys, Arc<Store>, ManualClock) {
        let clock = ManualClock::starting_at(DateTime::UNIX_EPOCH);
        let store = Arc::new(Store(secret, AtomicUsize::new(0)));
        let latest = Arc::default();
        let keys =
            Keys { secrets: store.clone(), name: name.to_owned(), clock: Arc::new(clock.clone()), latest };
        (keys, store, clock)
    }

    #[test]
    fn each_warehouse_has_its_own_and_they_are_read_once_a_minute() {
        let secret = r#"{
            "east": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "west": ["whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
            "none": [], "bad": "whsec_short"
        }"#;
        let (keys, store, clock) = of_store("named", secret);
        assert_eq!(block_on(keys.of("east")).unwrap(), [Key::parse(KEY).unwrap()]);
        assert_eq!(block_on(keys.of("west")).unwrap().len(), 2);
        assert!(matches!(block_on(keys.of("north")), Err(KeyError::None(id)) if id == "north"));
        assert!(matches!(block_on(keys.of("none")), Err(KeyError::None(_))));
        let bad = block_on(keys.of("bad")).unwrap_err().to_string();
        assert!(bad.contains("'bad'") && !bad.contains("short"), "{bad}");
        assert_eq!(store.1.load(Ordering::Relaxed), 1);
        clock.advance(std::time::Duration::from_secs(60));
        block_on(keys.of("east")).unwrap();
        assert_eq!(store.1.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn what_is_missing_or_no_object_is_said_without_being_shown() {
        assert!(matches!(block_on(of_store("", "{}").0.of("east")), Err(KeyError::NotNamed)));
        assert!(matches!(block_on(of_store("other", "{}").0.of("east")), Err(KeyError::Unreadable(_))));
        let malformed = block_on(of_store("named", r#""whsec_MfKQ""#).0.of("east")).unwrap_err();
        assert!(matches!(malformed, KeyError::Malformed));
        assert!(!malformed.to_string().contains("MfKQ"));
    }
}
