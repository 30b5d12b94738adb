//! The runtime under test, which runs in a process of its own and is killed with the test that started it.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, mpsc};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::waiting::PATIENCE;
use crate::{Aws, Shop};

/// An address with a port that the operating system chooses.
const FREE_PORT: &str = "127.0.0.1:0";

/// The longest payment window, in seconds, for whose end a test waits.
const LONGEST_WATCHED: u32 = 20;

/// The settings of a runtime: free ports, a fresh folder and the program's own defaults, unless changed.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    http: Option<String>,
    aws: Option<String>,
    parameters: Vec<String>,
    arguments: Vec<String>,
    data: Option<PathBuf>,
    in_memory: bool,
    by_environment: bool,
    environment: Vec<(String, String)>,
    descriptors: Option<u32>,
    survives_file_limit: bool,
}

impl Settings {
    /// Sets a parameter of the template.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: impl ToString) -> Self {
        self.parameters.push(format!("{name}={}", value.to_string()));
        self
    }

    /// Sets how long an order waits for its payment, in seconds.
    #[must_use]
    pub fn payment_window(self, seconds: u32) -> Self {
        self.parameter("PaymentWindowSeconds", seconds)
    }

    /// Uses this data folder instead of a fresh one. It is kept when the runtime ends.
    #[must_use]
    pub fn data(mut self, folder: &Path) -> Self {
        self.data = Some(folder.to_owned());
        self
    }

    /// Keeps nothing on disk.
    #[must_use]
    pub fn in_memory(mut self) -> Self {
        self.in_memory = true;
        self
    }

    /// Sets the address of the HTTP API.
    #[must_use]
    pub fn http(mut self, address: impl ToString) -> Self {
        self.http = Some(address.to_string());
        self
    }

    /// Sets the address of the AWS API.
    #[must_use]
    pub fn aws(mut self, address: impl ToString) -> Self {
        self.aws = Some(address.to_string());
        self
    }

    /// Adds arguments to the command line, unchanged.
    #[must_use]
    pub fn arguments<const N: usize>(mut self, arguments: [&str; N]) -> Self {
        self.arguments.extend(arguments.map(str::to_owned));
        self
    }

    /// Passes the settings by environment variables instead of flags.
    #[must_use]
    pub fn by_environment(mut self) -> Self {
        self.by_environment = true;
        self
    }

    /// Sets a variable of the environment.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Limits the number of the process's file descriptors.
    #[must_use]
    pub fn descriptors(mut self, most: u32) -> Self {
        self.descriptors = Some(most);
        self
    }

    /// Lets a write beyond the process's limit of file sizes fail instead of ending the process.
    #[must_use]
    pub fn survives_file_limit(mut self) -> Self {
        self.survives_file_limit = true;
        self
    }

    /// What a shell does before it runs the program, because setting that from here would need unsafe code.
    fn preparation(&self) -> Option<String> {
        let descriptors = self.descriptors.map(|most| format!("ulimit -n {most} && "));
        let limit = self.survives_file_limit.then(|| "trap '' XFSZ && ".to_owned());
        Some([descriptors, limit].into_iter().flatten().collect()).filter(|text: &String| !text.is_empty())
    }

    fn command(&self, data: &Path) -> Command {
        let mut command = program(self.preparation());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let http = self.http.as_deref().unwrap_or(FREE_PORT);
        let aws = self.aws.as_deref().unwrap_or(FREE_PORT);
        if self.by_environment {
            command.env("OMNIFLOW_HTTP", http).env("OMNIFLOW_AWS", aws).env("OMNIFLOW_DATA", data);
            command.env("OMNIFLOW_PARAMETERS", self.parameters.join(" "));
            if self.in_memory {
                command.env("OMNIFLOW_MEMORY", "true");
            }
        } else {
            command.args(["--http", http, "--aws", aws, "--data"]).arg(data);
            for parameter in &self.parameters {
                command.args(["--parameter", parameter]);
            }
            if self.in_memory {
                command.arg("--memory");
            }
        }
        command.args(&self.arguments);
        command
    }
}

/// The command that runs the program under test, without the settings in the developer's own environment.
fn program(preparation: Option<String>) -> Command {
    let mut command = match preparation {
        Some(preparation) => {
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("{preparation}exec \"$0\" \"$@\"")]).arg(binary());
            shell
        }
        None => Command::new(binary()),
    };
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OMNIFLOW_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// What is tested: a process that the test started, or a foreign target that runs elsewhere.
pub struct Runtime {
    http: String,
    aws: Option<String>,
    /// The line in which the program says that it is ready; empty for a foreign target.
    pub ready_line: String,
    /// The time from launch to the ready line.
    pub ready_after: Duration,
    process: Option<Process>,
}

struct Process {
    child: Child,
    log: PathBuf,
    _folder: TempDir,
}

/// A target, and the lock that keeps other counting tests away from it.
pub struct Alone {
    runtime: Runtime,
    _turn: Option<MutexGuard<'static, ()>>,
}

