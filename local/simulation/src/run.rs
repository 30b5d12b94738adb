//! One run: a seed, so many orders, a profile of faults.

use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use omniflow::{StartError, driven};
use omniflow_domain::Currency;
use omniflow_domain::catalogue::{SAMPLES, WAREHOUSES};
use serde_json::{Value, json};
use template::{Parameters, System};
use tokio::task::LocalSet;
use tokio::time::sleep;

use crate::dice::Dice;
use crate::front::Front;
use crate::happenings;
use crate::people::customer::PAYMENT_WINDOW;
use crate::people::{bank, clerk, customer, desk, operator, reviewer, warehouse};
use crate::planted::Planted;
use crate::process::place;
use crate::profile::Profile;
use crate::provider::Provider;
use crate::report::Report;
use crate::rest;
use crate::seams::stripe::SECRET as STRIPE_SECRET;
use crate::seams::warehouses::{SECRET_NAME, WAREHOUSE};
use crate::stores::Stores;
use crate::world::World;

/// How often the orders that have ended are checked.
const CHECK: Duration = Duration::from_secs(60);

/// After how many customers it is told that they have come.
pub const TOLD_EVERY: u64 = 10_000;

/// What a run is to do.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The seed, which decides everything that happens.
    pub seed: u64,
    /// How many customers come.
    pub orders: u64,
    /// How many of them come in a second of virtual time, on average.
    pub a_second: f64,
    /// How often each kind of fault happens.
    pub profile: Profile,
    /// A bug that is planted.
    pub planted: Option<Planted>,
    /// Who holds and takes the customers' money; the seed decides when it is `None`.
    pub provider: Option<Provider>,
    /// The numbers of the customers who come; the others stay at home.
    pub only: Option<BTreeSet<u64>>,
    /// How long everything may take to come to rest after the faults have stopped, in virtual time.
    pub to_rest: Duration,
    /// Whether all lines of the trace are kept.
    pub keep_all: bool,
    /// Is told how many customers have come, after every [`TOLD_EVERY`] of them: a long run takes hours.
    pub on_progress: fn(u64),
}

impl Settings {
    /// A run of so many customers, two of whom come in a second, with no bug planted and 12 hours to come to
    /// rest.
    pub fn new(seed: u64, orders: u64, profile: Profile) -> Self {
        Self {
            seed,
            orders,
            a_second: 2.0,
            profile,
            planted: None,
            provider: None,
            only: None,
            to_rest: Duration::from_secs(12 * 3600),
            keep_all: false,
            on_progress: |_| {},
        }
    }
}

