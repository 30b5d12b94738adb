//! How the runtime comes up and goes: its ready line, what it refuses and with which words, and its end.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use omniflow_e2e::{Runtime, Settings, refusal, run};
use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A copy of the template with its state machines, changed by a test.
fn changed_template(change: impl FnOnce(String) -> String) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(repository().join("template.yaml")).unwrap();
    fs::write(folder.path().join("template.yaml"), change(text)).unwrap();
    symlink(repository().join("statemachine"), folder.path().join("statemachine")).unwrap();
    folder
}

fn with_template(folder: &TempDir) -> Settings {
    let path = folder.path().join("template.yaml");
    Settings::default().arguments(["--template", path.to_str().unwrap()])
}

#[tokio::test]
async fn one_line_says_that_it_is_ready_and_where() {
    let data = tempfile::tempdir().unwrap();
    let Some(runtime) = Runtime::own(&Settings::default().data(data.path())) else { return };
    let expected = format!(
        "OmniFlow is ready: {} (AWS API {}, data: {}",
        runtime.url(),
        runtime.aws_url(),
        data.path().display()
    );
    assert!(runtime.ready_line.starts_with(&expected), "{}", runtime.ready_line);
    assert!(runtime.ready_line.contains("open to this machine"), "who may call it? {}", runtime.ready_line);
    assert!(runtime.url().starts_with("http://127.0.0.1:"), "not loopback: {}", runtime.url());
    runtime.shop().get("/health").await.success();
}

#[tokio::test]
async fn the_sample_stock_is_there_from_the_first_moment() {
    let Some(runtime) = Runtime::own(&Settings::default()) else { return };
    let shop = runtime.shop();
    for name in ["iPhone 15", "iPhone15", "Mac Pro", "MacPro"] {
        let id = shop.place(&json!({ "amount": 1, "items": [name] })).await;
        shop.reaches(&id, "AWAITING_PAYMENT").await;
    }
    assert!(shop.stock("prod-001").await.available() > 0);
}

#[tokio::test]
async fn no_sample_stock_is_written_when_that_is_asked_for() {
    let Some(runtime) = Runtime::own(&Settings::default().parameter("SeedSampleStock", false)) else {
        return;
    };
    runtime.shop().get("/api/v1/stock/prod-001").await.problem(404);
}

#[tokio::test]
async fn everything_can_be_set_by_environment_variables() {
    let data = tempfile::tempdir().unwrap();
    let settings = Settings::default()
        .parameter("PaymentWindowSeconds", 7)
        .parameter("AuditThreshold", 100)
        .data(data.path())
        .by_environment();
    let Some(runtime) = Runtime::own(&settings) else { return };
    assert!(runtime.ready_line.contains(data.path().to_str().unwrap()), "{}", runtime.ready_line);
    let shop = runtime.shop();
    let id = shop.place_unpaid(&json!({ "amount": 100, "items": ["iPhone 15"] })).await;
    let left = shop.read(&id).await.deadline() - chrono::Utc::now();
    assert!(left.num_seconds() < 7, "{left}");
    let id = shop.place(&json!({ "amount": 101, "items": ["iPhone 15"] })).await;
    shop.reaches(&id, "AWAITING_AUDIT").await;
}

#[tokio::test]
async fn a_runtime_in_memory_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let Some(runtime) = Runtime::own(&Settings::default().data(&data).in_memory()) else { return };
    let shop = runtime.shop();
    let id = shop.place_unpaid(&json!({ "amount": 500, "items": ["iPhone 15"] })).await;
    shop.pay(&id).await.success();
    shop.reaches(&id, "COMPLETED").await;
    assert!(runtime.terminate().success());
    assert!(!data.exists(), "{} was made", data.display());
}

#[test]
fn a_taken_port_is_one_line_that_says_how_to_take_another() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let said = refusal(&Settings::default().http(address));
    assert!(said.contains(&address.to_string()) && said.contains("--http"), "{said}");
    let said = refusal(&Settings::default().aws(address));
    assert!(said.contains(&address.to_string()) && said.contains("--aws"), "{said}");
}

#[test]
fn a_template_that_is_not_there_is_one_line() {
    let said = refusal(&Settings::default().arguments(["--template", "/nowhere/template.yaml"]));
    assert!(said.contains("/nowhere/template.yaml"), "{said}");
}