impl Alone {
    fn on(runtime: Runtime) -> Self {
        static TURNS: Mutex<()> = Mutex::new(());
        Self { runtime, _turn: Some(TURNS.lock().unwrap_or_else(PoisonError::into_inner)) }
    }
}

impl Deref for Alone {
    type Target = Runtime;

    fn deref(&self) -> &Runtime {
        &self.runtime
    }
}

static SHARED: Mutex<Weak<Runtime>> = Mutex::new(Weak::new());

impl Runtime {
    /// A target for a test that counts stock: a runtime of its own, or the foreign target without another
    /// such test at the same time. On a foreign target other tests may still buy, so a test must count a
    /// product that no other test buys: see [`crate::COUNTED`].
    pub fn alone() -> Alone {
        Self::alone_or(&Settings::default())
    }

    /// As [`Runtime::alone`]; a runtime of its own has these settings.
    pub fn alone_or(settings: &Settings) -> Alone {
        match Self::foreign() {
            Some(foreign) => Alone::on(foreign),
            None => Alone { runtime: Self::launch(settings), _turn: None },
        }
    }

    /// As [`Runtime::alone`], with a payment window that is short enough for a test to wait for its end. The
    /// environment variable `OMNIFLOW_PAYMENT_WINDOW` gives the window of a foreign target, in seconds.
    /// Without it, or when the window is too long, the result is `None`, and a message on stderr says so.
    pub fn with_payment_window(seconds: u32) -> Option<Alone> {
        let Some(foreign) = Self::foreign() else {
            let runtime = Self::launch(&Settings::default().payment_window(seconds));
            return Some(Alone { runtime, _turn: None });
        };
        if Self::foreign_payment_window().is_some() {
            return Some(Alone::on(foreign));
        }
        eprintln!("{} skipped: needs a short payment window (OMNIFLOW_PAYMENT_WINDOW)", this_test());
        None
    }

    /// The payment window of a foreign target, in seconds, when it is short enough for a test to wait for
    /// its end.
    pub fn foreign_payment_window() -> Option<u32> {
        Self::foreign()?;
        let window = std::env::var("OMNIFLOW_PAYMENT_WINDOW").ok()?.parse::<u32>().ok()?;
        (window <= LONGEST_WATCHED).then_some(window)
    }

