//! Who may call the runtime, from where, and how much they may send before they are let in.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use omniflow_e2e::{Runtime, Settings, refusal};
use serde_json::json;

const TOKEN: &str = "0123456789abcdef/+=";

/// Every operation that the AWS port serves, and how it is called.
const OPERATIONS: &[(&str, &str, &str)] = &[
    ("POST", "/", "DynamoDB_20120810.Scan"),
    ("POST", "/", "DynamoDB_20120810.DeleteTable"),
    ("POST", "/", "DynamoDB_20120810.TransactWriteItems"),
    ("POST", "/", "AWSStepFunctions.ListExecutions"),
    ("POST", "/", "AWSStepFunctions.StopExecution"),
    ("POST", "/", "AWSStepFunctions.DeleteStateMachine"),
    ("POST", "/", "AWSEvents.PutEvents"),
    ("POST", "/2015-03-31/functions/ApiFunction/invocations", ""),
    ("POST", "/v2/email/outbound-emails", ""),
    ("GET", "/_omniflow/stats", ""),
    ("GET", "/metrics", ""),
];

/// Paths that are open on the HTTP port, or look like it.
const PATHS: &[&str] = &[
    "/",
    "/health",
    "/health/",
    "/web",
    "/web/",
    "/web/x",
    "/docs",
    "/openapi.json",
    "/openapi.json/x",
    "//health",
    "/_omniflow/outbox",
    "/_localstack/health",
    "/health?x=1",
    "/web/../",
];

/// What came back for bytes that were sent as they stand: the status, and all of the answer.
fn exchange(url: &str, request: &str) -> (u16, String) {
    let mut stream = connect(url);
    stream.write_all(request.as_bytes()).unwrap();
    answer(&mut stream)
}