#[test]
fn a_template_that_is_no_yaml_is_one_line() {
    let folder = changed_template(|_| "Resources: [".to_owned());
    let said = refusal(&with_template(&folder));
    assert!(said.contains("template.yaml"), "{said}");
}

#[test]
fn a_resource_that_cannot_run_here_is_named_and_refused() {
    let folder = changed_template(|text| {
        text.replace(
            "\nResources:\n",
            "\nResources:\n  Archive:\n    Type: AWS::RDS::DBInstance\n    Properties: {}\n",
        )
    });
    let said = refusal(&with_template(&folder));
    assert!(said.contains("Archive") && said.contains("AWS::RDS::DBInstance"), "{said}");
}

#[test]
fn a_function_without_code_here_is_named_and_refused() {
    let folder = changed_template(|text| text.replace("{Binary: ship-warehouse}", "{Binary: ship-nothing}"));
    let said = refusal(&with_template(&folder));
    assert!(said.contains("ShipWarehouseFunction") && said.contains("ship-nothing"), "{said}");
}

#[test]
fn a_state_machine_that_is_not_valid_is_named_and_refused() {
    let folder = changed_template(|text| text);
    let machines = folder.path().join("statemachine");
    fs::remove_file(&machines).unwrap();
    fs::create_dir(&machines).unwrap();
    for name in ["order.asl.json", "payment-window.asl.json", "return.asl.json"] {
        let text = fs::read_to_string(repository().join("statemachine").join(name)).unwrap();
        fs::write(machines.join(name), text.replace("\"Next\": \"CapturePayment\"", "\"Next\": \"Nowhere\""))
            .unwrap();
    }
    let said = refusal(&with_template(&folder));
    assert!(said.contains("OrderStateMachine") && said.contains("Nowhere"), "{said}");
}

#[test]
fn two_same_routes_are_named_and_refused() {
    let folder = changed_template(|text| {
        let (head, tail) = text.split_once("\n  HealthRoute:\n").unwrap();
        let (route, _) = tail.split_once("\n\n").unwrap();
        format!("{head}\n  HealthAgainRoute:\n{route}\n\n  HealthRoute:\n{tail}")
    });
    let said = refusal(&with_template(&folder));
    assert!(said.contains("GET /health") && said.contains("twice"), "{said}");
}

/// The template without some indexes of its tables.
fn without_indexes(text: String, indexes: &[&str], attributes: &[&str]) -> String {
    let lines: Vec<_> = text.lines().collect();
    let mut kept: Vec<&str> = Vec::new();
    let mut in_index = false;
    for line in lines {
        if line.trim_start().starts_with("- IndexName: ") {
            in_index = indexes.iter().any(|index| line.trim_end().ends_with(index));
        } else if in_index && !line.starts_with("          ") {
            in_index = false;
        }
        let defines = |attribute: &&str| line.contains(&format!("AttributeName: {attribute}, AttributeType"));
        if !in_index && !attributes.iter().any(defines) {
            kept.push(line);
        }
    }
    let changed = kept.join("\n") + "\n";
    assert!(changed.len() < text.len());
    changed
}

#[tokio::test]
async fn indexes_that_the_template_has_and_the_data_has_not_are_made_and_filled() {
    const ORDERS: usize = 30;
    let data = tempfile::tempdir().unwrap();
    let fewer = changed_template(|text| {
        let attributes = ["customer_id", "pending_signal", "pending_since"];
        without_indexes(text, &["by-customer", "by-pending-signal"], &attributes)
    });
    let Some(before) = Runtime::own(&with_template(&fewer).data(data.path()).payment_window(600)) else {
        return;
    };
    let shop = before.shop();
    for _ in 0..ORDERS {
        let order = json!({ "customer_id": "carl", "amount": 5, "items": ["iPhone 15"] });
        shop.place_unpaid(&order).await;
    }
    assert!(before.terminate().success());

    for _ in 0..2 {
        let runtime = Runtime::own(&Settings::default().data(data.path()).payment_window(600)).unwrap();
        let aws = runtime.aws().unwrap();
        let query = json!({
            "TableName": aws.table("OrdersTable").await,
            "IndexName": "by-customer",
            "KeyConditionExpression": "customer_id = :customer",
            "ExpressionAttributeValues": { ":customer": { "S": "carl" } },
        });
        assert_eq!(aws.dynamodb("Query", &query).await["Count"], ORDERS);
        assert!(runtime.terminate().success());
    }
}