/// Why a run could not be made.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Error {
    #[error("the template: {0}")]
    Template(#[from] template::Error),
    #[error("the tables: {0}")]
    Tables(#[from] omniflow_tables::Error),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("a temporary folder: {0}")]
    Folder(#[source] std::io::Error),
    #[error("a database in memory: {0}")]
    Memory(#[source] rusqlite::Error),
    #[error("the runtime: {0}")]
    Runtime(#[source] std::io::Error),
    #[error("the stock can't be written: {0}")]
    Stock(String),
}

/// The system that the template describes, as it is simulated: with each payment provider.
#[derive(Debug, Clone)]
pub struct Systems {
    simulated: System,
    stripe: System,
}

impl Systems {
    fn with(&self, provider: Provider) -> &System {
        match provider {
            Provider::Simulated => &self.simulated,
            Provider::Stripe => &self.stripe,
        }
    }
}

/// The system, with each payment provider.
///
/// # Errors
/// When the template can't be read.
pub fn system() -> Result<Systems, Error> {
    Ok(Systems { simulated: system_with(Provider::Simulated)?, stripe: system_with(Provider::Stripe)? })
}

fn system_with(provider: Provider) -> Result<System, Error> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    let given = [
        ("PaymentWindowSeconds", PAYMENT_WINDOW.to_string()),
        ("SeedSampleStock", "true".to_owned()),
        ("NotificationSender", "orders@omniflow.example".to_owned()),
        // What a warehouse forgets to say is found out within the time that everything may take to rest.
        ("ShipmentDeadlineHours", "1".to_owned()),
        ("WarehouseSecret", SECRET_NAME.to_owned()),
        ("ShardedKeys", "true".to_owned()),
        ("MostStockBuckets", "8".to_owned()),
        ("PaymentProvider", provider.name().to_owned()),
        ("StripeUrl", strict_stripe::URL.to_owned()),
        ("StripeSecret", STRIPE_SECRET.to_owned()),
    ];
    let given = given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Ok(template::load(&path, &Parameters { given, ..Parameters::default() }, &place())?)
}

/// Makes a run.
///
/// # Errors
/// When it can't be made. What goes wrong within it is in the report.
pub fn run(settings: &Settings, systems: &Systems) -> Result<Report, Error> {
    let began = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.map_err(Error::Runtime)?;
    let local = LocalSet::new();
    let provider = settings.provider.unwrap_or(Provider::of(settings.seed));
    let simulated = simulate(settings, provider, systems.with(provider));
    let report = runtime.block_on(local.run_until(simulated));
    report.map(|report| Report { real_time: began.elapsed(), ..report })
}

async fn simulate(settings: &Settings, provider: Provider, system: &System) -> Result<Report, Error> {
    let stores = Stores::new(settings.orders, settings.planted == Some(Planted::JournalForgets))?;
    let tables = stores.tables()?;
    driven::create_tables(system, &tables).await?;
    let Settings { seed, planted, keep_all, .. } = *settings;
    let world = Arc::new(World::new(seed, settings.profile.clone(), planted, provider, tables, keep_all));
    let front = Rc::new(Front::new(Arc::clone(&world), Rc::new(system.clone()), stores));
    stock(&world, system, settings.orders).await?;
    if seed % 2 == 0 {
        give_it_a_server(&world).await?;
    }
    front.start().await?;
    tokio::select! {
        biased;
        () = world.alarm.notified() => {}
        () = live(settings, &front, &world) => {}
    }
    let report = report(&world);
    front.kill().await;
    Ok(report)
}

/// Lets people and faults do what they do, and then everything come to rest.
async fn live(settings: &Settings, front: &Rc<Front>, world: &Arc<World>) {
    happenings::begin(front, world);
    for number in 0..2 {
        tokio::task::spawn_local(reviewer::review(Rc::clone(front), Arc::clone(world), number));
    }
    tokio::task::spawn_local(warehouse::work(Rc::clone(front), Arc::clone(world)));
    if world.provider == Provider::Stripe {
        tokio::task::spawn_local(bank::work(Rc::clone(front), Arc::clone(world)));
    }
    tokio::task::spawn_local(operator::attend(Rc::clone(front), Arc::clone(world)));
    for number in 0..2 {
        tokio::task::spawn_local(desk::work(Rc::clone(front), Arc::clone(world), number));
    }
    tokio::task::spawn_local(desk::attend(Rc::clone(front), Arc::clone(world)));
    tokio::task::spawn_local(clerk::keep(Rc::clone(front), Arc::clone(world)));
    let (checked, checking) = (Rc::clone(front), Arc::clone(world));
    tokio::task::spawn_local(async move {
        loop {
            sleep(CHECK).await;
            rest::check_the_ended(&checked, &checking).await;
        }
    });
    customers(settings, front, world).await;
    // Outages at given times last as long as they are to last.
    let ends = settings.profile.outages.iter().map(|outage| outage.at + outage.seconds);
    if let Some(end) = ends.max() {
        sleep(Duration::from_secs(end + 1).saturating_sub(world.clock.elapsed())).await;
    }
    world.faults.calm();
    world.note_all(format_args!("no faults from now on"));
    let _turn = front.turn().await;
    front.with_process(|process| process.correct());
    let calm_since = world.clock.elapsed();
    while !rest::everything_rests(front, world, false).await {
        if world.clock.elapsed() - calm_since > settings.to_rest {
            rest::everything_rests(front, world, true).await;
            return;
        }
        sleep(CHECK).await;
    }
    rest::check_the_stock(world).await;
}

/// Lets the customers come, and waits until all have gone home.
async fn customers(settings: &Settings, front: &Rc<Front>, world: &Arc<World>) {
    let mut arrivals = Dice::new(world.seed, "arrivals", 0);
    let mut shopping = tokio::task::JoinSet::new();
    for number in 0..settings.orders {
        sleep(arrivals.until_the_next(settings.a_second * 3600.0)).await;
        if settings.only.as_ref().is_none_or(|only| only.contains(&number)) {
            shopping.spawn_local(customer::shop(Rc::clone(front), Arc::clone(world), number));
        }
        while shopping.try_join_next().is_some() {}
        if (number + 1) % TOLD_EVERY == 0 {
            (settings.on_progress)(number + 1);
        }
    }
    while shopping.join_next().await.is_some() {}
}

/// Stocks the warehouses for so many orders: with plenty of most products and little of one.
async fn stock(world: &Arc<World>, system: &System, orders: u64) -> Result<(), Error> {
    let currency = system.parameters.get("Currency").map(String::as_str).unwrap_or_default();
    let currency: Currency =
        currency.parse().map_err(|_| Error::Stock(format!("no currency: {currency}")))?;
    for sample in SAMPLES {
        for (warehouse, pieces) in WAREHOUSES.iter().zip(sample.stock).filter(|(_, pieces)| *pieces > 0) {
            let pieces = match sample.product_id {
                "limited-edition" => 1 + orders / 40,
                _ => u64::from(pieces) + 4 * orders,
            };
            let item = json!({
                "product_id": { "S": sample.product_id },
                "warehouse_id": { "S": warehouse },
                "available": { "N": pieces.to_string() },
                "reserved": { "N": "0" },
                "sold": { "N": "0" },
            });
            put(world, "StockTable", item).await?;
            let place = (sample.product_id.to_owned(), (*warehouse).to_owned());
            let pieces = i64::try_from(pieces).unwrap_or(i64::MAX);
            world.books(|books| books.stocked(place, pieces));
        }
        let mut product = sample.product(currency).map_err(|error| Error::Stock(error.to_string()))?;
        // That the last piece of what there is little of is left is told, whatever fails.
        product.low_stock = (sample.product_id == "limited-edition").then_some(1);
        let product = serde_json::to_value(product).map_err(|error| Error::Stock(error.to_string()))?;
        let members = product.as_object().into_iter().flatten();
        let product: serde_json::Map<_, _> =
            members.map(|(name, value)| (name.clone(), attribute(value))).collect();
        for key in BTreeSet::from([
            omniflow_domain::catalogue::lookup(sample.product_id),
            omniflow_domain::catalogue::lookup(sample.name),
        ]) {
            let mut item = Value::Object(product.clone());
            item["lookup"] = json!({ "S": key });
            put(world, "ProductsTable", item).await?;
        }
    }
    Ok(())
}

/// A text or a number as an attribute.
pub(crate) fn attribute(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!({ "N": number.to_string() }),
        other => json!({ "S": other }),
    }
}

/// Gives one of the warehouses a server of its own, which most orders are shipped from.
async fn give_it_a_server(world: &World) -> Result<(), Error> {
    let item = json!({
        "warehouse_id": { "S": WAREHOUSE },
        "name": { "S": WAREHOUSE },
        "rank": { "N": "1" },
        "link": { "S": "http" },
        "endpoint": { "S": "https://west.example/" },
        "active": { "BOOL": true },
    });
    put(world, "WarehousesTable", item).await
}

/// Puts an item into a table.
pub(crate) async fn put(world: &World, table: &str, item: Value) -> Result<(), Error> {
    let put = json!({ "TableName": table, "Item": item }).to_string();
    let answer = world.tables.answer("PutItem", put.into()).await;
    if answer.status == 200 { Ok(()) } else { Err(Error::Stock(answer.body)) }
}

fn report(world: &World) -> Report {
    let (invocations, calls) = world.counts();
    let faults = world.faults.happened();
    world.books(|books| {
        let violation = books.violation().cloned();
        let lines = match violation.as_ref().and_then(|violation| violation.order.as_deref()) {
            Some(order) => world.trace.of(order),
            None => world.trace.of_the_world(),
        };
        for id in books.orders().map(|(id, _)| id.clone()).collect::<Vec<_>>() {
            books.strike(&id);
        }
        Report {
            seed: world.seed,
            provider: world.provider,
            violation,
            lines,
            all: world.trace.all(),
            hash: world.trace.hash(),
            outcomes: books.outcomes.clone(),
            returns: books.returns.clone(),
            faults,
            orders: books.made,
            writes: books.writes,
            captured: books.captured,
            attention: books.attention,
            attention_after_money: books.attention_after_money,
            invocations,
            calls,
            virtual_time: world.clock.elapsed(),
            real_time: Duration::ZERO,
        }
    })
}
