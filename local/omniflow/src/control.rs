//! The socket `control` in the data folder: the way of `omniflow backup` to the process that uses the folder.
//!
//! Whoever may read the data may connect, and nobody else, since the folder and the socket are for their owner
//! alone. A request is one line of JSON, and so is its answer.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use omniflow_tables::Tables;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

use crate::folder::Backup;

const SOCKET: &str = "control";
/// The most bytes that a request may have: more than the longest path.
const LARGEST_REQUEST: u64 = 64 * 1024;

/// How long a request may take to arrive, since the next one waits for it.
const LONGEST_REQUEST: Duration = Duration::from_secs(10);

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    /// Makes a backup in this folder, whose path is absolute.
    Backup(PathBuf),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Done,
    Failed(String),
}

/// The path under which the socket can be bound and connected to, however long that of the folder is: a path
/// of a socket has 107 bytes at most (unix(7)).
///
/// The folder must stay open as long as the path is used.
fn address(folder: &Path) -> io::Result<(std::fs::File, PathBuf)> {
    use std::os::fd::AsRawFd as _;
    let open = std::fs::File::open(folder)?;
    let direct = folder.join(SOCKET);
    let path = if direct.as_os_str().len() < 100 {
        direct
    } else {
        PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", open.as_raw_fd()))
    };
    Ok((open, path))
}

/// The socket of this process, which is removed at its end.
pub(crate) struct Control {
    listener: UnixListener,
    folder: PathBuf,
}

impl Control {
    /// Listens in the folder, whose lock this process has: a socket that is there was left by a crash.
    ///
    /// # Errors
    /// When no socket can be made there.
    pub(crate) fn listen(folder: &Path) -> io::Result<Self> {
        use std::os::unix::fs::PermissionsExt as _;
        let (_open, path) = address(folder)?;
        // Most of the time there is none.
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self { listener, folder: folder.to_owned() })
    }

    /// Answers requests, one after the other, until the task is aborted.
    pub(crate) async fn serve(self, tables: Tables, identity: String) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let answered = answer(stream, &self.folder, &tables, &identity).await;
                    // Whoever asked may have gone.
                    let _ = answered
                        .inspect_err(|error| tracing::debug!(%error, "no answer at the control socket"));
                }
                Err(error) => {
                    tracing::warn!(%error, "the control socket fails: no backups can be made while this runs");
                    return;
                }
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        if let Ok((_open, path)) = address(&self.folder) {
            // The folder may be gone already.
            let _ = std::fs::remove_file(path);
        }
    }
}

async fn answer(stream: UnixStream, folder: &Path, tables: &Tables, identity: &str) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut reader = tokio::io::BufReader::new(read.take(LARGEST_REQUEST));
    tokio::time::timeout(LONGEST_REQUEST, reader.read_line(&mut line)).await??;
    let answer = match serde_json::from_str(&line) {
        Ok(Request::Backup(to)) => match back_up(folder, &to, tables, identity).await {
            Ok(()) => Answer::Done,
            Err(problem) => Answer::Failed(problem),
        },
        Err(error) => Answer::Failed(format!("the request is not understood: {error}")),
    };
    write.write_all(format!("{}\n", serde_json::to_string(&answer)?).as_bytes()).await
}

async fn back_up(folder: &Path, to: &Path, tables: &Tables, identity: &str) -> Result<(), String> {
    let (tables, identity) = (tables.clone(), identity.to_owned());
    let backup = Backup::new(folder, to).map_err(|error| error.to_string())?;
    backup.of_running(&tables, identity).await.map_err(|error| {
        tracing::error!(%error, "the backup was not made");
        error.to_string()
    })?;
    tracing::info!(folder = %to.display(), "backup made");
    Ok(())
}

/// Asks the process that uses the folder for a backup, and waits until it is made. `None` when no process
/// answers there.
///
/// # Errors
/// Why no backup was made.
pub(crate) fn ask_for_backup(folder: &Path, to: &Path) -> Option<Result<(), String>> {
    let (_open, path) = address(folder).ok()?;
    let stream = BlockingStream::connect(path).ok()?;
    let ask = || {
        let request = serde_json::to_string(&Request::Backup(std::path::absolute(to)?))?;
        (&stream).write_all(format!("{request}\n").as_bytes())?;
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line)?;
        Ok::<Answer, io::Error>(serde_json::from_str(&line)?)
    };
    Some(match ask() {
        Ok(Answer::Done) => Ok(()),
        Ok(Answer::Failed(problem)) => Err(problem),
        Err(error) => Err(format!("the running process did not answer: {error}")),
    })
}
