//! Starts and stops the local runtime: reads the template, opens the data, and runs what the template
//! describes.

mod entrances;
mod workers;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use ambient::Surroundings;
use engine::{Engine, JournalError, Options};
use futures::future::FutureExt as _;
use omniflow_tables::Tables;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::aws::Aws;
use crate::bus::EventBus;
use crate::data::{self, Data};
use crate::folder::{DataFolder, Database};
use crate::functions;
use crate::inside::Inside;
use crate::integrations::LocalIntegrations;
use crate::lambda::{Functions, Hosted};
use crate::metrics::{self, Metrics};
use crate::outbox::{self, Outbox};
use crate::remote::RemoteFunctions;
use crate::server::{self, AccessToken, Answers, Bodies, Connections, Detached, Door, Listener, Load, Sites};
use crate::{Config, StartError, changes, deployment, gateway, health};
use entrances::{address, check_addresses, identity, listen, routes};
use template::{Place, System};
use workers::Workers;
pub(crate) use workers::workers;

/// The region and the account in all ARNs. AWS's own would be here.
const REGION: &str = "us-east-1";
const ACCOUNT: &str = "000000000000";
/// How long a stop waits for requests that are still running.
const GRACE: Duration = Duration::from_secs(10);

/// A running system. Dropping it doesn't stop it; [`Runtime::stop`] does.
pub struct Runtime {
    /// The address at which the HTTP API listens.
    pub http: SocketAddr,
    /// The address at which the AWS API listens.
    pub aws_address: SocketAddr,
    /// The services behind the AWS API.
    pub aws: Aws,
    /// Whether callers of the HTTP API sign in at an issuer.
    pub asks_issuer: bool,
    stop: watch::Sender<bool>,
    servers: Vec<JoinHandle<()>>,
    workers: Workers,
    /// The requests that are being answered, also those whose clients have hung up.
    under_way: Detached,
    data: Data,
}

fn load(config: &Config, place: &Place) -> Result<System, StartError> {
    template::load(&config.template, &config.template_parameters(), place)
        .map_err(|source| StartError::Template { path: config.template.clone(), source })
}