fn connect(url: &str) -> TcpStream {
    let stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

fn answer(stream: &mut TcpStream) -> (u16, String) {
    let mut bytes = Vec::new();
    // A connection that is reset after its answer has given it.
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no answer: '{text}'")), text)
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let host = if headers.iter().any(|(name, _)| *name == "host") { "" } else { "host: localhost\r\n" };
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\n{host}{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

fn signed_by(key: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={key}/20261125/us-east-1/x/aws4_request, SignedHeaders=host, Signature=0"
    )
}

#[test]
fn nothing_on_the_aws_port_is_open_to_who_has_not_the_token() {
    let Some(runtime) = Runtime::own(&Settings::default().arguments(["--token", TOKEN]).in_memory()) else {
        return;
    };
    let wrong =
        [None, Some("Bearer 0123456789abcdef".to_owned()), Some("Bearer ".to_owned()), Some(signed_by("x"))];
    let own_paths = OPERATIONS.iter().map(|(_, path, _)| *path);
    for path in own_paths.chain(PATHS.iter().copied()) {
        for (_, _, target) in OPERATIONS {
            for method in ["GET", "POST", "PUT", "HEAD", "OPTIONS"] {
                for credentials in &wrong {
                    let mut headers = vec![("x-amz-target", *target)];
                    headers.extend(credentials.as_deref().map(|value| ("authorization", value)));
                    let (status, text) = exchange(runtime.aws_url(), &request(method, path, &headers, "{}"));
                    assert_eq!(status, 401, "{method} {path} {target} {credentials:?}: {text}");
                }
            }
        }
    }
    for credentials in [format!("Bearer {TOKEN}"), format!("bearer {TOKEN}"), signed_by(TOKEN)] {
        for (method, path, target) in OPERATIONS {
            let headers = [("x-amz-target", *target), ("authorization", credentials.as_str())];
            let (status, text) = exchange(runtime.aws_url(), &request(method, path, &headers, "{}"));
            assert!(![401, 403].contains(&status), "{method} {path} {target} {credentials}: {text}");
        }
    }
}

#[test]
fn what_the_template_leaves_open_is_open_on_the_http_port_and_nothing_else() {
    let Some(runtime) = Runtime::own(&Settings::default().arguments(["--token", TOKEN]).in_memory()) else {
        return;
    };
    let ask = |method: &str, path: &str, headers: &[(&str, &str)]| {
        exchange(runtime.url(), &request(method, path, headers, "")).0
    };
    for open in ["/health", "/web/", "/web/docs.html", "/openapi.json"] {
        assert_eq!(ask("GET", open, &[]), 200, "{open}");
    }
    for redirect in ["/", "/web", "/docs"] {
        assert!([307, 308].contains(&ask("GET", redirect, &[])), "{redirect}");
    }
    let closed = [
        "/api/v1/orders",
        "/api/v1/stock",
        "/_omniflow/outbox",
        "/api/v1/metrics",
        "/healthy",
        "/web2",
        "/docs/x",
        "/api/orders",
    ];
    for path in closed {
        for method in ["GET", "POST", "DELETE"] {
            assert_eq!(ask(method, path, &[]), 401, "{method} {path}");
        }
    }
    assert_eq!((ask("POST", "/web/", &[]), ask("TRACE", "/health", &[])), (405, 405));
    // Who isn't let in takes no room of those who are.
    let large = " ".repeat(33 * 1024);
    assert_eq!(exchange(runtime.url(), &request("GET", "/health", &[], &large)).0, 413);
    assert_eq!(ask("GET", "/_omniflow/outbox", &[("authorization", &format!("BEARER {TOKEN}"))]), 200);
}

#[test]
fn what_can_be_no_token_is_refused_at_the_start() {
    let said = refusal(&Settings::default().arguments(["--token", ""]));
    assert!(said.contains("empty") && said.contains("--token-file"), "{said}");
    let said = refusal(&Settings::default().environment("OMNIFLOW_TOKEN", "").http("0.0.0.0:0"));
    assert!(said.contains("empty"), "{said}");
    let said = refusal(&Settings::default().arguments(["--token", "let me in"]));
    assert!(said.contains("' '"), "{said}");
    let said = refusal(&Settings::default().arguments(["--token-file", "/nowhere/token"]));
    assert!(said.contains("/nowhere/token"), "{said}");
}

#[test]
fn a_file_holds_the_token_and_a_short_one_is_called_weak() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "short\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let settings = Settings::default().arguments(["--token-file", file.to_str().unwrap()]).in_memory();
    let Some(runtime) = Runtime::own(&settings) else { return };
    assert!(runtime.ready_line.contains("token needed"), "{}", runtime.ready_line);
    assert!(runtime.log().contains("weak") && !runtime.log().contains("short"), "{}", runtime.log());
    let stock = |token: &str| {
        let header = format!("Bearer {token}");
        exchange(runtime.url(), &request("GET", "/api/v1/stock", &[("authorization", &header)], "")).0
    };
    assert_eq!((stock("short"), stock("shor"), stock("short\t")), (200, 401, 200));
}

#[test]
fn another_website_can_neither_call_nor_read_whatever_it_sends() {
    let Some(runtime) = Runtime::own(&Settings::default().in_memory()) else { return };
    let order = json!({ "amount": 500, "items": ["iPhone 15"] }).to_string();
    let foreign: [(u16, &[(&str, &str)]); 6] = [
        (421, &[("host", "evil.example")]),
        (421, &[("host", "localhost.evil.example:8000")]),
        (403, &[("origin", "http://evil.example")]),
        (403, &[("origin", "null")]),
        (403, &[("sec-fetch-site", "cross-site")]),
        (
            403,
            &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")],
        ),
    ];
    for (expected, headers) in foreign {
        for method in ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"] {
            for kind in ["", "text/plain", "application/x-www-form-urlencoded", "application/json"] {
                for (url, path) in [
                    (runtime.url(), "/api/v1/orders"),
                    (runtime.url(), "/health"),
                    (runtime.url(), "/web/"),
                    (runtime.url(), "/_omniflow/outbox"),
                    (runtime.aws_url(), "/"),
                    (runtime.aws_url(), "/2015-03-31/functions/ApiFunction/invocations"),
                    (runtime.aws_url(), "/v2/email/outbound-emails"),
                ] {
                    let mut all = headers.to_vec();
                    if !kind.is_empty() {
                        all.push(("content-type", kind));
                    }
                    let (status, text) = exchange(url, &request(method, path, &all, &order));
                    assert_eq!(status, expected, "{method} {url}{path} {all:?}: {text}");
                }
            }
        }
    }
    let (_, list) = exchange(runtime.url(), &request("GET", "/api/v1/orders", &[], ""));
    assert!(list.contains("\"orders\":[]"), "something was ordered: {list}");
}