    /// The foreign target, or a runtime with default settings that all tests of this binary share while they
    /// run. It ends with the last test that uses it.
    pub fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = shared.upgrade() {
            return runtime;
        }
        let runtime = Arc::new(Self::foreign().unwrap_or_else(|| Self::launch(&Settings::default())));
        *shared = Arc::downgrade(&runtime);
        runtime
    }

    /// A runtime of the test's own with these settings. With a foreign target the result is `None`, and a
    /// message on stderr says so.
    pub fn own(settings: &Settings) -> Option<Self> {
        if let Some(foreign) = Self::foreign() {
            eprintln!("{} skipped: needs its own runtime, and the target is {}", this_test(), foreign.http);
            return None;
        }
        Some(Self::launch(settings))
    }

    /// A runtime of the test's own besides the target, which may be a foreign one.
    pub fn beside(settings: &Settings) -> Self {
        Self::launch(settings)
    }

    fn foreign() -> Option<Self> {
        let url = |name| std::env::var(name).ok().map(|url| url.trim_end_matches('/').to_owned());
        Some(Self {
            http: url("OMNIFLOW_URL")?,
            aws: url("OMNIFLOW_AWS_URL"),
            ready_line: String::new(),
            ready_after: Duration::ZERO,
            process: None,
        })
    }

    fn launch(settings: &Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("stderr.log");
        let data = settings.data.clone().unwrap_or_else(|| folder.path().join("data"));
        let begun = Instant::now();
        let mut command = settings.command(&data);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", binary().display()));
        let output = child.stdout.take().unwrap();
        // From here on, dropping this kills the child, also when the test fails below.
        let mut runtime = Self {
            http: String::new(),
            aws: None,
            ready_line: String::new(),
            ready_after: Duration::ZERO,
            process: Some(Process { child, log, _folder: folder }),
        };
        let (send, lines) = mpsc::channel();
        std::thread::spawn(move || {
            // All output is read, so that the child never blocks on a full pipe.
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        runtime.ready_line =
            lines.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("no ready line: {error}"));
        runtime.ready_after = begun.elapsed();
        let urls: Vec<_> = runtime
            .ready_line
            .split([' ', '(', ',', ')'])
            .filter(|word| word.starts_with("http://"))
            .map(str::to_owned)
            .collect();
        let [http, aws] = &urls[..] else { panic!("no ready line with two URLs: {}", runtime.ready_line) };
        (runtime.http, runtime.aws) = (http.clone(), Some(aws.clone()));
        runtime
    }

    /// A client of its HTTP API. It must be used only in the async test that made it.
    pub fn shop(&self) -> Shop {
        Shop::at(&self.http)
    }

    /// A client of its AWS API. For a foreign target whose AWS API isn't known, the result is `None`, and a
    /// message on stderr says so.
    pub fn aws(&self) -> Option<Aws> {
        if self.aws.is_none() {
            eprintln!("{} skipped: needs the target's AWS API (OMNIFLOW_AWS_URL)", this_test());
        }
        self.aws.as_deref().map(Aws::at)
    }

    /// The URL of the HTTP API.
    pub fn url(&self) -> &str {
        &self.http
    }

    /// The URL of the AWS API. Panics for a foreign target whose AWS API isn't known.
    pub fn aws_url(&self) -> &str {
        self.aws.as_deref().expect("an AWS API")
    }

    /// Whether it is a foreign target.
    pub fn is_foreign(&self) -> bool {
        self.process.is_none()
    }

    /// Kills the process with SIGKILL, so that it can't clean up.
    pub fn kill(mut self) {
        if let Some(process) = &mut self.process {
            process.child.kill().unwrap();
            process.child.wait().unwrap();
        }
    }

    /// The id of the process.
    pub fn process_id(&self) -> u32 {
        self.process.as_ref().expect("a runtime of ours").child.id()
    }

    /// Waits until the process ends by itself, and returns its exit status and what it had written to stderr.
    pub fn ends_by_itself(mut self) -> (ExitStatus, String) {
        let status = wait(&mut self.process.as_mut().expect("a runtime of ours").child);
        (status, self.log())
    }

    /// Sends SIGTERM to the process, and returns its exit status.
    pub fn terminate(mut self) -> ExitStatus {
        self.send_sigterm()
    }

    /// As [`Runtime::terminate`], which must succeed; what the process had written to stderr by its end.
    pub fn terminate_with_log(mut self) -> String {
        assert!(self.send_sigterm().success());
        self.log()
    }

    fn send_sigterm(&mut self) -> ExitStatus {
        let process = self.process.as_mut().expect("a runtime of ours");
        // This is the `kill` built into the shell, because not every machine has it as a program.
        let kill = format!("kill -TERM {}", process.child.id());
        let sent = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(sent.success(), "SIGTERM can't be sent");
        wait(&mut process.child)
    }

    /// What the process has written to stderr.
    pub fn log(&self) -> String {
        let read =
            |process: &Process| String::from_utf8_lossy(&std::fs::read(&process.log).unwrap()).into_owned();
        self.process.as_ref().map(read).unwrap_or_default()
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().filter(|line| !line.contains("customer notified")).collect();
            eprintln!("the runtime's last words:\n{}", lines[lines.len().saturating_sub(60)..].join("\n"));
        }
        if let Some(process) = &mut self.process {
            // The process may have ended already.
            let _ = process.child.kill();
            let _ = process.child.wait();
        }
        if !std::thread::panicking() {
            let betrayals = crate::personal::betrayals(&self.log());
            assert!(betrayals.is_empty(), "the log names customers:\n{}", betrayals.join("\n"));
        }
    }
}

/// Starts a runtime that must refuse to start, and returns its one line on stderr. Panics unless it ends
/// with exit status 1.
#[track_caller]
pub fn refusal(settings: &Settings) -> String {
    let said = refusals(settings);
    let [line] = &said[..] else { panic!("{settings:?} said more or less than one line: {said:#?}") };
    line.clone()
}

/// As [`refusal`], when there may be more than one line.
#[track_caller]
pub fn refusals(settings: &Settings) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let data = settings.data.clone().unwrap_or_else(|| folder.path().join("data"));
    let output = run_to_end(settings.command(&data));
    let (said, ready) = (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    assert_eq!(output.status.code(), Some(1), "{settings:?} ended otherwise: {said}{ready}");
    assert_eq!(ready, "", "{settings:?} said that it is ready");
    said.trim_end().lines().map(str::to_owned).collect()
}

/// Runs the program with these arguments until it ends.
pub fn run(arguments: &[&str]) -> Output {
    let mut command = program(None);
    command.args(arguments);
    run_to_end(command)
}

fn run_to_end(mut command: Command) -> Output {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait(&mut child);
    child.wait_with_output().unwrap()
}

/// The name of the running test: the test harness gives it to the test's thread.
fn this_test() -> String {
    std::thread::current().name().unwrap_or("a test").to_owned()
}

/// Waits for a process to end. Kills it and panics when it takes longer than [`PATIENCE`].
fn wait(child: &mut Child) -> ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("the process did not end within {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The path of the program under test. Cargo builds it before the tests and sets a variable with its path; a
/// test binary that is started by hand looks for it in the folder above its own.
fn binary() -> PathBuf {
    const NAME: &str = "omniflow-under-test";
    std::env::var_os(format!("CARGO_BIN_EXE_{NAME}")).map_or_else(
        || {
            let test = std::env::current_exe().unwrap();
            test.parent().and_then(Path::parent).unwrap().join(NAME)
        },
        PathBuf::from,
    )
}
