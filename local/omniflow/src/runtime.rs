//! Starts and stops the local runtime: reads the template, opens the data, and runs what the template
//! describes.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ambient::{Clock, Surroundings};
use engine::{
    CreateStateMachine, Engine, JournalError, Options, StateMachineKind, UpdateStateMachine, WritesLost,
};
use futures::future::BoxFuture;
use omniflow_tables::Tables;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::aws::Aws;
use crate::bus::EventBus;
use crate::functions;
use crate::inside::Inside;
use crate::integrations::LocalIntegrations;
use crate::lambda::{Functions, Hosted};
use crate::outbox::{self, Outbox};
use crate::remote::RemoteFunctions;
use crate::server::{self, AccessToken, Bodies, Connections, Listener, Sites};
use crate::{Config, StartError, gateway, private_files, schedule};
use template::{Place, Route, System, Table};

/// The region and the account in all ARNs. AWS's own would be here.
const REGION: &str = "us-east-1";
const ACCOUNT: &str = "000000000000";
/// How often items whose time to live is over are deleted. DynamoDB does it "within a few days" (DynamoDB
/// Developer Guide, "Using time to live (TTL)").
const EXPIRY_SWEEP: Duration = Duration::from_secs(600);
/// The number of connections that may wait to be accepted, so that a thousand buyers who come at once are
/// not turned away.
const BACKLOG: u32 = 4096;
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
    stop: watch::Sender<bool>,
    servers: Vec<JoinHandle<()>>,
    workers: Vec<JoinHandle<()>>,
    _data: Data,
}

/// The data folder and the lock on it. With `--memory` it is a temporary folder, which is deleted at the
/// end.
struct Data {
    path: PathBuf,
    _lock: File,
    _temporary: Option<tempfile::TempDir>,
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
        let system = template::load(&config.template, &config.template_parameters(), &place)
            .map_err(|source| StartError::Template { path: config.template.clone(), source })?;
        check_state_machines(&system)?;
        let token = config.access_token()?;
        if token.as_ref().is_some_and(AccessToken::is_weak) {
            tracing::warn!(
                "the token is weak: use 16 characters or more, such as from `openssl rand -hex 16`"
            );
        }
        check_addresses(&config, token.as_ref())?;
        let routes = routes(&config, &system, token.as_ref(), &place)?;
        let http = listen("--http", config.http)?;
        let aws_listener = listen("--aws", config.aws)?;
        let data = open_data(&config)?;
        let aws = assemble(&config, &system, &place, &data, surroundings, host)?;
        for table in &system.tables {
            create_table(&aws.tables, table)
                .await
                .map_err(|problem| StartError::Data { path: data.path.clone(), problem })?;
        }
        deploy(&aws.engine, &system).await?;
        if system.parameters.get("SeedSampleStock").is_some_and(|seed| seed == "true") {
            seed(&aws.functions).await?;
        }

