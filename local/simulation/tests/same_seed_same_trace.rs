//! The same settings give the same trace, line by line.

use omniflow_simulation::{Profile, Provider, Settings, run, system};

#[test]
fn the_same_seed_gives_the_same_trace_line_by_line() {
    let system = system().unwrap();
    let (simulated, stripe) = (Provider::Simulated, Provider::Stripe);
    for (faults, provider) in [("none", simulated), ("all", simulated), ("storm", simulated), ("all", stripe)]
    {
        let settings = Settings::new(7, 12, Profile::load(faults).unwrap());
        let settings = Settings { keep_all: true, provider: Some(provider), ..settings };
        let (one, other) = (run(&settings, &system).unwrap(), run(&settings, &system).unwrap());
        let lines = |report: &omniflow_simulation::Report| report.all.clone().unwrap();
        let (these, those) = (lines(&one), lines(&other));
        let differ = these.iter().zip(&those).position(|(this, that)| this != that);
        if let Some(line) = differ {
            panic!("{faults}: line {line} is\n{}\nand then\n{}", these[line], those[line]);
        }
        assert_eq!((one.hash, these.len()), (other.hash, those.len()), "{faults}");
        let another = run(&Settings { seed: 8, ..settings }, &system).unwrap();
        assert_ne!(one.hash, another.hash, "{faults}: another seed gives another trace");
    }
}
