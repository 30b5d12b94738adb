//! Measures the functions as Lambda starts them: each binary in a process of its own, from launch to its
//! first answer. DynamoDB, Step Functions and EventBridge are those of a local runtime, so the time includes
//! the first requests to them.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde_json::{Value, json};
use template::{self, Function, Parameters, Place};
use tokio::process::Command;

use crate::Error;
use crate::client::Customer;
use crate::latency::percentiles;
use crate::process::{Served, peak_memory_of};
use crate::runtime_api::RuntimeApi;

/// The bytes that a zip file adds to its only file: the two headers with the file's name, and the end of the
/// directory.
const ZIP_HEADERS: usize = 30 + 46 + 22 + 2 * "bootstrap".len();
/// The function that waits for the end of an order's payment window, which is a day here, unless the order is paid.
const WAITS_FOR_THE_DEADLINE: &str = "close-payment-window";
const REGION: &str = "us-east-1";

/// Starts each function of the template `runs` times. For binaries for other processors, only the size is
/// measured.
pub(crate) async fn run(folder: &Path, runs: usize) -> Result<Value, Error> {
    let data = tempfile::tempdir()?;
    let served = Served::launch(data.path(), true).await?;
    let customer = Customer::of(&served.http);

    let mut measured = Vec::new();
    for function in template_functions()? {
        let binary = binary(folder, &function.binary)?;
        let image = std::fs::read(&binary)?;
        let mut line = json!({ "function": function.binary, "zip_bytes": zipped(&image)? });
        if runs_here(&image) {
            let order = customer.create(&json!([{ "product_id": "macbook-air", "quantity": 1 }])).await?;
            customer.wait_for(&order, "AWAITING_PAYMENT").await?;
            if function.binary == WAITS_FOR_THE_DEADLINE {
                customer.pay(&order).await?;
            }
            let api = RuntimeApi::serve(&event(&order)).await?;
            let mut starts = Vec::new();
            for _ in 0..runs {
                starts.push(start(&binary, &function, &api, &served.aws).await?);
            }
            line["peak_kib"] = json!(starts.iter().map(|start| start.peak_bytes / 1024).max());
            line["answer"] = json!(starts.last().map(|start| &start.answer));
            let times = starts.into_iter().map(|start| start.first_answer_after).collect();
            line["first_answer_milliseconds"] = percentiles(times);
        }
        measured.push(line);
    }
    Ok(json!({ "bench": "functions", "runs": runs, "functions": measured }))
}

fn template_functions() -> Result<Vec<Function>, Error> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    let given = [("OpenAccess", "true")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let parameters = Parameters { given: given.into(), ..Parameters::default() };
    let place = Place { region: REGION.to_owned(), account: "000000000000".to_owned() };
    Ok(template::load(&path, &parameters, &place)?.functions.into_values().collect())
}

/// The path of a binary where `cargo lambda build` or `cargo build` puts it.
fn binary(folder: &Path, name: &str) -> Result<PathBuf, Error> {
    let mut candidates = [folder.join(name).join("bootstrap"), folder.join(name)].into_iter();
    let found = candidates.find(|path| path.is_file());
    found.ok_or_else(|| std::io::Error::other(format!("no {name} in {}", folder.display())).into())
}

fn zipped(image: &[u8]) -> Result<usize, Error> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(image)?;
    Ok(encoder.finish()?.len() + ZIP_HEADERS)
}

/// Whether this machine can run the binary, according to `e_machine` in its ELF header.
fn runs_here(image: &[u8]) -> bool {
    let machine = image.get(18..20);
    match std::env::consts::ARCH {
        "x86_64" => machine == Some(&[0x3e, 0]),
        "aarch64" => machine == Some(&[0xb7, 0]),
        _ => false,
    }
}

/// An event that every function can read. It is about an order that the function must read first.
fn event(order: &str) -> Value {
    let path = format!("/api/v1/orders/{order}");
    json!({
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {},
        "requestContext": { "http": { "method": "GET", "path": path } },
        "isBase64Encoded": false,
        "order_id": order,
        "task_token": "none",
        "warehouse": "wh-east",
        "detail": { "event_id": "bench", "order_id": order, "state": "AWAITING_PAYMENT" },
    })
}

struct Start {
    first_answer_after: Duration,
    peak_bytes: u64,
    answer: String,
}

async fn start(binary: &Path, function: &Function, api: &RuntimeApi, aws: &str) -> Result<Start, Error> {
    let mut command = Command::new(binary);
    command
        .env_clear()
        .envs(&function.environment)
        .env("AWS_LAMBDA_RUNTIME_API", &api.address)
        .env("AWS_LAMBDA_FUNCTION_NAME", &function.name)
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function.memory.to_string())
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_REGION", REGION)
        .env("AWS_ACCESS_KEY_ID", "bench")
        .env("AWS_SECRET_ACCESS_KEY", "bench")
        .env("AWS_ENDPOINT_URL", aws)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    api.offer();
    let begun = Instant::now();
    let mut child = command.spawn()?;
    let answer = tokio::select! {
        answer = api.answer() => answer,
        ended = child.wait() => {
            return Err(std::io::Error::other(format!("{} ended: {}", function.binary, ended?)).into());
        }
    };
    let first_answer_after = begun.elapsed();
    let id = child.id().ok_or_else(|| std::io::Error::other("it has ended"))?;
    let peak_bytes = peak_memory_of(&id.to_string())?;
    child.kill().await?;
    Ok(Start { first_answer_after, peak_bytes, answer })
}