        let (stop, stopped) = watch::channel(false);
        let (connections, bodies) = (Connections::within_limits(), Bodies::new());
        let sites = Arc::new(Sites::new(config.allowed_hosts.clone()));
        let outbox = server::guarded(outbox::router(aws.outbox.clone(), aws.bus.clone()), token.clone());
        let (functions, tables) = (aws.functions.clone(), aws.tables.clone());
        let router = gateway::router(
            &routes,
            functions,
            tables,
            &place,
            bodies.clone(),
            token.clone(),
            aws.surroundings.clone(),
        )?
        .merge(outbox);
        let router = server::for_own_sites(router, Arc::clone(&sites), Listener::Http);
        let aws_router = server::aws_router(aws.clone(), bodies, token);
        let aws_router = server::for_own_sites(aws_router, sites, Listener::Aws);
        let mut workers = start_workers(&system, &aws, &place);
        workers.push(tokio::spawn(Arc::clone(&connections).close_idle()));
        let runtime = Self {
            http: address(&http, "--http")?,
            aws_address: address(&aws_listener, "--aws")?,
            servers: vec![
                tokio::spawn(server::serve(http, router, Arc::clone(&connections), stopped.clone())),
                tokio::spawn(server::serve(aws_listener, aws_router, connections, stopped)),
            ],
            workers,
            aws,
            stop,
            _data: data,
        };
        Ok(runtime)
    }

    /// Finishes the requests that are running, for which it waits 10 s at most, writes all data to disk, and
    /// stops.
    pub async fn stop(self) {
        // When no server is left to receive this, there is nothing to stop.
        let _ = self.stop.send(true);
        for worker in &self.workers {
            worker.abort();
        }
        let finish = futures::future::join_all(self.servers);
        if tokio::time::timeout(GRACE, finish).await.is_err() {
            tracing::warn!("requests were still running and were cut off");
        }
        let (engine, tables) = (self.aws.engine.clone(), self.aws.tables.clone());
        let closed = tokio::task::spawn_blocking(move || {
            engine.shut_down();
            tables.sync().wait()
        });
        if let Ok(Err(error)) = closed.await {
            tracing::error!(%error, "the tables can't be synced");
        }
    }
}

/// The template's routes. When the server has a token, they are those of the template with closed access:
/// every route needs the token except those that the template leaves open even then (the console's files,
/// the documentation, health).
fn routes(
    config: &Config,
    system: &System,
    token: Option<&AccessToken>,
    place: &Place,
) -> Result<Vec<Route>, StartError> {
    if token.is_none() {
        return Ok(system.routes.clone());
    }
    let closed = template::load(&config.template, &config.parameters_of_closed_access(), place);
    let closed = closed.map_err(|source| StartError::Template { path: config.template.clone(), source })?;
    Ok(closed.routes)
}

fn check_addresses(config: &Config, token: Option<&AccessToken>) -> Result<(), StartError> {
    let beyond = [config.http, config.aws].into_iter().find(|address| !address.ip().is_loopback());
    match beyond {
        Some(address) if token.is_none() => Err(StartError::NeedsToken { address }),
        _ => Ok(()),
    }
}

