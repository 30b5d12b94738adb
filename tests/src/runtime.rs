//! The runtime under test, as a process of its own that dies with the test that started it.

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

/// A port that the system chooses.
const FREE_PORT: &str = "127.0.0.1:0";

/// The longest payment window, in seconds, whose end a test waits for.
const LONGEST_WATCHED: u32 = 20;

/// How to start a runtime: free ports, a fresh folder and the program's own defaults, unless said otherwise.
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
}

impl Settings {
    /// Sets a parameter of the template.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: impl ToString) -> Self {
        self.parameters.push(format!("{name}={}", value.to_string()));
        self
    }

    /// How long an order waits for its payment.
    #[must_use]
    pub fn payment_window(self, seconds: u32) -> Self {
        self.parameter("PaymentWindowSeconds", seconds)
    }

    /// Uses this folder instead of a fresh one; it stays when the runtime ends.
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

    /// Listens here for the HTTP API.
    #[must_use]
    pub fn http(mut self, address: impl ToString) -> Self {
        self.http = Some(address.to_string());
        self
    }

    /// Listens here for the AWS API.
    #[must_use]
    pub fn aws(mut self, address: impl ToString) -> Self {
        self.aws = Some(address.to_string());
        self
    }

    /// Adds arguments as they stand.
    #[must_use]
    pub fn arguments<const N: usize>(mut self, arguments: [&str; N]) -> Self {
        self.arguments.extend(arguments.map(str::to_owned));
        self
    }

    /// Says all of it by environment variables instead of flags.
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

    /// Lets the process have so many file descriptors.
    #[must_use]
    pub fn descriptors(mut self, most: u32) -> Self {
        self.descriptors = Some(most);
        self
    }

    fn command(&self, data: &Path) -> Command {
        let mut command = program(self.descriptors);
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

/// The program under test, without the settings that the developer's shell has for theirs.
fn program(descriptors: Option<u32>) -> Command {
    let mut command = match descriptors {
        // Only a shell can limit what it starts without unsafe code here.
        Some(most) => {
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("ulimit -n {most} && exec \"$0\" \"$@\"")]).arg(binary());
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

/// What is tested: a process of ours, or a target that runs elsewhere.
pub struct Runtime {
    http: String,
    aws: Option<String>,
    /// The ready line, empty for a foreign target.
    pub ready_line: String,
    /// From launch to the ready line.
    pub ready_after: Duration,
    process: Option<Process>,
}

struct Process {
    child: Child,
    log: PathBuf,
    _folder: TempDir,
}

/// A target, and the turn of the test that counts on it.
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
    /// A target for a test that counts: a runtime of its own, or the foreign target with no other such test beside it.
    /// On a foreign target others may still buy, so count what nobody else does: see [`crate::COUNTED`].
    pub fn alone() -> Alone {
        Self::alone_or(&Settings::default())
    }

    /// As [`Runtime::alone`], where a runtime of its own has these settings.
    pub fn alone_or(settings: &Settings) -> Alone {
        match Self::foreign() {
            Some(foreign) => Alone::on(foreign),
            None => Alone { runtime: Self::launch(settings), _turn: None },
        }
    }

    /// As [`Runtime::alone`], with a payment window so short that a test can see it end. A foreign target's window is
    /// told by `OMNIFLOW_PAYMENT_WINDOW` (seconds); without that, or when it is long, `None`, said on stderr.
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

    /// The seconds of a foreign target's payment window, when it is so short that a test can see it end.
    pub fn foreign_payment_window() -> Option<u32> {
        Self::foreign()?;
        let window = std::env::var("OMNIFLOW_PAYMENT_WINDOW").ok()?.parse::<u32>().ok()?;
        (window <= LONGEST_WATCHED).then_some(window)
    }

    /// The foreign target, or one runtime with usual settings for all tests of this binary that run at the same time.
    /// It ends with the last test that holds it.
    pub fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = shared.upgrade() {
            return runtime;
        }
        let runtime = Arc::new(Self::foreign().unwrap_or_else(|| Self::launch(&Settings::default())));
        *shared = Arc::downgrade(&runtime);
        runtime
    }

    /// A runtime of our own with these settings; `None`, said on stderr, when the target is a foreign one.
    pub fn own(settings: &Settings) -> Option<Self> {
        if let Some(foreign) = Self::foreign() {
            eprintln!("{} skipped: needs its own runtime, and the target is {}", this_test(), foreign.http);
            return None;
        }
        Some(Self::launch(settings))
    }

    /// A runtime of our own beside the target, foreign or not.
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
        // From here on dropping it kills the child, also when the test fails below.
        let mut runtime = Self {
            http: String::new(),
            aws: None,
            ready_line: String::new(),
            ready_after: Duration::ZERO,
            process: Some(Process { child, log, _folder: folder }),
        };
        let (send, lines) = mpsc::channel();
        std::thread::spawn(move || {
            // Reads to the end, so that the child never waits for a full pipe.
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

    /// A customer of it. Each belongs to the async test that made it.
    pub fn shop(&self) -> Shop {
        Shop::at(&self.http)
    }

    /// Its AWS API; `None`, said on stderr, when a foreign target has none that we know.
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

    /// The URL of the AWS API of a runtime of ours.
    pub fn aws_url(&self) -> &str {
        self.aws.as_deref().expect("an AWS API")
    }

    /// Whether it is not ours.
    pub fn is_foreign(&self) -> bool {
        self.process.is_none()
    }

    /// `kill -9`: no warning, no farewell.
    pub fn kill(mut self) {
        if let Some(process) = &mut self.process {
            process.child.kill().unwrap();
            process.child.wait().unwrap();
        }
    }

    /// SIGTERM; how it ended.
    pub fn terminate(mut self) -> ExitStatus {
        let process = self.process.as_mut().expect("a runtime of ours");
        // The shell's own kill: not every machine has one as a program.
        let kill = format!("kill -TERM {}", process.child.id());
        let sent = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(sent.success(), "SIGTERM can't be sent");
        wait(&mut process.child)
    }

    /// What it has written to stderr.
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
            // It may have ended by itself.
            let _ = process.child.kill();
            let _ = process.child.wait();
        }
    }
}

/// Starts a runtime that must not come up: its one line on stderr. It must have ended with 1.
#[track_caller]
pub fn refusal(settings: &Settings) -> String {
    let folder = tempfile::tempdir().unwrap();
    let data = settings.data.clone().unwrap_or_else(|| folder.path().join("data"));
    let output = run_to_end(settings.command(&data));
    let (said, ready) = (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    assert_eq!(output.status.code(), Some(1), "{settings:?} ended otherwise: {said}{ready}");
    assert_eq!(ready, "", "{settings:?} said that it is ready");
    assert_eq!(said.trim_end().lines().count(), 1, "{settings:?} said more or less than one line: {said}");
    said.trim_end().to_owned()
}

/// Runs the program with these arguments to its end.
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

/// The test harness names each test's thread after it.
fn this_test() -> String {
    std::thread::current().name().unwrap_or("a test").to_owned()
}

/// Waits for the end of a process, and ends it when it doesn't come.
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

/// Cargo builds it before the tests and says where it is; a test binary that is started by hand looks beside itself.
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
