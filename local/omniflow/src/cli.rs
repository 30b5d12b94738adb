//! The command line of `cargo run`, as a function, so that tests can run the same program.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ambient::{Randomness, SystemClock};
use clap::Parser;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{Cli, Command};
use crate::demo::{self, Demo};
use crate::folder::{self, Backup};
use crate::metrics::CountedEvents;
use crate::repeats::{Counts, Repeats};
use crate::{Config, Runtime, StartError, control, doctor, files};

/// The log filter when `OMNIFLOW_LOG` is not set. It leaves out the line of each successful invocation,
/// which `OMNIFLOW_LOG=info` shows.
const USUAL_LOG: &str = "warn,omniflow=info,omniflow_services::invocation=warn";

/// How often it is looked for errors and warnings that were left out of the log.
const COUNTED_EVERY: Duration = Duration::from_secs(10);
/// The exit code of a process that ends because it can't go on while a new one could (sysexits.h:
/// EX_TEMPFAIL).
const BROKEN: u8 = 75;

/// Reads the arguments and the environment, and runs until a signal ends it.
pub fn main() -> ExitCode {
    run_with(std::env::args_os())
}

/// As [`main`], with these arguments; the first is the program's name.
pub fn run_with(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = Cli::parse_from(arguments);
    // A demo prints by itself what happens.
    let usual = if matches!(cli.command, Some(Command::Demo(_))) { "error" } else { USUAL_LOG };
    let filter: Option<Targets> = std::env::var("OMNIFLOW_LOG").ok().and_then(|levels| levels.parse().ok());
    let filter = filter.unwrap_or_else(|| usual.parse().unwrap_or_default());
    let colours = std::io::stderr().is_terminal();
    let format = Repeats::of(tracing_subscriber::fmt::format());
    let counts = format.counts();
    let log = tracing_subscriber::fmt::layer().with_ansi(colours).event_format(format);
    let metrics = match &cli.command {
        Some(Command::Demo(demo)) => demo.config.metrics.clone(),
        _ => cli.config.metrics.clone(),
    };
    tracing_subscriber::registry()
        .with(log.with_writer(std::io::stderr).with_filter(filter))
        .with(CountedEvents::layer(metrics, Arc::new(SystemClock)))
        .init();
    let code = perform(cli, &counts);
    for left_out in counts.left_out_at_the_end() {
        eprintln!("{left_out}");
    }
    code
}

fn perform(cli: Cli, counts: &Counts) -> ExitCode {
    match cli.command {
        Some(Command::Validate { files }) => validate(&files),
        Some(Command::Doctor(asked)) => doctor::run(&asked),
        Some(Command::Import(file)) => files::import(&file),
        Some(Command::Export(file)) => files::export(&file),
        Some(Command::Backup { folder, data }) => said(back_up(&data, &folder)),
        Some(Command::Restore { backup, data }) => said(
            folder::restore(&backup, &data)
                .map(|()| format!("{} holds the data of the backup {}", data.display(), backup.display()))
                .map_err(|error| error.to_string()),
        ),
        Some(Command::Demo(demo)) => ended(run(demo.config(), Some(*demo), counts)),
        None => ended(run(cli.config, None, counts)),
    }
}

/// How a run of the system ended.
enum End {
    /// It was told to end.
    Stopped,
    /// It can't go on, and a new process could; the text says why.
    Broken(String),
}

fn ended(run: Result<End, StartError>) -> ExitCode {
    match run {
        Ok(End::Stopped) => ExitCode::SUCCESS,
        Ok(End::Broken(why)) => {
            eprintln!("omniflow: {why}; this process ends, so that it is started again (exit code {BROKEN})");
            ExitCode::from(BROKEN)
        }
        Err(error) => {
            eprintln!("omniflow: {error}");
            ExitCode::FAILURE
        }
    }
}