fn listen(flag: &'static str, address: SocketAddr) -> Result<TcpListener, StartError> {
    let bound = || {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        // As the standard library does: a port in TIME_WAIT can be used again at once.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    bound().map_err(|source| StartError::Address { flag, address, source })
}

fn address(listener: &TcpListener, flag: &'static str) -> Result<SocketAddr, StartError> {
    let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
    listener.local_addr().map_err(|source| StartError::Address { flag, address: unknown, source })
}

fn open_data(config: &Config) -> Result<Data, StartError> {
    let problem = |path: &Path, problem: std::io::Error| StartError::Data {
        path: path.to_owned(),
        problem: problem.to_string(),
    };
    let temporary = if config.memory {
        Some(tempfile::tempdir().map_err(|error| problem(&std::env::temp_dir(), error))?)
    } else {
        None
    };
    let path = temporary.as_ref().map_or(config.data.clone(), |folder| folder.path().to_owned());
    private_files::folder(&path).map_err(|error| problem(&path, error))?;
    let lock = private_files::create(&path.join("lock")).map_err(|error| problem(&path, error))?;
    match lock.try_lock() {
        Ok(()) => Ok(Data { path, _lock: lock, _temporary: temporary }),
        Err(std::fs::TryLockError::WouldBlock) => Err(StartError::DataInUse { path }),
        Err(std::fs::TryLockError::Error(error)) => Err(problem(&path, error)),
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
    let failed = |problem: String| StartError::Data { path: data.path.clone(), problem };
    let database =
        |name| private_files::database(&data.path, name).map_err(|error| failed(error.to_string()));
    let tables = if config.memory { Tables::in_memory() } else { Tables::open(&database("tables.db")?) };
    let tables = tables.map_err(|error| failed(error.to_string()))?;
    let stores = Stores {
        tables,
        journal: database("journal.db")?,
        deliveries: database("deliveries.db")?,
        durable: !config.memory,
    };
    let remote = config.lambda_endpoint.clone().map(RemoteFunctions::at);
    let inside = Inside::new(stores.tables.clone(), surroundings.clone());
    let hosted = host(system, place, &inside)?;
    let functions = Functions::new(hosted, remote, place.clone(), surroundings.randomness.clone());
    let (aws, _) = connect(system, place, stores, surroundings, inside, functions, |options, services| {
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
    let Stores { tables, journal, deliveries, durable } = stores;
    let failed = |problem: String| StartError::Data { path: journal.clone(), problem };
    let bus = EventBus::open(
        system.rules.clone(),
        place.clone(),
        &deliveries,
        functions.clone(),
        surroundings.clone(),
    )?;
    let (synced, flushed, listening) = (tables.clone(), bus.clone(), bus.clone());
    let options = Options {
        journal: journal.clone(),
        durable,
        region: place.region.clone(),
        account: place.account.clone(),
        clock: Arc::clone(&surroundings.clock),
        randomness: surroundings.randomness.clone(),
        before_commit: Box::new(move || {
            let (syncing, flushed) = (synced.sync(), flushed.flush());
            Box::new(move || {
                flushed.map_err(std::io::Error::other)?;
                // The tables sync never again after a failure (`Syncing::done`).
                syncing.wait().map_err(|error| std::io::Error::other(WritesLost(error.into())))
            })
        }),
        status_changes: Box::new(listening),
    };
    let mut assembled = None;
    let opened = open(options, &mut |engine| {
        let aws = Aws {
            tables: tables.clone(),
            engine,
            bus: bus.clone(),
            functions: functions.clone(),
            outbox: Outbox::default(),
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

pub(crate) async fn create_table(tables: &Tables, table: &Table) -> Result<(), String> {
    let name = json!({ "TableName": table.name }).to_string();
    if tables.answer("DescribeTable", name.into()).await.status == 200 {
        return Ok(());
    }
    let answer = tables.answer("CreateTable", table.create.to_string().into()).await;
    if answer.status != 200 {
        return Err(format!("the table {} can't be made: {}", table.name, answer.body));
    }
    if let Some(attribute) = &table.time_to_live {
        let specification = json!({
            "TableName": table.name,
            "TimeToLiveSpecification": { "AttributeName": attribute, "Enabled": true },
        });
        tables.answer("UpdateTimeToLive", specification.to_string().into()).await;
    }
    Ok(())
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

fn start_workers(system: &System, aws: &Aws, place: &Place) -> Vec<JoinHandle<()>> {
    workers(system, aws, place).into_iter().map(tokio::spawn).collect()
}

/// What goes on beside the requests, for as long as the runtime runs: the bus makes its deliveries, items
/// expire, and the schedules call their functions.
pub(crate) fn workers(system: &System, aws: &Aws, place: &Place) -> Vec<BoxFuture<'static, ()>> {
    let mut workers: Vec<BoxFuture<'static, ()>> = vec![
        Box::pin(aws.bus.clone().deliver()),
        Box::pin(sweep_expired(aws.tables.clone(), Arc::clone(&aws.surroundings.clock))),
    ];
    for schedule in &system.schedules {
        workers.push(Box::pin(schedule::run(
            schedule.clone(),
            aws.functions.clone(),
            place.clone(),
            aws.surroundings.clone(),
        )));
    }
    workers
}

async fn sweep_expired(tables: Tables, clock: Arc<dyn Clock>) {
    loop {
        tokio::time::sleep(EXPIRY_SWEEP).await;
        if let Err(error) = tables.sweep_expired(clock.now()).await {
            tracing::warn!(%error, "expired items can't be deleted");
        }
    }
}
