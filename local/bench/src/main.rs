//! Measures the local runtime as its users meet it: over HTTP, in a process of its own, with durable data.
//!
//! Each run prints one line of JSON. The measured runtime is this same binary, started again with the
//! argument `serve`.
//!
//! ```text
//! cargo run --release -p omniflow-bench -- orders  --concurrency 64 --orders 5000
//! cargo run --release -p omniflow-bench -- single  --orders 200
//! cargo run --release -p omniflow-bench -- waiting --orders 100000
//! cargo run --release -p omniflow-bench -- reservations --buckets 8
//! cargo run --release -p omniflow-bench -- disk    --orders 1000
//! cargo run --release -p omniflow-bench -- start   --runs 20
//! cargo run --release -p omniflow-bench -- catalogue --products 100000
//! cargo run --release -p omniflow-bench -- engine  --concurrency 1000 --executions 5000
//! cargo run --release -p omniflow-bench -- engine-waiting --executions 100000
//! cargo run -p omniflow-bench -- cost
//! cargo build --profile function --workspace --bins && cargo run --release -p omniflow-bench -- functions
//! ```

mod catalogue;
mod client;
mod connections;
mod cost;
mod disk;
mod engine_alone;
mod functions;
mod latency;
mod process;
mod reservations;
mod runs;
mod runtime_api;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;

/// Why a run could not be finished.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("HTTP: {0}")]
    Http(#[from] reqwest::Error),
    #[error("a connection: {0}")]
    Connection(#[from] hyper::Error),
    #[error("a request: {0}")]
    Request(#[from] http::Error),
    #[error("an answer is not what was asked for: {0}")]
    Unread(#[from] serde_json::Error),
    #[error("the runtime: {0}")]
    Process(#[from] std::io::Error),
    #[error("{what} answered {status}: {body}")]
    Answer { what: &'static str, status: u16, body: String },
    #[error("the engine: {0}")]
    Engine(#[from] engine::Error),
    #[error("the engine: {0}")]
    Journal(#[from] engine::JournalError),
    #[error("the template: {0}")]
    Template(#[from] template::Error),
    #[error("the runtime's settings: {0}")]
    Settings(#[from] clap::Error),
    #[error(transparent)]
    Start(#[from] omniflow::StartError),
    #[error("waited in vain for {what}")]
    Waited { what: &'static str },
    #[error("order {id} is {state} and will never be {wanted}")]
    Lost { id: String, state: String, wanted: &'static str },
}

#[derive(Parser)]
#[command(about)]
struct Cli {
    #[command(subcommand)]
    run: Run,
}

#[derive(Subcommand)]
enum Run {
    /// Orders per second and their latency, from create over pay to completed, with two warehouses for each
    /// order.
    Orders {
        /// How many customers buy at the same time.
        #[arg(long, default_value_t = 64)]
        concurrency: usize,
        /// How many orders are bought in all.
        #[arg(long, default_value_t = 3000)]
        orders: usize,
        /// Keep the data in memory only, to see what durability costs.
        #[arg(long)]
        memory: bool,
    },
    /// One order at a time: the milliseconds from create to completed.
    Single {
        /// How many orders are bought, one after the other.
        #[arg(long, default_value_t = 200)]
        orders: usize,
    },
    /// Memory and disk space of orders that wait for payment, and the time to start after kill -9.
    Waiting {
        /// How many orders wait.
        #[arg(long, default_value_t = 100_000)]
        orders: usize,
    },
    /// Reservations per second of one product in one warehouse, whose stock is split into buckets. The tables of the
    /// local runtime take one write after the other, so that buckets show no gain here; on DynamoDB they do.
    Reservations {
        /// How many customers order at the same time.
        #[arg(long, default_value_t = 64)]
        concurrency: usize,
        /// How many orders are made in all.
        #[arg(long, default_value_t = 3000)]
        orders: usize,
        /// Into how many buckets the stock is split.
        #[arg(long, default_value_t = 1)]
        buckets: u8,
    },
    /// Bytes of disk that a completed order takes with its history, once it is compressed and unused space is given
    /// back.
    Disk {
        /// How many orders are bought.
        #[arg(long, default_value_t = 1000)]
        orders: usize,
    },
    /// A large catalogue: the seconds to import its products and its stock, and the milliseconds of the pages, searches and
    /// single products that are read of it.
    Catalogue {
        /// How many products it has.
        #[arg(long, default_value_t = 100_000)]
        products: usize,
    },
    /// The engine without orders: the state transitions per second that it makes durable, and those of the
    /// interpreter alone.
    Engine {
        /// How many executions run at the same time.
        #[arg(long, default_value_t = 1000)]
        concurrency: usize,
        /// How many executions run in all.
        #[arg(long, default_value_t = 5000)]
        executions: usize,
    },
    /// The engine without orders: memory and disk space of executions that wait for a task token, and the
    /// time to recover them.
    EngineWaiting {
        /// How many executions wait.
        #[arg(long, default_value_t = 100_000)]
        executions: usize,
    },
    /// The Lambda binaries: the bytes of each one's zip file, the milliseconds from launch to its first
    /// answer, and its peak memory.
    Functions {
        /// The folder that holds the binaries.
        #[arg(long, default_value = "target/function")]
        folder: PathBuf,
        /// How often each binary is started.
        #[arg(long, default_value_t = 21)]
        runs: usize,
    },
    /// What a million orders cost on AWS, for each path that an order can take, as a table and as a line of
    /// JSON.
    Cost,
    /// Milliseconds from process launch to the ready line, on existing data.
    Start {
        /// How often the runtime is started.
        #[arg(long, default_value_t = 20)]
        runs: usize,
    },
}

impl Run {
    /// Whether what is measured runs in this process.
    fn is_within(&self) -> bool {
        matches!(self, Self::Engine { .. } | Self::EngineWaiting { .. } | Self::Cost)
    }

    /// The scheduler of the run. Customers of a runtime in another process run on one thread, to leave the
    /// processors to it.
    fn scheduler(&self) -> tokio::runtime::Builder {
        let mut scheduler = match self.is_within() {
            true => tokio::runtime::Builder::new_multi_thread(),
            false => tokio::runtime::Builder::new_current_thread(),
        };
        scheduler.worker_threads(1).enable_all();
        scheduler
    }
}

/// The allocator of `omniflow`, the program that is measured.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    if arguments.get(1).is_some_and(|first| first == process::SERVE) {
        arguments.remove(1);
        return omniflow::cli::run_with(arguments);
    }
    let cli = Cli::parse();
    let result = cli.run.scheduler().build().map_err(Error::from).and_then(|runtime| {
        runtime.block_on(async {
            match cli.run {
                Run::Orders { concurrency, orders, memory } => {
                    runs::orders(concurrency, orders, memory).await
                }
                Run::Single { orders } => runs::single(orders).await,
                Run::Reservations { concurrency, orders, buckets } => {
                    reservations::run(concurrency, orders, buckets).await
                }
                Run::Catalogue { products } => catalogue::run(products).await,
                Run::Disk { orders } => disk::run(orders).await,
                Run::Waiting { orders } => runs::waiting(orders).await,
                Run::Engine { concurrency, executions } => engine_alone::run(concurrency, executions).await,
                Run::EngineWaiting { executions } => engine_alone::waiting(executions).await,
                Run::Functions { folder, runs } => functions::run(&folder, runs).await,
                Run::Cost => cost::run().await,
                Run::Start { runs } => runs::start(runs).await,
            }
        })
    });
    match result {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
