//! The runtime without servers and threads, for programs that decide themselves what happens when: its
//! services are those of [`Runtime`](crate::Runtime), and nothing happens in them but while the caller polls
//! the futures that it gets. With tokio's clock paused, all of it runs on virtual time.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ambient::{Clock, Surroundings};
use engine::{BeforeCommit, Driver, Engine, Integrations};
use futures::future::BoxFuture;
use omniflow_tables::Tables;

use crate::StartError;
use crate::aws::Aws;
use crate::deployment;
use crate::inside::Inside;
use crate::integrations::LocalIntegrations;
use crate::lambda::{Functions, Hosted};
use crate::metrics::Metrics;
use crate::runtime::{self, Stores};
use template::{Place, System};

/// What such a runtime is made of.
pub struct Parts<'a> {
    /// The system that the template describes.
    pub system: &'a System,
    /// The region and the account in all ARNs.
    pub place: &'a Place,
    /// The tables, which may be those of a runtime that ended.
    pub tables: Tables,
    /// The file of the journal. What an earlier runtime left in it is gone on with.
    pub journal: PathBuf,
    /// The file of the deliveries, likewise. Both may be databases in memory that a URI names, such as
    /// `file:name?mode=memory&cache=shared`; the caller then keeps them alive by a connection of its own.
    pub deliveries: PathBuf,
    /// How long an execution that has ended is kept, with its history.
    pub retention: Duration,
    /// The clock and the randomness of all services.
    pub surroundings: Surroundings,
    /// The clock that the engine reads, by which waits end.
    pub engine_clock: Arc<dyn Clock>,
    /// How many invocations of one function run at the same time; [`AT_ONCE`](crate::lambda::AT_ONCE) by itself.
    pub at_once: usize,
}

/// What a caller puts between the services. Each function gets what the runtime would use by itself.
pub struct Seams<Host, Calls, Commit>
where
    Host: FnOnce(&Inside) -> Result<Vec<Hosted>, StartError>,
    Calls: FnOnce(LocalIntegrations) -> Arc<dyn Integrations>,
    Commit: FnOnce(BeforeCommit) -> BeforeCommit,
{
    /// Makes the functions of the services that they call.
    pub host: Host,
    /// Takes the place of the calls of Task states.
    pub calls: Calls,
    /// Takes the place of what each commit of the journal waits for.
    pub commit: Commit,
}

/// A runtime that its caller drives.
pub struct Driven {
    /// The services.
    pub aws: Aws,
    /// What commits the executions' progress; its future must be polled before anything of the engine is
    /// awaited.
    pub driver: Driver,
}

/// Opens a runtime.
///
/// # Errors
/// See [`StartError`].
pub fn open<Host, Calls, Commit>(
    parts: Parts<'_>,
    seams: Seams<Host, Calls, Commit>,
) -> Result<Driven, StartError>
where
    Host: FnOnce(&Inside) -> Result<Vec<Hosted>, StartError>,
    Calls: FnOnce(LocalIntegrations) -> Arc<dyn Integrations>,
    Commit: FnOnce(BeforeCommit) -> BeforeCommit,
{
    let Parts { system, place, tables, journal, deliveries, retention, surroundings, engine_clock, at_once } =
        parts;
    deployment::check_state_machines(system)?;
    let stores = Stores {
        tables: tables.clone(),
        journal,
        deliveries,
        durable: false,
        folder: None,
        metrics: Metrics::default(),
    };
    let inside = Inside::new(tables, surroundings.clone());
    let hosted = (seams.host)(&inside)?;
    let functions =
        Functions::with_places(hosted, None, place.clone(), surroundings.randomness.clone(), at_once);
    let (aws, (_, driver)) =
        runtime::connect(system, place, stores, surroundings, inside, functions, |mut options, services| {
            options.clock = engine_clock;
            options.retention = retention;
            options.before_commit = (seams.commit)(options.before_commit);
            Engine::open_driven(options, |engine| (seams.calls)(LocalIntegrations::new(services(engine))))
        })?;
    Ok(Driven { aws, driver })
}

/// Makes the template's tables where they are missing.
///
/// # Errors
/// [`StartError::Table`].
pub async fn create_tables(system: &System, tables: &Tables) -> Result<(), StartError> {
    for table in &system.tables {
        deployment::create_table(tables, table).await?;
    }
    Ok(())
}

/// Makes the template's state machines where they are missing, and gives them the definitions of the
/// template. The driver must be running.
///
/// # Errors
/// [`StartError::StateMachine`].
pub async fn deploy(system: &System, aws: &Aws) -> Result<(), StartError> {
    deployment::deploy(&aws.engine, system).await
}

/// Writes the samples, if the template's parameter says so.
///
/// # Errors
/// [`StartError::Seed`].
pub async fn seed(system: &System, aws: &Aws) -> Result<(), StartError> {
    match system.parameters.get("SeedSampleStock").is_some_and(|seed| seed == "true") {
        true => deployment::seed(&aws.functions).await,
        false => Ok(()),
    }
}

/// What goes on beside the requests: deliveries of events, items that expire, schedules. None of the futures
/// ends by itself.
pub fn workers(system: &System, aws: &Aws, place: &Place) -> Vec<BoxFuture<'static, ()>> {
    runtime::workers(system, aws, place)
}