#[tokio::test]
async fn what_can_not_be_changed_in_the_data_is_named_and_refused() {
    let data = tempfile::tempdir().unwrap();
    let settings =
        |folder: Option<&TempDir>| folder.map_or_else(Settings::default, with_template).data(data.path());
    let Some(runtime) = Runtime::own(&settings(None)) else { return };
    assert!(runtime.terminate().success());
    let key = changed_template(|text| {
        let changed = text
            .replace("{AttributeName: key, AttributeType: S}", "{AttributeName: name, AttributeType: S}")
            .replace("{AttributeName: key, KeyType: HASH}", "{AttributeName: name, KeyType: HASH}");
        assert_ne!(changed, text);
        changed
    });
    let said = refusal(&settings(Some(&key)));
    assert!(said.contains("IdempotencyTable") && said.contains("its key can't be changed"), "{said}");
    let index = changed_template(|text| {
        let (head, tail) = text.split_once("IndexName: by-customer").unwrap();
        let tail = tail.replacen("KEYS_ONLY", "ALL", 1);
        format!("{head}IndexName: by-customer{tail}")
    });
    let said = refusal(&settings(Some(&index)));
    assert!(said.contains("OrdersTable") && said.contains("by-customer"), "{said}");
    Runtime::own(&settings(None)).unwrap().shop().get("/health").await.success();
}

#[tokio::test]
async fn an_empty_list_of_allowed_hosts_is_none() {
    let Some(runtime) = Runtime::own(&Settings::default().environment("OMNIFLOW_ALLOWED_HOSTS", "")) else {
        return;
    };
    let shop = runtime.shop();
    shop.get("/health").await.success();
    assert_eq!(shop.send(Method::GET, "/health", &[("host", "shop.example")], None).await.status, 421);
}

#[test]
fn a_parameter_that_the_template_does_not_have_is_refused() {
    let said = refusal(&Settings::default().parameter("PaymentWindowSecond", 5));
    assert!(said.contains("PaymentWindowSecond"), "{said}");
}

#[test]
fn a_parameter_that_is_no_number_is_refused() {
    let said = refusal(&Settings::default().parameter("PaymentWindowSeconds", "soon"));
    assert!(said.contains("PaymentWindowSeconds"), "{said}");
}

#[test]
fn a_parameter_beyond_its_limits_is_refused() {
    let said = refusal(&Settings::default().parameter("PaymentWindowSeconds", 0));
    assert!(said.contains("PaymentWindowSeconds"), "{said}");
    let said = refusal(&Settings::default().parameter("SeedSampleStock", "maybe"));
    assert!(said.contains("SeedSampleStock"), "{said}");
}

#[test]
fn beyond_loopback_it_does_not_listen_without_a_token() {
    let said = refusal(&Settings::default().http("0.0.0.0:0"));
    assert!(said.contains("0.0.0.0") && said.contains("token"), "{said}");
    let said = refusal(&Settings::default().aws("0.0.0.0:0"));
    assert!(said.contains("0.0.0.0") && said.contains("token"), "{said}");
}

#[tokio::test]
async fn with_a_token_only_those_who_have_it_are_served() {
    let Some(runtime) = Runtime::own(&Settings::default().arguments(["--token", "let-me-in"])) else {
        return;
    };
    assert!(
        !runtime.ready_line.contains("let-me-in"),
        "the token is told to everyone: {}",
        runtime.ready_line
    );
    let shop = runtime.shop();
    let refused = shop.get("/api/v1/stock").await;
    refused.problem(401);
    assert_eq!(refused.header("www-authenticate"), "Bearer");
    for open in ["/health", "/web/", "/openapi.json"] {
        assert_eq!(shop.get(open).await.status, 200, "{open}");
    }
    let wrong = [("authorization", "Bearer let-me-out")];
    assert_eq!(shop.send(Method::GET, "/api/v1/stock", &wrong, None).await.status, 401);
    let right = [("authorization", "Bearer let-me-in")];
    shop.send(Method::GET, "/api/v1/stock", &right, None).await.success();
    let aws = runtime.aws().unwrap();
    assert_eq!(aws.send("dynamodb", "ListTables", &json!({})).await.status, 401);
}

