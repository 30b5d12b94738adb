//! The data of a running system: where it is, and what keeps its databases and their manifest in step.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use ambient::Surroundings;
use engine::{BeforeCommit, WritesLost};
use futures::future::{BoxFuture, FutureExt as _};
use omniflow_tables::Tables;
use tempfile::TempDir;

use crate::aws::Aws;
use crate::bus::EventBus;
use crate::control::Control;
use crate::folder::{DataFolder, Database};
use crate::{Config, StartError, health, metrics, private_files};

/// How often it is written down how far the deliveries have come. Files of deliveries that are older by less than this are
/// not recognised.
const NOTED_EVERY: Duration = Duration::from_secs(1);

/// The time after which it is asked whether the tables were quiet.
const QUIET_AFTER: Duration = Duration::from_secs(10);
/// The most groups of writes in that time that count as quiet.
const QUIET: u64 = 100;

/// Where the data is. With `--memory` it is a temporary folder, which is deleted at the end.
#[derive(Clone)]
pub(crate) enum Data {
    Kept(Arc<DataFolder>),
    Temporary(Arc<TempDir>),
}

impl Data {
    pub(crate) fn open(config: &Config, surroundings: &Surroundings) -> Result<Self, StartError> {
        if !config.memory {
            let folder = DataFolder::open(&config.data, &surroundings.randomness)?;
            return Ok(Self::Kept(Arc::new(folder)));
        }
        let made = tempfile::tempdir();
        let problem = |error: std::io::Error| StartError::Data {
            path: std::env::temp_dir(),
            problem: error.to_string(),
        };
        Ok(Self::Temporary(Arc::new(made.map_err(problem)?)))
    }

    pub(crate) fn identity(&self) -> Option<String> {
        match self {
            Self::Kept(folder) => Some(folder.identity()),
            Self::Temporary(_) => None,
        }
    }

    pub(crate) fn database(&self, database: Database) -> std::io::Result<PathBuf> {
        match self {
            Self::Kept(folder) => folder.database(database),
            Self::Temporary(folder) => private_files::database(folder.path(), database.file()),
        }
    }
}

/// What goes on beside the requests for a data folder: it keeps the folder's manifest up to date, and answers at its
/// control socket.
pub(crate) fn tend(folder: &Arc<DataFolder>, aws: &Aws) -> Vec<BoxFuture<'static, ()>> {
    let mut workers = vec![
        note_deliveries(Arc::clone(folder), aws.bus.clone()).boxed(),
        health::probe(aws.tables.clone()).boxed(),
        cut_logs_in_quiet_times(aws.tables.clone(), aws.bus.clone()).boxed(),
        metrics::keep(folder.path().to_owned(), aws.metrics.clone()).boxed(),
    ];
    match Control::listen(folder.path()) {
        Ok(control) => workers.push(control.serve(aws.tables.clone(), folder.identity()).boxed()),
        Err(error) => tracing::warn!(%error, "no control socket: no backups can be made while this runs"),
    }
    workers
}

/// Has tables and deliveries give back the disk of their logs, until the task is aborted, whenever the tables were quiet
/// for a while. Deliveries only come with writes of the tables.
async fn cut_logs_in_quiet_times(tables: Tables, bus: EventBus) {
    loop {
        let before = tables.groups();
        tokio::time::sleep(QUIET_AFTER).await;
        if tables.groups() - before > QUIET {
            continue;
        }
        if let Err(error) = tables.cut_log().await {
            tracing::warn!(%error, "the log of the tables stays as long as it is");
        }
        let bus = bus.clone();
        match tokio::task::spawn_blocking(move || bus.cut_log()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the log of the deliveries stays as long as it is"),
            // The process is stopping.
            Err(_) => return,
        }
    }
}

/// Writes down, until the task is aborted, how far the deliveries have come.
async fn note_deliveries(folder: Arc<DataFolder>, bus: EventBus) {
    let mut reached = 0;
    loop {
        let (folder, bus) = (Arc::clone(&folder), bus.clone());
        let noted = tokio::task::spawn_blocking(move || note_deliveries_once(&folder, &bus, reached));
        match noted.await {
            Ok(Ok(now)) => reached = now,
            Ok(Err(error)) => tracing::error!(%error, "the deliveries can't be synced"),
            // The process is stopping.
            Err(_) => return,
        }
        tokio::time::sleep(NOTED_EVERY).await;
    }
}

/// Writes down how far the deliveries have come, if that is further than `before`, and returns it.
pub(crate) fn note_deliveries_once(folder: &DataFolder, bus: &EventBus, before: u64) -> std::io::Result<u64> {
    let now = bus.sync()?;
    if now > before {
        folder.reached(&[(Database::Deliveries, now)]);
    }
    Ok(now)
}

/// Makes durable, before each commit of the journal, what it relies on, and notes in `relied_on` how far the
/// tables had come.
pub(crate) fn before_commit(tables: &Tables, relied_on: &Arc<AtomicU64>) -> BeforeCommit {
    let (tables, relied_on) = (tables.clone(), Arc::clone(relied_on));
    Box::new(move || {
        let syncing = tables.sync();
        let relied_on = Arc::clone(&relied_on);
        Box::new(move || {
            // The tables sync never again after a failure (`Syncing::done`).
            let reached = syncing.wait().map_err(|error| std::io::Error::other(WritesLost(error.into())))?;
            relied_on.store(reached, Relaxed);
            Ok(reached)
        })
    })
}

/// Tells the folder and the tables, after each commit of the journal, how far it has come.
pub(crate) fn in_folder(
    folder: &Arc<DataFolder>,
    tables: &Tables,
    relied_on: Arc<AtomicU64>,
) -> engine::Folder {
    let (kept, tables) = (Arc::clone(folder), tables.clone());
    engine::Folder {
        identity: folder.identity(),
        after_commit: Box::new(move |commit| {
            tables.journal_reached(commit);
            kept.reached(&[(Database::Tables, relied_on.load(Relaxed)), (Database::Journal, commit)]);
        }),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use serde_json::json;

    use super::*;
    use crate::Runtime;
    use crate::bus::Entry;
    use crate::config::Cli;

    /// An order notes in a table that its event was published, and is not asked for it again: a power failure must not take
    /// the event alone.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_was_published_is_safe_before_the_tables_say_so() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let anywhere = "127.0.0.1:0";
        let arguments = ["omniflow", "--data", data.to_str().unwrap(), "--http", anywhere, "--aws", anywhere];
        let runtime = Runtime::start(Cli::try_parse_from(arguments).unwrap().config).await.unwrap();
        let Aws { bus, tables, .. } = runtime.aws.clone();
        let text = |text: &str| Some(text.to_owned());
        let completed = Entry {
            bus: text("OrderBus"),
            source: text("omniflow.orders"),
            detail_type: text("Order Status Changed"),
            detail: Some(json!({ "order_id": "ORD-1", "state": "COMPLETED" }).to_string()),
            ..Entry::default()
        };
        let stored = bus.written();
        assert!(bus.put([completed.clone()]).unwrap()[0].is_ok());
        assert!(bus.written() > stored, "a rule of the template takes it");
        let published = bus.written();
        tables.synced().await.unwrap();
        assert!(bus.synced() >= published, "before anything else is written");

        assert!(bus.put([completed]).unwrap()[0].is_ok());
        let published = bus.written();
        tables.probe().await;
        assert!(bus.synced() >= published, "with the next write");
        runtime.stop().await;
    }
}
