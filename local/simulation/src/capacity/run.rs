//! One run within quotas: so many customers, who all pay, and no faults. What is late or lost is so because of the quotas.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use omniflow::driven;
use omniflow_domain::Status;
use template::{Parameters, System};
use tokio::task::LocalSet;
use tokio::time::{sleep, sleep_until, timeout};

pub use super::shop::Products;

use super::customer::{self, Visit, Wish};
use super::report::{Report, Visits};
use super::shop::{self, Shelf};
use super::{Capacity, Quotas, Times};
use crate::dice::Dice;
use crate::front::Front;
use crate::process::place;
use crate::profile::Profile;
use crate::provider::Provider;
use crate::rest;
use crate::run::Error;
use crate::stores::Stores;
use crate::world::World;

/// How often it is looked whether everything rests.
const CHECK: Duration = Duration::from_secs(30);
/// How long what follows the last order may take: events, messages and payment windows that were left open.
const AFTERWARDS: Duration = Duration::from_secs(3 * 3600);
/// The parameter of the template for the requests a second that the API takes.
const REQUESTS: &str = "RequestsASecond";

/// What a run is to do.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The seed, which decides everything that happens.
    pub seed: u64,
    /// How many customers come.
    pub orders: u64,
    /// How many of them come in a second, on average.
    pub rate: f64,
    /// What they buy.
    pub products: Products,
    /// The pieces of each product; enough for all customers when `None`.
    pub pieces: Option<u64>,
    /// The share of the orders that bring their payment.
    pub prepaid: f64,
    /// What the account may do.
    pub quotas: Quotas,
    /// How long everything may take after the last customer has come.
    pub to_rest: Duration,
}

/// The system that the template describes, in an account with so many times the quotas that are usual: whoever asks AWS for
/// more has the API let more requests through, too.
///
/// # Errors
/// When the template can't be read.
pub fn system(times: u32, parameters: &[(String, String)]) -> Result<System, Error> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    let load = |given: BTreeMap<String, String>| {
        template::load(&path, &Parameters { given, ..Parameters::default() }, &place())
    };
    let given = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut parameters: BTreeMap<_, _> = parameters.iter().cloned().collect();
    parameters.extend([given("NotificationSender", "orders@omniflow.example")]);
    let usual = load(parameters.clone())?;
    let requests = requests(&usual) * f64::from(times);
    parameters.insert(REQUESTS.to_owned(), requests.to_string());
    Ok(load(parameters)?)
}

/// The requests a second that the stage lets through to the routes of customers.
fn requests(system: &System) -> f64 {
    let given = system.parameters.get(REQUESTS).and_then(|requests| requests.parse().ok());
    given.unwrap_or(f64::INFINITY)
}

/// Makes a run.
///
/// # Errors
/// When it can't be made.
pub fn run(settings: &Settings, system: &System) -> Result<Report, Error> {
    let began = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.map_err(Error::Runtime)?;
    let report = runtime.block_on(LocalSet::new().run_until(simulate(settings, system)));
    report.map(|report| Report { real_time: began.elapsed(), ..report })
}

async fn simulate(settings: &Settings, system: &System) -> Result<Report, Error> {
    let stores = Stores::new(settings.orders, false)?;
    let tables = stores.tables()?;
    driven::create_tables(system, &tables).await?;
    let profile = Profile::load("none").map_err(|error| Error::Stock(error.to_string()))?;
    let mut world = World::new(settings.seed, profile, None, Provider::Simulated, tables, false);
    let routes = (requests(system), requests(system));
    world.trace.keep_no_lines();
    world.capacity = Some(Capacity::new(settings.seed, &settings.quotas, system, routes, world.clock));
    world.books(|books| books.times = Some(Times::default()));
    let world = Arc::new(world);
    let front = Rc::new(Front::new(Arc::clone(&world), Rc::new(system.clone()), stores));
    let pieces = settings.pieces.unwrap_or(settings.orders.max(1) * 3);
    shop::stock(&world, system, settings.products, pieces).await?;
    front.start().await?;
    let mut visits = Visits::default();
    tokio::select! {
        biased;
        () = world.alarm.notified() => {}
        () = live(settings, &front, &world, &mut visits) => {}
    }
    let report = Report::new(settings, &world, visits);
    front.kill().await;
    Ok(report)
}

/// Lets the customers come and everything settle.
async fn live(settings: &Settings, front: &Rc<Front>, world: &Arc<World>, visits: &mut Visits) {
    let (checked, checking) = (Rc::clone(front), Arc::clone(world));
    let checks = tokio::task::spawn_local(async move {
        loop {
            sleep(CHECK).await;
            rest::check_the_ended(&checked, &checking).await;
        }
    });
    let end = customers(settings, front, world, visits).await + settings.to_rest;
    let under_way = || {
        let waits = |status: Status| !status.is_final() && status != Status::NeedsAttention;
        world.books(|books| books.orders().any(|(_, entry)| waits(entry.order.status())))
    };
    while under_way() && world.clock.elapsed() < end {
        sleep(CHECK).await;
    }
    visits.settled = world.clock.elapsed();
    if under_way() {
        return;
    }
    let needs_attention =
        world.books(|books| books.orders().any(|(_, entry)| entry.order.status() == Status::NeedsAttention));
    let end = visits.settled + AFTERWARDS;
    while !needs_attention && !rest::everything_rests(front, world, false).await {
        if world.clock.elapsed() > end {
            rest::everything_rests(front, world, true).await;
            break;
        }
        sleep(CHECK).await;
    }
    checks.abort();
}

/// Lets the customers come, and waits until all have gone home, or for as long as everything may take. Gives the time at
/// which the last has come.
async fn customers(
    settings: &Settings,
    front: &Rc<Front>,
    world: &Arc<World>,
    visits: &mut Visits,
) -> Duration {
    let (shelf, mut dice) = (Shelf::of(settings.products), Dice::new(world.seed, "arrivals", 0));
    let begun = tokio::time::Instant::now();
    let (mut at, mut shopping) = (0.0, tokio::task::JoinSet::new());
    let mut gone = |visit: Result<Visit, _>| {
        if let Ok(visit) = visit {
            visits.add(visit);
        }
    };
    for number in 0..settings.orders {
        // Customers know nothing of each other, so that the times between them are distributed exponentially.
        at -= (1.0 - dice.fraction()).ln() / settings.rate;
        sleep_until(begun + Duration::from_secs_f64(at)).await;
        let wish =
            Wish { number, product: shelf.choose(&mut dice), is_prepaid: dice.chance(settings.prepaid) };
        shopping.spawn_local(customer::shop(Rc::clone(front), Arc::clone(world), wish));
        while let Some(visit) = shopping.try_join_next() {
            gone(visit);
        }
    }
    let last = world.clock.elapsed();
    let all_gone = async {
        while let Some(visit) = shopping.join_next().await {
            gone(visit);
        }
    };
    // Who is there after that waits for an order that comes to no end.
    let _ = timeout(settings.to_rest, all_gone).await;
    last
}
