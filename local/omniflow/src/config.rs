//! The settings of the program: flags, each of which is also an environment variable.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use reqwest::Url;

use crate::demo::Demo;
use crate::doctor::Doctor;
use crate::files::{Export, Import};
use crate::keys::WAREHOUSE_SECRETS;
use crate::metrics::Metrics;
use crate::server::{AccessToken, AllowedHost, AllowedHosts, TokenError};
use template::Parameters;

/// OmniFlow: order fulfilment on one machine.
#[derive(Debug, Parser)]
#[command(version, about, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do; without a command, the system runs.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to run it.
    #[command(flatten)]
    pub config: Config,
}

/// The commands of the binary besides running the system.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check state machine definitions as AWS would.
    Validate {
        /// Files in Amazon States Language.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Make a backup of the data, also while the system runs.
    Backup {
        /// The folder of the backup, which must be empty or not exist.
        folder: PathBuf,
        /// The folder that keeps orders, stock and executions.
        #[arg(long, env = "OMNIFLOW_DATA", default_value = ".omniflow")]
        data: PathBuf,
    },
    /// Make a data folder of a backup.
    Restore {
        /// The folder of the backup.
        backup: PathBuf,
        /// The data folder to be made, which must be empty or not exist.
        #[arg(long, env = "OMNIFLOW_DATA", default_value = ".omniflow")]
        data: PathBuf,
    },
    /// Run the system and play orders of every kind against it.
    Demo(Box<Demo>),
    /// Ask a running system what stands still: orders, stock that nobody holds, events that are unsent.
    Doctor(Doctor),
    /// Bring a file of products, counted stock or orders into a running system.
    Import(Import),
    /// Take products, stock or orders out of a running system, as a file.
    Export(Export),
}

/// How the local runtime runs.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Where the HTTP API listens.
    #[arg(long, env = "OMNIFLOW_HTTP", default_value = "127.0.0.1:8000")]
    pub http: SocketAddr,
    /// Where the AWS API (DynamoDB, Step Functions, EventBridge, Lambda) listens.
    #[arg(long, env = "OMNIFLOW_AWS", default_value = "127.0.0.1:4566")]
    pub aws: SocketAddr,
    /// The folder that keeps orders, stock and executions.
    #[arg(long, env = "OMNIFLOW_DATA", default_value = ".omniflow")]
    pub data: PathBuf,
    /// Keep nothing on disk: all data is gone when the process ends.
    #[arg(long, env = "OMNIFLOW_MEMORY")]
    pub memory: bool,
    /// Begin without sample products and stock. What a data folder holds already stays.
    #[arg(long, env = "OMNIFLOW_EMPTY")]
    pub empty: bool,
    /// How many days executions that have ended, their histories, and dead letters are kept. AWS keeps executions for 90.
    #[arg(
        long,
        env = "OMNIFLOW_RETENTION_DAYS",
        value_name = "DAYS",
        default_value_t = 90,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub retention_days: u32,
    /// A parameter of the template, Name=Value; may be given more than once.
    #[arg(long = "parameter", value_name = "NAME=VALUE", env = "OMNIFLOW_PARAMETERS", value_delimiter = ' ', value_parser = parameter)]
    pub parameters: Vec<(String, String)>,
    /// The template that describes the system.
    #[arg(long, env = "OMNIFLOW_TEMPLATE", default_value_os_t = default_template())]
    pub template: PathBuf,
    /// A Lambda endpoint for functions that the template doesn't have, such as http://127.0.0.1:4690.
    #[arg(long, env = "OMNIFLOW_LAMBDA_ENDPOINT")]
    pub lambda_endpoint: Option<Url>,
    /// Needed to listen beyond loopback: every request must carry it, as `Authorization: Bearer TOKEN` or as
    /// the access key id of an AWS signature.
    #[arg(long, env = "OMNIFLOW_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// A file that holds the token, so that no list of processes shows it.
    #[arg(long, env = "OMNIFLOW_TOKEN_FILE", value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// A further name of this server, such as shop.example or shop.example:8443: requests may be addressed
    /// to it, and pages opened by that name may send requests; may be given more than once.
    #[arg(long = "allowed-host", env = "OMNIFLOW_ALLOWED_HOSTS", value_name = "HOST[:PORT]")]
    pub allowed_hosts: Vec<AllowedHosts>,
    /// What the functions count, which whoever listens to their tracing events adds to.
    #[arg(skip)]
    pub metrics: Metrics,
}

/// The local runtime's own defaults for parameters of the template.
const LOCAL_DEFAULTS: &[(&str, &str)] = &[
    ("AllowPrivateWarehouses", "true"),
    ("LongestWaitSeconds", "8"),
    ("NotificationSender", "orders@omniflow.example"),
    (OPEN_ACCESS, "true"),
    ("PaymentWindowSeconds", "30"),
    (SEED_SAMPLE_STOCK, "true"),
    ("WarehouseSecret", WAREHOUSE_SECRETS),
];

impl Config {
    /// How long executions that have ended and dead letters are kept.
    pub fn retention(&self) -> Duration {
        Duration::from_secs(u64::from(self.retention_days) * 24 * 60 * 60)
    }

    /// The token that requests must carry; `None` when none was given.
    ///
    /// # Errors
    /// When the token that was given can't be used.
    pub fn access_token(&self) -> Result<Option<AccessToken>, TokenError> {
        AccessToken::given(self.token.as_deref(), self.token_file.as_deref())
    }

    /// All further names of this server.
    pub fn further_hosts(&self) -> Vec<AllowedHost> {
        self.allowed_hosts.iter().flat_map(|hosts| hosts.0.clone()).collect()
    }

    /// The values of the template's parameters: those that were given, and the local defaults.
    pub fn template_parameters(&self) -> Parameters {
        let given: BTreeMap<String, String> = self.parameters.iter().cloned().collect();
        // Whoever names an issuer wants to know who calls.
        let has_issuer = given.get("JwtIssuer").is_some_and(|issuer| !issuer.is_empty());
        let defaults = LOCAL_DEFAULTS.iter().filter(|(name, _)| !(has_issuer && *name == OPEN_ACCESS));
        let defaults = defaults.map(|(name, value)| {
            let value = if self.empty && *name == SEED_SAMPLE_STOCK { "false" } else { value };
            ((*name).to_owned(), value.to_owned())
        });
        let public_url = [("PublicUrl".to_owned(), self.url())];
        Parameters { given, defaults: defaults.chain(public_url).collect() }
    }

    /// Where programs of this machine reach the HTTP API.
    fn url(&self) -> String {
        let (address, port) = (self.http.ip(), self.http.port());
        let address = match address {
            IpAddr::V4(all) if all.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(all) if all.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            address => address,
        };
        format!("http://{}", SocketAddr::new(address, port))
    }

    /// As [`Config::template_parameters`], but with closed access.
    pub(crate) fn parameters_of_closed_access(&self) -> Parameters {
        let mut parameters = self.template_parameters();
        parameters.given.remove(OPEN_ACCESS);
        parameters.defaults.insert(OPEN_ACCESS.to_owned(), "false".to_owned());
        parameters
    }
}

/// The parameter that has samples written.
const SEED_SAMPLE_STOCK: &str = "SeedSampleStock";

/// The parameter that opens all routes to everybody.
const OPEN_ACCESS: &str = "OpenAccess";

/// The template in the working directory or, when there is none, the one in the source tree that the binary
/// was built from.
fn default_template() -> PathBuf {
    let here = PathBuf::from("template.yaml");
    let source = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml"));
    if here.exists() || !source.exists() { here } else { source }
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("'{text}' is not Name=Value")),
    }
}
