//! Small runs within quotas that are much smaller than AWS's: what is refused is made up for, and what can't be is told.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use omniflow_simulation::{
    CapacityReport, CapacitySettings, Products, Quotas, run_within_quotas, system_within_quotas,
};

/// So many customers, ten a second, in an account with the quotas that are usual.
fn settings(orders: u64) -> CapacitySettings {
    CapacitySettings {
        seed: 5,
        orders,
        rate: 10.0,
        products: Products::Zipf,
        pieces: None,
        prepaid: 0.0,
        quotas: Quotas::of("us-east-1").unwrap(),
        to_rest: Duration::from_secs(6 * 3600),
    }
}

/// An account that may do of this call so much at once and so much in a second.
fn limited(mut settings: CapacitySettings, call: &str, size: f64, a_second: f64) -> CapacitySettings {
    for known in &mut settings.quotas.calls {
        if known.0 == call {
            (known.1, known.2) = (size, a_second);
        }
    }
    settings
}

fn run(settings: &CapacitySettings) -> CapacityReport {
    run_with(settings, &[])
}

fn run_with(settings: &CapacitySettings, parameters: &[(&str, &str)]) -> CapacityReport {
    let owned: Vec<_> =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    run_within_quotas(settings, &system_within_quotas(1, &owned).unwrap()).unwrap()
}

fn refused(report: &CapacityReport, what: &str) -> u64 {
    report.tally.refused.iter().filter(|((refused, _), _)| refused == what).map(|(_, times)| times).sum()
}

#[test]
fn within_the_usual_quotas_few_orders_meet_no_limit() {
    let report = run(&settings(30));
    assert!(report.is_as_wanted(), "{report}");
    assert_eq!((report.accepted, report.completed()), (30, 30), "{report}");
    assert_eq!(refused(&report, "StartExecution") + refused(&report, "Invoke"), 0, "{report}");
    // As on AWS: six states and one of the payment window.
    let transitions = report.tally.transitions / 30.0;
    assert!((5.0..=8.0).contains(&transitions), "{transitions} transitions an order");
    assert!(report.tally.dollars() > 0.0);
}

#[test]
fn what_step_functions_refuses_is_made_up_for() {
    for (call, size, a_second) in
        [("StartExecution", 3.0, 1.0), ("SendTaskSuccess", 3.0, 1.0), ("StateTransition", 20.0, 20.0)]
    {
        let report = run(&limited(settings(20), call, size, a_second));
        assert!(refused(&report, call) > 0, "{call} was never refused:\n{report}");
        assert!(report.is_as_wanted(), "{call}:\n{report}");
        assert_eq!(report.completed(), 20, "{call}:\n{report}");
    }
}

#[test]
fn a_product_that_everybody_wants_is_split_where_the_parameters_allow_it() {
    let all_want_it = CapacitySettings { rate: 60.0, products: Products::One, ..settings(200) };
    let (whole, split) =
        (run(&all_want_it), run_with(&all_want_it, &[("MostStockBuckets", "16"), ("ShardedKeys", "true")]));
    for report in [&whole, &split] {
        assert!(report.is_as_wanted(), "{report}");
        assert_eq!(report.completed(), 200, "{report}");
    }
    let met = |report| refused(report, "transactions that met");
    assert!(met(&split) < met(&whole), "{whole}\n{split}");
}

#[test]
fn what_lambda_and_the_gateway_refuse_is_made_up_for() {
    let mut few = settings(20);
    few.rate = 100.0;
    few.quotas.concurrency = 3;
    let report = run(&few);
    assert!(refused(&report, "Invoke") > 0, "{report}");
    assert!(report.is_as_wanted(), "{report}");
    assert_eq!(report.completed(), report.accepted, "{report}");

    let report = run(&limited(settings(20), "HTTP API", 5.0, 2.0));
    assert!(refused(&report, "HTTP API") > 0, "{report}");
    assert!(report.is_as_wanted(), "{report}");
}

#[test]
fn who_all_want_the_same_product_get_what_there_is_and_no_more() {
    let rush = CapacitySettings { rate: 200.0, products: Products::One, pieces: Some(25), ..settings(40) };
    let report = run(&rush);
    assert!(refused(&report, "transactions that met") > 0, "{report}");
    assert!(report.is_as_wanted(), "{report}");
    assert_eq!((report.completed(), report.sold_out()), (25, 15), "{report}");
}

#[test]
fn orders_that_come_to_no_end_in_time_are_told_of() {
    let late = CapacitySettings { to_rest: Duration::ZERO, ..settings(20) };
    let report = run(&limited(late, "StartExecution", 1.0, 0.001));
    assert!(report.lost() > 0 && !report.is_as_wanted(), "{report}");
}

#[test]
fn the_same_settings_give_the_same_run() {
    let settings = limited(settings(10), "StartExecution", 3.0, 1.0);
    let (one, other) = (run(&settings), run(&settings));
    assert_eq!((one.hash, &one.tally), (other.hash, &other.tally));
    let another = run(&CapacitySettings { seed: 6, ..settings });
    assert_ne!(one.hash, another.hash);
}
