//! EventBridge on one machine: matches events against the template's rules and delivers them to functions.
//!
//! A delivery is stored as a row until its function has answered, so it survives a crash. A delivery that fails is
//! tried again after one minute and, if that fails too, after two more, as Lambda does with asynchronous
//! invocations; the template can lower the number of retries. What still fails is logged and kept as a dead letter.

mod deliveries;
mod delivering;
mod pattern;
mod queue;
mod status_changes;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use ambient::Surroundings;
use chrono::{DateTime, SecondsFormat, Utc};
use file_versions::Refused;
use omniflow_tables::{ReliedOn, Tables};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::changes::Changes;
use crate::lambda::Functions;
pub use deliveries::{DeadLetter, Undelivered, Waiting};
use deliveries::{Deliveries, Delivery};
pub use pattern::Pattern;
use queue::Queue;
use template::{Place, Rule};

/// Why the bus failed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Error {
    /// A rule's pattern uses a comparison that isn't supported here.
    #[error("rule {rule}: {problem}")]
    Pattern { rule: String, problem: String },
    /// The deliveries can't be stored.
    #[error("the deliveries can't be stored: {0}")]
    Store(#[from] rusqlite::Error),
    /// The file of the deliveries can't be used.
    #[error("the deliveries: {0}")]
    File(#[from] Refused),
    /// The write-ahead log of the deliveries can't be opened for syncing.
    #[error("the write-ahead log of the deliveries can't be opened: {0}")]
    Log(#[source] std::io::Error),
}

/// Why an entry of PutEvents was refused.
#[derive(Debug)]
pub struct Refusal {
    /// The `ErrorCode` that EventBridge gives.
    pub code: &'static str,
    /// The `ErrorMessage` that EventBridge gives.
    pub message: &'static str,
}

/// One entry of a PutEvents request, before it is checked. The names are those of PutEventsRequestEntry in
/// the Amazon EventBridge API Reference.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Entry {
    /// The name or the ARN of the event bus; the default bus when `None`.
    #[serde(rename = "EventBusName")]
    pub bus: Option<String>,
    /// The service or application that publishes the event.
    pub source: Option<String>,
    /// The type of the event.
    pub detail_type: Option<String>,
    /// The content of the event, the text of a JSON object.
    pub detail: Option<String>,
    /// The ARNs of the resources that the event is about.
    pub resources: Option<Vec<String>>,
}

/// An event that was accepted, with the name of its bus.
struct PutEvent {
    id: String,
    bus: String,
    source: String,
    detail_type: String,
    detail: Value,
    resources: Vec<String>,
}

impl PutEvent {
    /// Accepts an entry, or refuses it as EventBridge does when a member is missing or the detail is not a
    /// JSON object.
    fn new(entry: Entry, surroundings: &Surroundings) -> Result<Self, Refusal> {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let missing = |message| Refusal { code: "InvalidArgument", message };
        let detail = serde_json::from_str(entry.detail.as_deref().unwrap_or_default());
        let detail = detail.ok().filter(Value::is_object);
        let bus = given(entry.bus).unwrap_or_else(|| "default".to_owned());
        // Only AWS's own services publish under this prefix (Amazon EventBridge API Reference,
        // PutEventsResultEntry).
        if entry.source.as_deref().is_some_and(|source| source.starts_with("aws.")) {
            return Err(Refusal {
                code: "NotAuthorizedForSourceException",
                message: "Not authorized for the source.",
            });
        }
        Ok(Self {
            id: surroundings.randomness.uuid_v7(surroundings.clock.now()).to_string(),
            bus: bus.rsplit('/').next().unwrap_or_default().to_owned(),
            source: given(entry.source)
                .ok_or(missing("Parameter Source is not valid. Reason: Source is a required argument."))?,
            detail_type: given(entry.detail_type).ok_or(missing(
                "Parameter DetailType is not valid. Reason: DetailType is a required argument.",
            ))?,
            detail: detail.ok_or(Refusal { code: "MalformedDetail", message: "Detail is malformed." })?,
            resources: entry.resources.unwrap_or_default(),
        })
    }

    fn event(&self, place: &Place, now: DateTime<Utc>) -> Value {
        json!({
            "version": "0",
            "id": self.id,
            "detail-type": self.detail_type,
            "source": self.source,
            "account": place.account,
            "time": now.to_rfc3339_opts(SecondsFormat::Secs, true),
            "region": place.region,
            "resources": self.resources,
            "detail": self.detail,
        })
    }
}

/// The event buses of one runtime. Clones share them.
#[derive(Clone)]
pub struct EventBus(Arc<Inner>);

struct Inner {
    rules: Vec<(Rule, Pattern)>,
    place: Place,
    queue: Mutex<Queue>,
    functions: Functions,
    surroundings: Surroundings,
    waiting: Notify,
    /// Who is told that events were put.
    changes: Changes,
    /// Why deliveries can't be read or written; `None` while they can.
    stuck: Mutex<Option<String>>,
    /// How far the deliveries are safe from power loss; `None` once an fsync has failed, after which nobody knows what
    /// is on the disk, and the next fsync would not tell (PostgreSQL wiki, "Fsync Errors").
    synced: Mutex<Option<u64>>,
    /// By whom they are made safe; see [`EventBus::made_safe_with`].
    safe_with: OnceLock<ReliedOn>,
}

impl EventBus {
    /// Opens buses with these rules, whose deliveries are stored in the file `store`, of the data folder with
    /// this identity if it belongs to one.
    ///
    /// # Errors
    /// When a pattern uses a comparison that isn't supported or the file can't be opened.
    pub fn open(
        rules: Vec<Rule>,
        place: Place,
        store: &Path,
        identity: Option<&str>,
        functions: Functions,
        surroundings: Surroundings,
    ) -> Result<Self, Error> {
        let rules = rules.into_iter().map(|rule| {
            let pattern = Pattern::parse(&rule.pattern)
                .map_err(|problem| Error::Pattern { rule: rule.name.clone(), problem })?;
            Ok((rule, pattern))
        });
        let rules = rules.collect::<Result<_, Error>>()?;
        let queue = Mutex::new(Queue::new(Deliveries::open(store, identity)?));
        Ok(Self(Arc::new(Inner {
            rules,
            place,
            queue,
            functions,
            surroundings,
            waiting: Notify::new(),
            changes: Changes::default(),
            stuck: Mutex::default(),
            synced: Mutex::new(Some(0)),
            safe_with: OnceLock::new(),
        })))
    }

    fn now(&self) -> DateTime<Utc> {
        self.0.surroundings.clock.now()
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes events and delivers each to the functions whose rules match it. Each entry gets an id or is
    /// refused on its own.
    ///
    /// # Errors
    /// When the deliveries can't be stored.
    pub fn put(
        &self,
        entries: impl IntoIterator<Item = Entry>,
    ) -> Result<Vec<Result<String, Refusal>>, Error> {
        let events: Vec<_> =
            entries.into_iter().map(|entry| PutEvent::new(entry, &self.0.surroundings)).collect();
        self.deliver_later(events.iter().flatten())?;
        self.0.changes.note();
        Ok(events.into_iter().map(|event| event.map(|event| event.id)).collect())
    }

    /// A delivery for each event and each rule that it matches.
    fn matched<'a>(&self, events: impl Iterator<Item = &'a PutEvent>) -> Vec<Delivery> {
        let mut matched = Vec::new();
        for put in events {
            let event = put.event(&self.0.place, self.now());
            let rules =
                self.0.rules.iter().filter(|(rule, pattern)| rule.bus == put.bus && pattern.matches(&event));
            matched.extend(rules.map(|(rule, _)| Delivery {
                function: rule.function.clone(),
                event: event.to_string(),
                attempts: 0,
            }));
        }
        matched
    }

    fn deliver_later<'a>(&self, events: impl Iterator<Item = &'a PutEvent>) -> Result<(), Error> {
        let matched = self.matched(events);
        if matched.is_empty() {
            return Ok(());
        }
        // Whoever publishes may note in a table that it is done, before the step that it belongs to is committed.
        self.queue().add(matched, self.now())?;
        if let Some(tables) = self.0.safe_with.get() {
            tables.changed();
        }
        self.0.waiting.notify_one();
        Ok(())
    }

    /// Has whoever waits until all writes of the tables are safe from power loss wait for what was published before as well.
    pub(crate) fn made_safe_with(&self, tables: &Tables) {
        let bus = self.clone();
        // It is called once, when the runtime is assembled.
        let _ = self.0.safe_with.set(tables.rely_on(move || bus.sync().map(drop)));
    }

    /// Makes what has been written so far safe from power loss. Returns how far it has come; 0 when it belongs to no data
    /// folder. It costs nothing when nothing was written since the last time.
    ///
    /// # Errors
    /// When the file system fails. It fails for good, until the deliveries are opened again.
    pub fn sync(&self) -> std::io::Result<u64> {
        let mut synced = self.0.synced.lock().unwrap_or_else(PoisonError::into_inner);
        let before = synced.ok_or_else(|| {
            std::io::Error::other("the deliveries could not be synced; restart the runtime")
        })?;
        let Some(reached) = self.queue().reached() else { return Ok(0) };
        if reached.changes > before {
            *synced = None;
            reached.log.sync_data()?;
            *synced = Some(reached.changes);
        }
        Ok(reached.changes)
    }

    /// How many times the deliveries were written.
    #[cfg(test)]
    pub(crate) fn written(&self) -> u64 {
        self.queue().reached().map_or(0, |reached| reached.changes)
    }

    /// How many of those writes are safe from power loss.
    #[cfg(test)]
    pub(crate) fn synced(&self) -> u64 {
        self.0.synced.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or_default()
    }

    /// Gives back the disk that the log takes, if that is much. It is for quiet times, since what is published
    /// meanwhile waits.
    ///
    /// # Errors
    /// When the log can't be written back.
    pub fn cut_log(&self) -> Result<(), Error> {
        Ok(self.queue().cut_log()?)
    }

    /// Closes the file. Nothing can be published any more.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn close(&self) -> Result<(), Error> {
        Ok(self.queue().close()?)
    }

    /// Why deliveries can't be made, because they can't be read or written; `None` while they can.
    pub fn stuck(&self) -> Option<String> {
        self.0.stuck.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note<T>(&self, done: &rusqlite::Result<T>) {
        let why = done.as_ref().err().map(ToString::to_string);
        *self.0.stuck.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// The deliveries that wait for a retry, and the dead letters: `most` of each at most, the newest first.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn undelivered(&self, most: usize) -> Result<Undelivered, Error> {
        Ok(self.queue().undelivered(most)?)
    }

    /// Where it is told that events were put.
    pub(crate) fn changes(&self) -> Changes {
        self.0.changes.clone()
    }

    /// How many deliveries are stored and wait, and how many dead letters there are.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn counts(&self) -> Result<(u64, u64), Error> {
        Ok(self.queue().counts()?)
    }

    /// Whether no delivery is being made. A failed delivery that waits for its retry doesn't count as one.
    pub fn is_idle(&self) -> bool {
        self.queue().is_idle()
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use ambient::Randomness;
    use futures::future::BoxFuture;
    use omniflow_services::{Fault, Handler};
    use rusqlite::Connection;
    use tokio::sync::mpsc;

    use super::*;
    use crate::lambda::Hosted;
    use crate::lambda::tests::hosted;

    fn open(store: &Path) -> EventBus {
        open_with(Vec::new(), store)
    }

    fn open_with(functions: Vec<Hosted>, store: &Path) -> EventBus {
        let place = Place { region: "us-east-1".to_owned(), account: "000000000000".to_owned() };
        let rules = functions.iter().map(|hosted| Rule {
            name: hosted.function.name.clone(),
            bus: "orders".to_owned(),
            pattern: json!({ "source": ["shop"] }),
            function: hosted.function.name.clone(),
        });
        let rules = rules.collect();
        let functions = Functions::new(functions, None, place.clone(), Randomness::seeded(1));
        EventBus::open(rules, place, store, Some("this"), functions, Surroundings::of_this_machine()).unwrap()
    }

    /// Handles an event by telling its detail, and never ends when that is "slow".
    struct Told(mpsc::UnboundedSender<Value>);

    impl Handler for Told {
        fn handle(&self, event: Value) -> BoxFuture<'_, Result<Value, Fault>> {
            Box::pin(async move {
                self.0.send(event["detail"]["it"].clone()).unwrap();
                if event["detail"]["it"] == "slow" { pending().await } else { Ok(Value::Null) }
            })
        }
    }

    fn told() -> (Hosted, mpsc::UnboundedReceiver<Value>) {
        let (tell, told) = mpsc::unbounded_channel();
        (hosted("Notify", Duration::from_secs(900), Told(tell)), told)
    }

    fn put(bus: &EventBus, it: &str) {
        let text = |text: &str| Some(text.to_owned());
        let entry = Entry {
            bus: text("orders"),
            source: text("shop"),
            detail_type: text("news"),
            detail: Some(json!({ "it": it }).to_string()),
            ..Entry::default()
        };
        assert!(bus.put([entry]).unwrap()[0].is_ok());
    }

    /// What the next process finds when this one is killed now: nothing is written on the way out.
    fn left(store: &Path) -> u64 {
        Deliveries::open(store, None).unwrap().counts().unwrap().0
    }

    #[test]
    fn an_event_that_was_taken_is_there_after_a_crash() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("deliveries.db");
        let bus = open_with(vec![told().0], &store);
        put(&bus, "news");
        assert_eq!(left(&store), 1);
    }

    #[tokio::test]
    async fn a_slow_delivery_keeps_no_other_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let (function, mut told) = told();
        let bus = open_with(vec![function], &folder.path().join("deliveries.db"));
        let delivering = tokio::spawn(bus.clone().deliver());
        put(&bus, "slow");
        assert_eq!(told.recv().await.unwrap(), "slow");
        for event in ["next", "another"] {
            put(&bus, event);
            assert_eq!(told.recv().await.unwrap(), event);
        }
        delivering.abort();
    }

    #[tokio::test]
    async fn deliveries_that_can_not_be_read_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("deliveries.db");
        let bus = open(&store);
        let delivering = tokio::spawn(bus.clone().deliver());
        tokio::task::yield_now().await;
        assert_eq!(bus.stuck(), None);
        delivering.abort();

        Connection::open(&store).unwrap().execute_batch("ALTER TABLE delivery RENAME TO gone").unwrap();
        let delivering = tokio::spawn(bus.clone().deliver());
        tokio::task::yield_now().await;
        assert!(bus.stuck().is_some_and(|why| why.contains("delivery")), "{:?}", bus.stuck());
        delivering.abort();

        Connection::open(&store).unwrap().execute_batch("ALTER TABLE gone RENAME TO delivery").unwrap();
        let delivering = tokio::spawn(bus.clone().deliver());
        tokio::task::yield_now().await;
        assert_eq!(bus.stuck(), None);
        delivering.abort();
    }

    #[test]
    fn what_was_synced_has_been_reached_when_it_is_opened_again_and_closed_it_takes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("deliveries.db");
        let bus = open(&store);
        let reached = bus.sync().unwrap();
        assert_eq!(bus.sync().unwrap(), reached);
        let add = || {
            let delivery = Delivery { function: "Notify".to_owned(), event: "{}".to_owned(), attempts: 0 };
            bus.queue().add(vec![delivery], bus.now())
        };
        add().unwrap();
        assert_eq!(bus.sync().unwrap(), reached + 1);
        bus.close().unwrap();
        assert_eq!(file_versions::Standing::of(&store).unwrap().unwrap().reached, reached + 1);
        add().unwrap_err();
    }
}
