//! The command line of the simulation.

mod capacity_command;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use omniflow_simulation::{
    Fault, Outage, Planted, Profile, ProfileError, Provider, Report, Row, Settings, outages, run, shrink,
    system,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs the whole system under a seed, with faults, and checks that nothing is lost and nothing is done twice.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seeds are run, one after the other.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// How many customers come in each run.
    #[arg(long, default_value_t = 100)]
    orders: u64,
    /// How many customers come in a second of virtual time.
    #[arg(long, default_value_t = 2.0)]
    a_second: f64,
    /// The profile of faults: none, momentary, all, storm, stopped, or a file.
    #[arg(long, default_value = "all")]
    faults: String,
    /// An outage at a given time, such as tables=600@60: the tables are down for 600 seconds from second 60 on.
    #[arg(long, value_parser = outage)]
    outage: Vec<Outage>,
    /// The payment provider, simulated or stripe; every third seed is with stripe when it is not given.
    #[arg(long, value_parser = provider)]
    provider: Option<Provider>,
    /// A bug to plant; with `all`, each is planted in turn, and the first seed is printed that finds it.
    #[arg(long)]
    planted: Option<String>,
    /// Makes a table of what outages of each dependency do, of a minute, of ten minutes and of three hours.
    #[arg(long)]
    outages: bool,
    /// Shrinks the first run that breaks an invariant.
    #[arg(long)]
    shrink: bool,
    /// The only customers who come, by their numbers.
    #[arg(long, value_delimiter = ',')]
    only: Vec<u64>,
    /// How many hours of virtual time everything may take to come to rest after the faults have stopped.
    #[arg(long, default_value_t = 12)]
    hours_to_rest: u64,
    /// Prints all lines of the trace.
    #[arg(long)]
    trace: bool,
    /// Ends after so many seconds of real time, however many seeds are left.
    #[arg(long)]
    seconds: Option<u64>,
}

/// What else the program does.
#[derive(Debug, Subcommand)]
enum Command {
    Capacity(capacity_command::Arguments),
}

impl Arguments {
    /// A run with this seed, in which all customers come.
    fn settings(&self, seed: u64, profile: &Profile, planted: Option<Planted>) -> Settings {
        Settings {
            a_second: self.a_second,
            planted,
            provider: self.provider,
            to_rest: hours(self.hours_to_rest),
            ..Settings::new(seed, self.orders, profile.clone())
        }
    }
}

fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours.saturating_mul(3600))
}

fn provider(name: &str) -> Result<Provider, String> {
    let names = || Provider::ALL.iter().map(|provider| provider.name()).collect::<Vec<_>>().join(" or ");
    Provider::parse(name).ok_or_else(|| format!("write {}", names()))
}