#[test]
fn programs_the_console_and_allowed_names_call_as_they_please() {
    let settings = Settings::default().arguments(["--allowed-host", "shop.example"]).in_memory();
    let Some(runtime) = Runtime::own(&settings) else { return };
    let order = json!({ "amount": 500, "items": ["iPhone 15"] }).to_string();
    let own = runtime.url().strip_prefix("http://").unwrap().to_owned();
    let own_page = [("host", own.as_str()), ("origin", runtime.url()), ("sec-fetch-site", "same-origin")];
    let form = [("host", own.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let proxied = [("host", "shop.example"), ("origin", "https://shop.example")];
    for headers in [&own_page[..], &form, &proxied, &[("host", "[::1]:8000")]] {
        let (status, text) = exchange(runtime.url(), &request("POST", "/api/v1/orders", headers, &order));
        assert_eq!(status, 201, "{headers:?}: {text}");
    }
    let link =
        [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    assert_eq!(exchange(runtime.url(), &request("GET", "/web/", &link, "")).0, 200);
    assert_eq!(exchange(runtime.url(), "GET /health HTTP/1.0\r\n\r\n").0, 200);
}

#[test]
fn a_body_that_is_too_large_is_refused_by_its_announcement_and_by_its_size() {
    let Some(runtime) = Runtime::own(&Settings::default().in_memory()) else { return };
    let announced = |length: u64| {
        format!(
            "POST /api/v1/orders HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        )
    };
    for length in [256 * 1024 + 1, 10_000_000, u64::MAX / 2] {
        let (status, text) = exchange(runtime.url(), &announced(length));
        assert_eq!(status, 413, "{length}: {text}");
        assert!(text.contains("urn:omniflow:problem:body-too-large") && text.contains("262144"), "{text}");
    }
    let large = " ".repeat(300 * 1024);
    let chunked = format!(
        "POST /api/v1/orders HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n",
        large.len()
    );
    assert_eq!(exchange(runtime.url(), &chunked).0, 413);
    assert_eq!(exchange(runtime.url(), &request("POST", "/api/v1/orders", &[], &large)).0, 413);
    // 256 KiB are read, and then found to be no order.
    assert_eq!(exchange(runtime.url(), &request("POST", "/api/v1/orders", &[], &large[..256 * 1024])).0, 400);

    let aws = |target: &str, size: usize| {
        let body = " ".repeat(size);
        exchange(runtime.aws_url(), &request("POST", "/", &[("x-amz-target", target)], &body)).0
    };
    assert_eq!(aws("DynamoDB_20120810.ListTables", 16 * 1024 * 1024 + 1), 413);
    assert_ne!(aws("DynamoDB_20120810.ListTables", 2 * 1024 * 1024), 413);
    assert_eq!(aws("AWSStepFunctions.ListStateMachines", 1024 * 1024 + 1), 413);
    assert_ne!(aws("AWSStepFunctions.ListStateMachines", 1024 * 1024), 413);
}

#[test]
fn clients_that_send_nothing_do_not_keep_others_out() {
    // Of 64 file descriptors the runtime needs half for itself: clients come in as others are sent away.
    let Some(runtime) = Runtime::own(&Settings::default().in_memory().descriptors(64)) else { return };
    let mut idle: Vec<_> = (0..80).map(|_| connect(runtime.url())).collect();
    for stream in &mut idle {
        // The runtime may have hung up on some already.
        let _ = stream.write_all(b"POST /api/v1/orders HTTP/1.1\r\nhost: local");
    }
    for _ in 0..5 {
        assert_eq!(exchange(runtime.url(), &request("GET", "/health", &[], "")).0, 200);
        assert_eq!(exchange(runtime.aws_url(), &request("GET", "/_omniflow/stats", &[], "")).0, 200);
    }
}

#[test]
fn an_answer_in_work_is_given_while_others_press_in() {
    let settings = Settings::default().in_memory().descriptors(64).parameter("PaymentWindowSeconds", 600);
    let Some(runtime) = Runtime::own(&settings) else { return };
    let order = json!({ "amount": 500, "items": ["iPhone 15"] }).to_string();
    let (_, made) = exchange(runtime.url(), &request("POST", "/api/v1/orders", &[], &order));
    let id = made.split("\"order_id\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let mut waiting = connect(runtime.url());
    let path = format!("/api/v1/orders/{id}");
    waiting.write_all(request("GET", &path, &[("prefer", "wait=3")], "").as_bytes()).unwrap();
    let idle: Vec<_> = (0..80).map(|_| connect(runtime.url())).collect();
    let (status, text) = answer(&mut waiting);
    assert_eq!(status, 200, "{text}");
    assert!(text.contains("AWAITING_PAYMENT"), "{text}");
    drop(idle);
}

#[test]
fn a_stop_waits_for_no_client_that_has_not_asked_yet() {
    let Some(runtime) = Runtime::own(&Settings::default().in_memory()) else { return };
    let mut half_asked = connect(runtime.url());
    half_asked.write_all(b"POST /api/v1/orders HTTP/1.1\r\nhost: local").unwrap();
    let idle = connect(runtime.aws_url());
    assert_eq!(exchange(runtime.url(), &request("GET", "/health", &[], "")).0, 200);
    let log = runtime.terminate_with_log();
    assert!(!log.contains("cut off"), "{log}");
    drop((half_asked, idle));
}

#[test]
fn data_are_for_their_owner_alone() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let Some(runtime) = Runtime::own(&Settings::default().data(&data)) else { return };
    let order = json!({ "amount": 500, "items": ["iPhone 15"] }).to_string();
    assert_eq!(exchange(runtime.url(), &request("POST", "/api/v1/orders", &[], &order)).0, 201);
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    let files: Vec<_> = std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 4, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn the_log_names_orders_and_no_customers() {
    let Some(runtime) = Runtime::own(&Settings::default().environment("OMNIFLOW_LOG", "info")) else {
        return;
    };
    let shop = runtime.shop();
    let customer = "Grace-Hopper";
    for email in ["grace.hopper@example.com", "bounce@simulator.amazonses.com"] {
        for (method, end) in
            [("pm_card", "COMPLETED"), ("pm_declined", "CANCELLED"), ("pm_refund_fails", "COMPLETED")]
        {
            let body = json!({ "customer_id": customer, "items": ["iPhone 15"], "amount": 500, "email": email,
                "payment": { "method": method } });
            let id = shop.place(&body).await;
            shop.reaches(&id, end).await;
        }
    }
    let body = json!({ "customer_id": customer, "items": [{ "product_id": "prod-001", "quantity": 1 }] });
    let made = shop.post("/api/orders", &body).await.success();
    let workflow_id = made["workflow_id"].as_str().unwrap();
    assert!(workflow_id.contains(customer), "{workflow_id}");
    for path in [
        format!("/api/orders/status?workflow_id={workflow_id}"),
        format!("/api/orders/{workflow_id}"),
        format!("/api/workflows/{workflow_id}/status"),
        format!("/api/v1/orders?customer={customer}"),
        format!("/api/v1/orders?search={customer}"),
    ] {
        shop.get(&path).await.success();
    }
    for path in ["cancel", "pay", "audit"] {
        shop.post(&format!("/api/v1/orders/{workflow_id}/{path}"), &json!({ "action": "APPROVE" })).await;
    }
    shop.post_nothing(&format!("/api/orders/cancel?workflow_id={workflow_id}")).await;
    shop.ends(made["order_id"].as_str().unwrap()).await;
    // The message that bounces is logged last, when its first attempt has failed.
    let log = omniflow_e2e::eventually("all is logged", async || {
        let log = runtime.log();
        if log.contains("MessageRejected") && log.contains(" INFO ") { Ok(log) } else { Err(log) }
    })
    .await;
    let personal = ["Grace", "grace", "Hopper", "hopper", "bounce@"];
    let told: Vec<_> = log.lines().filter(|line| personal.iter().any(|name| line.contains(name))).collect();
    assert!(told.is_empty(), "customers are named:\n{}", told.join("\n"));
    assert!(log.contains(made["order_id"].as_str().unwrap()), "orders aren't");
}

/// The settings of a runtime whose callers sign in at an issuer. Nobody is there, so that no token is believed.
fn at_an_issuer() -> Settings {
    Settings::default().parameter("JwtIssuer", "http://127.0.0.1:9").in_memory()
}

#[test]
fn where_there_is_an_issuer_nobody_is_let_in_without_its_token_or_the_servers_own() {
    let Some(runtime) = Runtime::own(&at_an_issuer().arguments(["--token", TOKEN])) else { return };
    assert!(runtime.ready_line.contains("tokens of the issuer or its own"), "{}", runtime.ready_line);
    let ask = |method: &str, path: &str, token: Option<&str>| {
        let header = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<_> = header.iter().map(|header| ("authorization", header.as_str())).collect();
        exchange(runtime.url(), &request(method, path, &headers, ""))
    };
    for open in ["/health", "/web/", "/openapi.json"] {
        assert_eq!(ask("GET", open, None).0, 200, "{open}");
    }
    // By its form this one could be believed, if its issuer said whose key it is signed with.
    let token = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImEifQ.eyJzdWIiOiJhbm4ifQ.AA";
    for (method, path) in [
        ("GET", "/api/v1/orders"),
        ("GET", "/api/v1/doctor"),
        ("POST", "/api/v1/orders"),
        ("GET", "/_omniflow/outbox"),
    ] {
        assert_eq!(ask(method, path, None).0, 401, "{path}");
        assert_eq!(ask(method, path, Some("no-token")).0, 401, "{path}");
        assert_eq!(ask(method, path, Some(token)).0, 503, "{path}");
        assert!(![401, 403, 503].contains(&ask(method, path, Some(TOKEN)).0), "{path}");
    }
    let (status, told) = ask("GET", "/api/v1/stock", None);
    assert!(status == 401 && told.contains("issuer"), "{told}");
    // The console is told whom to ask, and may ask nobody else.
    let told = exchange(runtime.url(), &request("GET", "/web/sign-in.json", &[], "")).1;
    assert!(told.contains("{}"), "no client, no sign-in: {told}");
}

#[test]
fn an_issuer_opens_the_http_api_to_a_network_and_nothing_else() {
    let settings = at_an_issuer().http("0.0.0.0:0");
    let Some(runtime) = Runtime::own(&settings) else { return };
    assert!(runtime.ready_line.contains("tokens of the issuer"), "{}", runtime.ready_line);
    let said = refusal(&at_an_issuer().aws("0.0.0.0:0"));
    assert!(said.contains("--token"), "{said}");
    let said = refusal(&Settings::default().parameter("JwtIssuer", "http://id.example").in_memory());
    assert!(said.contains("JwtIssuer=http://id.example") && said.contains("https://"), "{said}");
    let said = refusal(
        &at_an_issuer().parameter("OperatorClaim", "groups").parameter("OperatorValue", "shop,operators"),
    );
    assert!(said.contains("OPERATOR_VALUE"), "{said}");
}
