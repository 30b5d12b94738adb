//! Runs recorded executions against the interpreter on virtual time, so that fidelity to AWS is a number and
//! not a feeling.
//!
//! The recordings are not part of this repository. `ASL_CORPUS` names their folder; without it,
//! `../shared/asl-corpus` next to the repository is tried, and when there is nothing the test says so and
//! passes.

mod case;
mod matching;
mod play;
mod report;
mod requests;

use std::path::PathBuf;

use report::Report;

/// Areas about things that are out of scope; see README, "What the local runtime doesn't have".
const OUT_OF_SCOPE: [&str; 9] = [
    "activities",
    "logs",
    "credentials",
    "local_mocking",
    "services_sns",
    "services_sqs",
    "sfn_api_aliasing",
    "sfn_api_versioning",
    "sfn_api_logs",
];

#[test]
fn recorded_executions_come_out_as_on_aws() {
    let folder = std::env::var_os("ASL_CORPUS")
        .map(PathBuf::from)
        .unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/asl-corpus"));
    let Some(cases) = case::load(&folder) else {
        println!("conformance: no corpus in {} (set ASL_CORPUS): skipped", folder.display());
        return;
    };
    let only = std::env::var("ASL_CASE").ok();
    let mut report = Report::default();
    for case in &cases {
        if only.as_ref().is_some_and(|only| !case.id.contains(only)) {
            continue;
        }
        if OUT_OF_SCOPE.iter().any(|area| case.area.starts_with(area))
            || case.field("needs") == "s3_reader"
            || case.reads_or_writes_items()
        {
            report.out_of_scope += 1;
            continue;
        }
        let verdict = match case.kind.as_str() {
            "execution" => play::execution(case),
            "test_state" => requests::test_state(case),
            "create_error" => requests::create_error(case),
            "validate" => requests::validate(case),
            "variable_references" => requests::variable_references(case),
            _ => None,
        };
        match verdict {
            Some(verdict) => report.add(case, verdict),
            None => report.out_of_scope += 1,
        }
    }
    report.print();
    if only.is_none() {
        report.check();
    }
}
