//! The end-to-end suites against a stack on AWS, found by its name.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use serde_json::Value;

/// What needs nothing of its target but the URL.
const SUITES: [&str; 7] =
    ["bad_input", "contract_v1", "differential", "doors", "paths", "races", "structured_orders"];

/// The stack as CloudFormation knows it.
struct Stack(Value);

impl Stack {
    fn named(name: &str) -> Self {
        let mut aws = Command::new("aws");
        aws.args(["cloudformation", "describe-stacks", "--output", "json", "--stack-name", name]);
        let described = aws.output().expect("the AWS CLI is needed to find the stack");
        assert!(described.status.success(), "{}", String::from_utf8_lossy(&described.stderr));
        Self(serde_json::from_slice::<Value>(&described.stdout).unwrap()["Stacks"][0].take())
    }

    fn value(&self, list: &str, key: &str, value: &str, name: &str) -> &str {
        let mut entries = self.0[list].as_array().into_iter().flatten();
        let entry = entries.find(|entry| entry[key] == name);
        entry.and_then(|entry| entry[value].as_str()).unwrap_or_else(|| panic!("{name} is not in its {list}"))
    }
}

#[test]
#[ignore = "needs AWS: OMNIFLOW_STACK=omniflow cargo test -p omniflow-e2e -- --ignored aws"]
fn aws_takes_orders_to_every_end() {
    let name =
        std::env::var("OMNIFLOW_STACK").expect("OMNIFLOW_STACK names a stack that these tests may buy from");
    let stack = Stack::named(&name);
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["test", "--package", env!("CARGO_PKG_NAME"), "--features", "aws", "--no-fail-fast"]);
    for suite in SUITES {
        cargo.args(["--test", suite]);
    }
    cargo.env(
        "OMNIFLOW_URL",
        stack.value("Outputs", "OutputKey", "OutputValue", "ApiUrl").trim_end_matches('/'),
    );
    let window = stack.value("Parameters", "ParameterKey", "ParameterValue", "PaymentWindowSeconds");
    cargo.env("OMNIFLOW_PAYMENT_WINDOW", window);
    assert!(cargo.status().unwrap().success(), "the suites failed against the stack {name}");
}
