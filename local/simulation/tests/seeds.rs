//! Seeds that always run: with these faults, nothing is lost and nothing is done twice.

use omniflow_simulation::{Profile, Settings, run, system};

#[test]
fn nothing_is_lost_and_nothing_is_done_twice() {
    let system = system().unwrap();
    for (faults, seeds) in
        [("none", 1..=2), ("momentary", 1..=4), ("storm", 1..=3), ("stopped", 1..=2), ("all", 1..=4)]
    {
        for seed in seeds {
            let settings = Settings::new(seed, 12, Profile::load(faults).unwrap());
            let report = run(&settings, &system).unwrap();
            let found = report.violation.map(|violation| violation.to_string());
            assert_eq!(found, None, "--faults {faults} --seed {seed}:\n{}", report.lines.join("\n"));
            assert!(report.orders >= 8, "--faults {faults} --seed {seed}: {} orders", report.orders);
        }
    }
}