#[tokio::test]
async fn sigterm_ends_it_with_zero_and_loses_nothing() {
    let data = tempfile::tempdir().unwrap();
    let settings = Settings::default().data(data.path());
    let Some(runtime) = Runtime::own(&settings) else { return };
    let id = runtime.shop().place_unpaid(&json!({ "amount": 500, "items": ["iPhone 15"] })).await;
    assert_eq!(runtime.terminate().code(), Some(0));

    let again = Runtime::own(&settings).unwrap();
    let shop = again.shop();
    assert_eq!(shop.read(&id).await.state(), "AWAITING_PAYMENT");
    shop.pay(&id).await.success();
    shop.reaches(&id, "COMPLETED").await;
}

#[tokio::test]
async fn one_data_folder_serves_one_process_at_a_time() {
    let data = tempfile::tempdir().unwrap();
    let settings = Settings::default().data(data.path());
    let Some(first) = Runtime::own(&settings) else { return };
    let said = refusal(&settings);
    assert!(said.contains(data.path().to_str().unwrap()) && said.contains("--data"), "{said}");
    first.shop().get("/health").await.success();
    first.kill();
    // The lock died with its process: nothing must be cleaned up by hand.
    let second = Runtime::own(&settings).unwrap();
    second.shop().get("/health").await.success();
}

#[test]
fn the_state_machines_of_the_repository_are_valid() {
    let machines = repository().join("statemachine");
    let files = ["order", "payment-window", "return"].map(|name| machines.join(format!("{name}.asl.json")));
    let files = files.each_ref().map(|file| file.to_str().unwrap());
    let output = run(&["validate", files[0], files[1], files[2]]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert_eq!(said.lines().filter(|line| line.ends_with(": OK")).count(), 3, "{said}");
}

#[test]
fn the_demo_plays_every_story_to_its_end() {
    let said = demo(&[]);
    let (_, ends) = said.rsplit_once("All played: ").unwrap_or_else(|| panic!("not played: {said}"));
    let count = |end: &str| {
        let of =
            ends.trim().split(", ").filter_map(|count| count.split_once(' ')).find(|(_, name)| *name == end);
        of.map_or(0, |(count, _)| count.parse().unwrap())
    };
    let all = ["COMPLETED", "CANCELLED", "REJECTED", "NEEDS_ATTENTION"].map(count);
    assert_eq!(all.iter().sum::<u32>(), 17, "all but the order that is left to a reviewer: {ends}");
    assert!(all.iter().all(|count| *count > 0), "every kind of end is seen: {ends}");
    assert!(said.contains("two warehouses ship side by side"), "the stories are told: {said}");
}

#[test]
fn a_demo_with_a_token_sends_it_whatever_way_it_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, "0123456789abcdef0123456789abcdef\n").unwrap();
    for token in [["--token", "0123456789abcdef"], ["--token-file", file.to_str().unwrap()]] {
        let arguments = [token[0], token[1], "--orders", "1", "--http", "0.0.0.0:0"];
        let said = demo(&arguments);
        assert!(said.contains("All played: 1 COMPLETED"), "{said}");
        assert!(!said.contains("refused"), "{said}");
    }
}

/// What a demo in memory says, which plays 18 orders unless the arguments say otherwise.
fn demo(arguments: &[&str]) -> String {
    let mut all = vec![
        "demo",
        "--exit",
        "--orders",
        "18",
        "--pace",
        "20",
        "--memory",
        "--http",
        "127.0.0.1:0",
        "--aws",
        "127.0.0.1:0",
        "--parameter",
        "PaymentWindowSeconds=3",
        "--parameter",
        "SimulatedLatencyMillis=50",
    ];
    for pair in arguments.chunks(2) {
        match all.iter().position(|given| *given == pair[0]) {
            Some(given) => all[given + 1] = pair[1],
            None => all.extend(pair),
        }
    }
    let output = run(&all);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    said
}