impl Runtime {
    /// Starts the system. When this returns, requests are served.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let here = Surroundings::of_this_machine();
        Self::start_hosting(config, here, |system, place, inside| {
            functions::host(system, &inside.clients(place))
        })
        .await
    }

    /// As [`Runtime::start`], but with the functions that `host` makes from the template, and with this
    /// clock and randomness. It is for callers that want to watch what functions do or to move the time.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start_hosting(
        config: Config,
        surroundings: Surroundings,
        host: impl FnOnce(&System, &Place, &Inside) -> Result<Vec<Hosted>, StartError>,
    ) -> Result<Self, StartError> {
        let place = Place { region: REGION.to_owned(), account: ACCOUNT.to_owned() };
        let system = load(&config, &place)?;
        deployment::check_state_machines(&system)?;
        let token = config.access_token()?;
        if token.as_ref().is_some_and(AccessToken::is_weak) {
            tracing::warn!(
                "the token is weak: use 16 characters or more, such as from `openssl rand -hex 16`"
            );
        }
        let identity = identity(&system, &surroundings)?;
        check_addresses(&config, token.as_ref(), identity.as_ref())?;
        let routes = routes(&config, &system, token.as_ref(), &place)?;
        let door = Door { token: token.clone(), identity };
        let asks_issuer = door.identity.is_some();
        let http = listen("--http", config.http)?;
        // Warehouses are told where the API is, also when the system chooses the port.
        let (config, system) = match config.http.port() {
            0 => {
                let config = Config { http: address(&http, "--http")?, ..config };
                let system = load(&config, &place)?;
                (config, system)
            }
            _ => (config, system),
        };
        let aws_listener = listen("--aws", config.aws)?;
        let data = Data::open(&config, &surroundings)?;
        let aws = assemble(&config, &system, &place, &data, surroundings, host)?;
        if let Data::Kept(folder) = &data {
            metrics::load(folder.path(), &aws.metrics);
            let problem = |error: std::io::Error| StartError::Data {
                path: config.data.clone(),
                problem: format!("the files can't be synced: {error}"),
            };
            folder.sync_names().map_err(problem)?;
            data::note_deliveries_once(folder, &aws.bus, 0).map_err(problem)?;
        }
        for table in &system.tables {
            deployment::create_table(&aws.tables, table).await?;
        }
        deployment::deploy(&aws.engine, &system).await?;
        if system.parameters.get("SeedSampleStock").is_some_and(|seed| seed == "true") {
            deployment::seed(&aws.functions).await?;
        }

        let (stop, stopped) = watch::channel(false);
        let connections = Connections::within_limits();
        let load = Load {
            bodies: Bodies::new(),
            answers: Answers::new(Arc::clone(&connections)),
            under_way: Detached::default(),
        };
        let sites = Arc::new(Sites::new(config.further_hosts()));
        let own = outbox::router(aws.outbox.clone(), aws.bus.clone());
        let own = own.merge(changes::router(aws.bus.changes(), stopped.clone()));
        let own = server::guarded(own, door.clone());
        let (functions, tables) = (aws.functions.clone(), aws.tables.clone());
        let router = gateway::router(
            &routes,
            functions,
            tables,
            &place,
            load.clone(),
            door,
            aws.surroundings.clone(),
        )?
        .merge(own);
        let router = health::told_by(aws.clone(), router);
        let router = server::for_own_sites(router, Arc::clone(&sites), Listener::Http);
        let under_way = load.under_way.clone();
        let load = Load { answers: load.answers.with_own_places(), ..load };
        let aws_router = server::aws_router(aws.clone(), load, token);
        let aws_router = server::for_own_sites(aws_router, sites, Listener::Aws);
        let mut running = Workers::new();
        running.start(workers(&system, &aws, &place));
        running.start([aws.bus.clone().forget_dead_letters(config.retention()).boxed()]);
        if let Data::Kept(folder) = &data {
            running.start(data::tend(folder, &aws));
        }
        running.start([Arc::clone(&connections).close_idle().boxed()]);
        let runtime = Self {
            http: address(&http, "--http")?,
            aws_address: address(&aws_listener, "--aws")?,
            servers: vec![
                tokio::spawn(server::serve(http, router, Arc::clone(&connections), stopped.clone())),
                tokio::spawn(server::serve(aws_listener, aws_router, connections, stopped)),
            ],
            workers: running,
            under_way,
            aws,
            asks_issuer,
            stop,
            data,
        };
        Ok(runtime)
    }

    /// Finishes the requests that are running, for which it waits 10 s at most, writes all data to disk, and
    /// stops.
    pub async fn stop(self) {
        // When no server is left to receive this, there is nothing to stop.
        let _ = self.stop.send(true);
        self.workers.abort();
        let under_way = self.under_way;
        let finish = async {
            futures::future::join_all(self.servers).await;
            under_way.finished().await;
        };
        if tokio::time::timeout(GRACE, finish).await.is_err() {
            tracing::warn!("requests were still running and were cut off");
        }
        let (aws, data) = (self.aws, self.data);
        let closed = tokio::task::spawn_blocking(move || {
            aws.engine.shut_down();
            aws.bus.close().map_err(std::io::Error::other)?;
            aws.tables.close()?;
            match data {
                Data::Kept(folder) => {
                    if let Err(error) = metrics::keep_once(folder.path(), &aws.metrics) {
                        tracing::warn!(%error, "the metrics can't be kept");
                    }
                    folder.seal()
                }
                Data::Temporary(_) => Ok(()),
            }
        });
        if let Ok(Err(error)) = closed.await {
            tracing::error!(%error, "the data can't be closed well: the next start checks it as after a crash");
        }
    }

    /// Returns, with the reason, when this process can't do its work any more and a new one could; otherwise
    /// never. The process should end then, so that its supervisor starts it again.
    pub async fn broken(&self) -> String {
        tokio::select! {
            why = health::broken(&self.aws) => why,
            () = self.workers.crashed() => {
                "a part of it has crashed that must run all the time; the log has the panic".to_owned()
            }
        }
    }
}

