//! A run that breaks an invariant is shrunk to what it takes.

use std::time::Duration;

use omniflow_simulation::{Invariant, Planted, Profile, Settings, run, shrink, system};

#[test]
fn a_failure_is_shrunk_to_one_customer_and_no_faults_where_it_takes_none() {
    let system = system().unwrap();
    let settings = Settings {
        planted: Some(Planted::CreatedTwice),
        to_rest: Duration::from_secs(2 * 3600),
        ..Settings::new(1, 8, Profile::load("momentary").unwrap())
    };
    let failed = run(&settings, &system).unwrap();
    let invariant = |report: &omniflow_simulation::Report| report.violation.as_ref().unwrap().invariant;
    assert_eq!(invariant(&failed), Invariant::OneOrder);
    let mut steps = 0;
    let (smaller, report) = shrink(&settings, &failed, &system, &mut |_| steps += 1).unwrap();
    assert_eq!(invariant(&report), Invariant::OneOrder);
    assert_eq!(smaller.only.unwrap().len(), 1);
    assert!(smaller.profile.faults().is_empty(), "{:?}", smaller.profile.faults());
    assert!(steps > 0);
    // What a failure prints is about its order, and begins with its creation.
    assert!(report.lines.iter().any(|line| line.contains("wrote version 0")), "{:?}", report.lines);
}
