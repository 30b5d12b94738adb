//! Seeds that always run: with these faults, nothing is lost and nothing is done twice.

use omniflow_simulation::{Profile, Provider, Settings, run, system};

#[test]
fn nothing_is_lost_and_nothing_is_done_twice() {
    let (system, mut returns) = (system().unwrap(), 0);
    for (faults, seeds) in
        [("none", 1..=2), ("momentary", 1..=4), ("storm", 1..=3), ("stopped", 1..=3), ("all", 1..=4)]
    {
        for seed in seeds {
            let settings = Settings::new(seed, 12, Profile::load(faults).unwrap());
            let report = run(&settings, &system).unwrap();
            let found = report.violation.map(|violation| violation.to_string());
            assert_eq!(found, None, "--faults {faults} --seed {seed}:\n{}", report.lines.join("\n"));
            assert!(report.orders >= 8, "--faults {faults} --seed {seed}: {} orders", report.orders);
            returns += report.returns.values().sum::<u64>();
        }
    }
    assert!(returns >= 8, "customers have sent back {returns} times only");
}

#[test]
fn nothing_is_lost_and_nothing_is_done_twice_where_customers_pay_at_stripe() {
    let (system, mut refunded) = (system().unwrap(), 0);
    for (faults, seed) in [("none", 1), ("momentary", 1), ("storm", 2), ("all", 1)] {
        let provider = Some(Provider::Stripe);
        let settings = Settings { provider, ..Settings::new(seed, 12, Profile::load(faults).unwrap()) };
        let report = run(&settings, &system).unwrap();
        let found = report.violation.map(|violation| violation.to_string());
        assert_eq!(
            found,
            None,
            "--provider stripe --faults {faults} --seed {seed}:\n{}",
            report.lines.join("\n")
        );
        assert!(report.captured > 0, "--faults {faults} --seed {seed}: nobody has paid");
        refunded += report.returns.get("REFUNDED").copied().unwrap_or_default();
    }
    assert!(refunded > 0, "nobody got money back for a return");
}
