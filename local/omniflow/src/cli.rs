//! The command line of `cargo run`, as a function, so that tests can run the same program.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;
use engine::Trouble;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{Cli, Command};
use crate::demo::{self, Demo};
use crate::repeats::Repeats;
use crate::{Config, Runtime, StartError, doctor};

/// The log filter when `OMNIFLOW_LOG` is not set. It leaves out the line of each successful invocation,
/// which `OMNIFLOW_LOG=info` shows.
const USUAL_LOG: &str = "warn,omniflow=info,omniflow_services::invocation=warn";

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
    let log = tracing_subscriber::fmt::layer().with_ansi(colours).event_format(format);
    tracing_subscriber::registry().with(filter).with(log.with_writer(std::io::stderr)).init();
    match cli.command {
        Some(Command::Validate { files }) => validate(&files),
        Some(Command::Doctor(asked)) => doctor::run(&asked),
        Some(Command::Demo(demo)) => ended(run(demo.config(), Some(*demo))),
        None => ended(run(cli.config, None)),
    }
}

/// Why the program ended without being asked to.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error(transparent)]
    NotStarted(#[from] StartError),
    #[error("{0}; the program ends so that it can be started again, which reads the data anew")]
    Broken(Trouble),
}

fn ended(run: Result<(), Ended>) -> ExitCode {
    match run {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("omniflow: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(config: Config, demo: Option<Demo>) -> Result<(), Ended> {
    let failed = |problem: std::io::Error| StartError::Data {
        path: config.data.clone(),
        problem: format!("no runtime: {problem}"),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(failed)?;
    runtime.block_on(async {
        let open = config.token.is_none() && config.token_file.is_none();
        let keeps = if config.memory { "nothing".to_owned() } else { config.data.display().to_string() };
        let system = Runtime::start(config.clone()).await?;
        // Signals are listened for before the line below tells anybody that the system runs.
        let stop = Stop::listen();
        let access = if open { "open to this machine, no sign-in" } else { "token needed" };
        println!(
            "OmniFlow is ready: http://{} (AWS API http://{}, data: {keeps}, {access}; the console is at /web/)",
            system.http, system.aws_address
        );
        let engine = system.aws.engine.clone();
        let broken = tokio::select! {
            () = played(demo.as_ref(), system.http) => None,
            () = stop.heard() => None,
            trouble = engine.broken() => Some(trouble),
        };
        system.stop().await;
        broken.map_or(Ok(()), |trouble| Err(Ended::Broken(trouble)))
    })
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