fn said(result: Result<String, String>) -> ExitCode {
    match result {
        Ok(done) => {
            println!("omniflow: {done}");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("omniflow: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn back_up(data: &Path, to: &Path) -> Result<String, String> {
    if !data.is_dir() {
        return Err(format!("there is no data folder {}: give it with --data", data.display()));
    }
    let made = match control::ask_for_backup(data, to) {
        Some(made) => made,
        // Nobody uses the folder.
        None => Backup::new(data, to)
            .and_then(|backup| backup.of_stopped(&Randomness::unpredictable()))
            .map_err(|error| error.to_string()),
    };
    made.map(|()| format!("{} is a backup of {}", to.display(), data.display()))
}

/// Writes, until the task is aborted, how many errors and warnings were left out of the log.
async fn write_counts(counts: Counts) {
    loop {
        tokio::time::sleep(COUNTED_EVERY).await;
        for left_out in counts.left_out(Instant::now()) {
            eprintln!("{left_out}");
        }
    }
}

fn run(config: Config, demo: Option<Demo>, counts: &Counts) -> Result<End, StartError> {
    let failed = |problem: std::io::Error| StartError::Data {
        path: config.data.clone(),
        problem: format!("no runtime: {problem}"),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(failed)?;
    let end = runtime.block_on(async {
        let open = config.token.is_none() && config.token_file.is_none();
        let keeps = if config.memory { "nothing".to_owned() } else { config.data.display().to_string() };
        tokio::spawn(write_counts(counts.clone()));
        let system = Runtime::start(config.clone()).await?;
        // Signals are listened for before the line below tells anybody that the system runs.
        let stop = Stop::listen();
        let access = match (system.asks_issuer, open) {
            (true, true) => "tokens of the issuer needed",
            (true, false) => "tokens of the issuer or its own needed",
            (false, true) => "open to this machine, no sign-in",
            (false, false) => "token needed",
        };
        println!(
            "OmniFlow is ready: http://{} (AWS API http://{}, data: {keeps}, {access}; the console is at /web/)",
            system.http, system.aws_address
        );
        tokio::select! {
            () = played(demo.as_ref(), system.http) => {}
            () = stop.heard() => {}
            why = system.broken() => return Ok(End::Broken(why)),
        }
        system.stop().await;
        Ok(End::Stopped)
    });
    // Whatever still runs may hang at what is broken.
    runtime.shutdown_background();
    end
}

/// Returns when the demo has been played and is to end the program; otherwise never.
async fn played(demo: Option<&Demo>, address: SocketAddr) {
    if let Some(demo) = demo {
        demo::play(demo, address).await;
        if demo.exit {
            return;
        }
    }
    std::future::pending().await
}

/// The signals that end the program: SIGTERM, and Ctrl-C.
struct Stop {
    terminate: Option<Signal>,
    interrupt: Option<Signal>,
}

impl Stop {
    fn listen() -> Self {
        let listen = |kind: SignalKind, name: &str| {
            let listening = signal(kind);
            listening.inspect_err(|error| tracing::warn!(%error, "{name} can't be heard")).ok()
        };
        Self {
            terminate: listen(SignalKind::terminate(), "SIGTERM"),
            interrupt: listen(SignalKind::interrupt(), "SIGINT"),
        }
    }

    async fn heard(self) {
        async fn one(signal: Option<Signal>) {
            match signal {
                Some(mut signal) => drop(signal.recv().await),
                None => std::future::pending().await,
            }
        }
        tokio::select! {
            () = one(self.terminate) => {}
            () = one(self.interrupt) => {}
        }
    }
}

fn validate(files: &[std::path::PathBuf]) -> ExitCode {
    let mut failed = false;
    for file in files {
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) => {
                eprintln!("{}: {error}", file.display());
                failed = true;
                continue;
            }
        };
        let diagnostics = asl::validate::validate_here(&text, asl::MachineType::Standard);
        for diagnostic in &diagnostics {
            failed |= diagnostic.severity == asl::validate::Severity::Error;
            let line = diagnostic.line(&text).map_or_else(String::new, |line| format!(":{line}"));
            println!("{}{line}: {diagnostic}", file.display());
        }
        if diagnostics.is_empty() {
            println!("{}: OK", file.display());
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
