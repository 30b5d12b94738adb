//! The runtime as a child process.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::Error;

/// The first argument that makes this binary run as the runtime.
pub(crate) const SERVE: &str = "serve";

/// A runtime in a process of its own, which is killed when this is dropped.
pub(crate) struct Served {
    child: Child,
    /// The URL of the HTTP API.
    pub http: String,
    /// The URL of the AWS API.
    pub aws: String,
    /// The time from launch to the ready line.
    pub ready_after: Duration,
}

impl Served {
    pub(crate) async fn launch(data: &Path, memory: bool) -> Result<Self, Error> {
        let begun = Instant::now();
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(SERVE).args(["--http", "127.0.0.1:0", "--aws", "127.0.0.1:0", "--data"]).arg(data);
        command.args(["--parameter", "PaymentWindowSeconds=86400"]);
        if memory {
            command.arg("--memory");
        }
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let output = child.stdout.take().ok_or_else(|| std::io::Error::other("no output"))?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).await?;
        let ready_after = begun.elapsed();
        let mut urls =
            line.split([' ', '(', ',', ')']).filter(|word| word.starts_with("http://")).map(str::to_owned);
        match (urls.next(), urls.next()) {
            (Some(http), Some(aws)) => Ok(Self { child, http, aws, ready_after }),
            _ => Err(std::io::Error::other(format!("no ready line but '{line}'")).into()),
        }
    }

    /// The resident memory in bytes.
    pub(crate) fn memory(&self) -> Result<u64, Error> {
        let id = self.child.id().ok_or_else(|| std::io::Error::other("it has ended"))?;
        memory_of(&id.to_string())
    }

    /// The processor time used so far, in milliseconds, which other programs on the machine hardly change.
    pub(crate) fn processor_ms(&self) -> Result<u64, Error> {
        let id = self.child.id().ok_or_else(|| std::io::Error::other("it has ended"))?;
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
        // proc_pid_stat(5): the 12th and 13th fields after the name in parentheses are user and system time,
        // in hundredths of a second.
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
        Ok(fields.filter_map(|field| field.parse::<u64>().ok()).sum::<u64>() * 10)
    }

    /// Ends the process as `kill -9` does.
    pub(crate) async fn kill(mut self) -> Result<(), Error> {
        self.child.kill().await?;
        Ok(())
    }
}

/// The bytes of all files in a folder.
pub(crate) fn size(folder: &Path) -> Result<u64, Error> {
    let mut total = 0;
    for entry in std::fs::read_dir(folder)? {
        let path: PathBuf = entry?.path();
        total += std::fs::metadata(path)?.len();
    }
    Ok(total)
}

/// The resident memory of a process (`self` or its id), in bytes.
pub(crate) fn memory_of(process: &str) -> Result<u64, Error> {
    bytes_of(process, "VmRSS:")
}

/// The highest resident memory that a process ever had, in bytes.
pub(crate) fn peak_memory_of(process: &str) -> Result<u64, Error> {
    bytes_of(process, "VmHWM:")
}

fn bytes_of(process: &str, field: &str) -> Result<u64, Error> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kib.map(|kib| kib * 1024).ok_or_else(|| std::io::Error::other(format!("no {field}")).into())
}