fn assemble(
    config: &Config,
    system: &System,
    place: &Place,
    data: &Data,
    surroundings: Surroundings,
    host: impl FnOnce(&System, &Place, &Inside) -> Result<Vec<Hosted>, StartError>,
) -> Result<Aws, StartError> {
    let failed = |problem: String| StartError::Data { path: config.data.clone(), problem };
    let database = |database| data.database(database).map_err(|error| failed(error.to_string()));
    let identity = data.identity();
    let tables = match &identity {
        Some(identity) => Tables::open_in_folder(&database(Database::Tables)?, identity),
        None => Tables::in_memory(),
    };
    let tables = tables.map_err(|error| failed(error.to_string()))?;
    let stores = Stores {
        tables,
        journal: database(Database::Journal)?,
        deliveries: database(Database::Deliveries)?,
        durable: !config.memory,
        folder: match data {
            Data::Kept(folder) => Some(Arc::clone(folder)),
            Data::Temporary(_) => None,
        },
        metrics: config.metrics.clone(),
    };
    let inside = Inside::new(stores.tables.clone(), surroundings.clone());
    let hosted = host(system, place, &inside)?;
    let remote = config.lambda_endpoint.clone().map(RemoteFunctions::at);
    let functions = Functions::new(hosted, remote, place.clone(), surroundings.randomness.clone());
    let (aws, _) =
        connect(system, place, stores, surroundings, inside, functions, |mut options, services| {
            options.retention = config.retention();
            Engine::open(options, |engine| Arc::new(LocalIntegrations::new(services(engine))))
        })?;
    Ok(aws)
}

/// Where the services of one runtime keep what they know.
pub(crate) struct Stores {
    pub(crate) tables: Tables,
    pub(crate) journal: PathBuf,
    pub(crate) deliveries: PathBuf,
    /// Whether what the journal commits survives power loss.
    pub(crate) durable: bool,
    /// The data folder that all of them lie in; `None` when they needn't know each other again.
    pub(crate) folder: Option<Arc<DataFolder>>,
    /// What the functions count.
    pub(crate) metrics: Metrics,
}

/// Connects the services with each other. `open` opens the engine; it gets the engine's options, and a
/// function that makes of the engine the services which its integrations call.
pub(crate) fn connect<Opened>(
    system: &System,
    place: &Place,
    stores: Stores,
    surroundings: Surroundings,
    inside: Inside,
    functions: Functions,
    open: impl FnOnce(Options, &mut dyn FnMut(Engine) -> Aws) -> Result<Opened, JournalError>,
) -> Result<(Aws, Opened), StartError> {
    let Stores { tables, journal, deliveries, durable, folder, metrics } = stores;
    let failed =
        |problem: String| StartError::Data { path: journal.parent().unwrap_or(&journal).to_owned(), problem };
    let identity = folder.as_ref().map(|folder| folder.identity());
    let bus = EventBus::open(
        system.rules.clone(),
        place.clone(),
        &deliveries,
        identity.as_deref(),
        functions.clone(),
        surroundings.clone(),
    )?;
    // An order notes in a table that its events were published, and is asked for them never again.
    bus.made_safe_with(&tables);
    let relied_on = Arc::new(AtomicU64::new(0));
    let options = Options {
        durable,
        region: place.region.clone(),
        account: place.account.clone(),
        clock: Arc::clone(&surroundings.clock),
        randomness: surroundings.randomness.clone(),
        before_commit: data::before_commit(&tables, &relied_on),
        status_changes: Box::new(bus.clone()),
        folder: folder.map(|folder| data::in_folder(&folder, &tables, relied_on)),
        ..Options::at(journal.clone())
    };
    let mut assembled = None;
    let opened = open(options, &mut |engine| {
        let aws = Aws {
            tables: tables.clone(),
            engine,
            bus: bus.clone(),
            functions: functions.clone(),
            outbox: Outbox::default(),
            metrics: metrics.clone(),
            surroundings: surroundings.clone(),
        };
        inside.open(aws.clone());
        assembled = Some(aws.clone());
        aws
    })
    .map_err(|error| failed(error.to_string()))?;
    let aws = assembled.ok_or_else(|| failed("the engine did not start".to_owned()))?;
    Ok((aws, opened))
}