fn outage(text: &str) -> Result<Outage, String> {
    let parsed = || {
        let (name, rest) = text.split_once('=')?;
        let (seconds, at) = rest.split_once('@')?;
        let fault = Fault::parse(&format!("{name}-out")).filter(|fault| Fault::OUTAGES.contains(fault))?;
        Some(Outage { fault, at: at.parse().ok()?, seconds: seconds.parse().ok()? })
    };
    let names = Fault::OUTAGES.map(|fault| fault.name().trim_end_matches("-out").to_owned()).join(", ");
    parsed().ok_or_else(|| format!("write NAME=SECONDS@SECOND, with one of {names} as the name"))
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Profile(#[from] ProfileError),
    #[error(transparent)]
    Run(#[from] omniflow_simulation::Error),
    #[error(transparent)]
    Capacity(#[from] capacity_command::Refused),
    #[error("there is no planted bug '{0}'; there are: {1}")]
    UnknownBug(String, String),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let made = match &arguments.command {
        Some(Command::Capacity(capacity)) => capacity_command::simulate(capacity).map_err(Error::from),
        None => simulate(&arguments),
    };
    match made {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// Makes the runs; whether all invariants held.
fn simulate(arguments: &Arguments) -> Result<bool, Error> {
    let began = std::time::Instant::now();
    if arguments.planted.as_deref() == Some("all") {
        return find_planted(arguments);
    }
    let planted = match &arguments.planted {
        None => None,
        Some(name) => Some(Planted::parse(name).ok_or_else(|| {
            let names: Vec<_> = Planted::ALL.iter().map(|planted| planted.name()).collect();
            Error::UnknownBug(name.clone(), names.join(", "))
        })?),
    };
    if arguments.outages {
        return make_table(arguments);
    }
    let mut profile = Profile::load(&arguments.faults)?;
    profile.outages.clone_from(&arguments.outage);
    let system = system()?;
    for seed in arguments.seed..arguments.seed.saturating_add(arguments.seeds) {
        if arguments.seconds.is_some_and(|seconds| began.elapsed().as_secs() >= seconds) {
            break;
        }
        let settings = Settings {
            only: Some(arguments.only.iter().copied().collect()).filter(|_| !arguments.only.is_empty()),
            keep_all: arguments.trace,
            on_progress: |customers| eprintln!("{customers} customers have come; {}", most_memory()),
            ..arguments.settings(seed, &profile, planted)
        };
        let report = run(&settings, &system)?;
        for line in report.all.iter().flatten() {
            println!("{line}");
        }
        print(&report);
        if report.violation.is_some() {
            if arguments.shrink {
                let (smaller, report) = shrink(&settings, &report, &system, &mut |smaller| {
                    eprintln!(
                        "shrunk to {} orders and {} kinds of faults",
                        smaller.only.as_ref().map_or(0, std::collections::BTreeSet::len),
                        smaller.profile.faults().len()
                    );
                })?;
                println!("shrunk: customers {:?}, faults {:?}", smaller.only, smaller.profile.faults());
                print(&report);
                explain(&report);
            } else {
                explain(&report);
            }
            return Ok(false);
        }
    }
    Ok(true)
}

/// Prints the table of outages; whether everything in it is as it is wanted.
fn make_table(arguments: &Arguments) -> Result<bool, Error> {
    let (profile, system) = (Profile::load(&arguments.faults)?, system()?);
    let mut all = true;
    println!("{}", Row::HEAD);
    outages(&arguments.settings(arguments.seed, &profile, None), &system, &mut |row| {
        println!("{row}");
        if !row.is_as_wanted() {
            all = false;
            explain(&row.report);
        }
    })?;
    Ok(all)
}

/// Prints for each planted bug the first seed that finds it; whether all are found.
fn find_planted(arguments: &Arguments) -> Result<bool, Error> {
    let (profile, system) = (Profile::load(&arguments.faults)?, system()?);
    let mut all = true;
    for planted in Planted::ALL {
        let mut found = None;
        for seed in arguments.seed..arguments.seed.saturating_add(arguments.seeds) {
            if let Some(violation) =
                run(&arguments.settings(seed, &profile, Some(*planted)), &system)?.violation
            {
                found = Some((seed, violation));
                break;
            }
        }
        match found {
            Some((seed, violation)) => println!(
                "{planted}: {{breaks: {}, faults: {}, orders: {}, seed: {seed}}}",
                violation.invariant, arguments.faults, arguments.orders
            ),
            None => {
                println!("# {planted} was not found");
                all = false;
            }
        }
    }
    Ok(all)
}

fn print(report: &Report) {
    let Report { seed, provider, orders, virtual_time, real_time, hash: (hash, lines), .. } = report;
    let seconds = real_time.as_secs_f64();
    #[allow(clippy::cast_precision_loss)]
    let a_second = *orders as f64 / seconds;
    println!(
        "seed {seed}, {provider}: {orders} orders in {seconds:.2} s ({a_second:.0} a second), {} s of virtual time, {} invocations, {} calls, trace {hash:016x} ({lines} lines)",
        virtual_time.as_secs(),
        report.invocations,
        report.calls,
    );
    println!("  outcomes: {:?}", report.outcomes);
    println!("  returns: {:?}", report.returns);
    let faults: Vec<_> = report.faults.iter().map(|(fault, times)| format!("{fault} {times}")).collect();
    println!("  faults: {}", faults.join(", "));
    println!(
        "  needed attention because of a disturbance: {} times, {} of them after the money was taken; {}",
        report.attention,
        report.attention_after_money,
        most_memory()
    );
}

fn most_memory() -> String {
    let megabytes =
        peak_memory().map_or_else(|| "an unknown number of".to_owned(), |megabytes| megabytes.to_string());
    format!("at most {megabytes} MB of memory so far")
}

/// How much memory this process has had at most, in megabytes, where the system tells it (proc(5), `VmHWM`).
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kilobytes| kilobytes / 1024)
}

fn explain(report: &Report) {
    if let Some(violation) = &report.violation {
        println!("seed {} breaks {violation}", report.seed);
        for line in &report.lines {
            println!("  {line}");
        }
    }
}
