//! The check on the check: every bug that can be planted is found, by the seed that `planted.yaml` records.

use std::collections::BTreeMap;
use std::time::Duration;

use omniflow_simulation::{Invariant, Planted, Profile, Settings, run, system};
use serde::Deserialize;

/// How many seeds are tried in place of a recorded one that has moved.
const OTHERS: u64 = 20;

/// How a planted bug is found.
#[derive(Deserialize)]
struct Found {
    breaks: String,
    faults: String,
    orders: u64,
    seed: u64,
}

fn recorded() -> BTreeMap<String, Found> {
    serde_yaml_ng::from_str(include_str!("../planted.yaml")).expect("planted.yaml is as Found has it")
}

fn settings(found: &Found, planted: Option<Planted>) -> Settings {
    let profile = Profile::load(&found.faults).expect("the profile comes with the program");
    let to_rest = Duration::from_secs(2 * 3600);
    Settings { planted, to_rest, ..Settings::new(found.seed, found.orders, profile) }
}

#[test]
fn every_planted_bug_is_found_by_its_seed() {
    let (recorded, system) = (recorded(), system().unwrap());
    let names: Vec<_> = recorded.keys().map(String::as_str).collect();
    let mut known: Vec<_> = Planted::ALL.iter().map(|planted| planted.name()).collect();
    known.sort_unstable();
    assert_eq!(names, known, "planted.yaml lists each bug once");
    assert!(known.len() >= 15);
    for (name, found) in &recorded {
        let planted = Planted::parse(name).unwrap();
        let breaks = Invariant::parse(&found.breaks);
        assert!(breaks.is_some(), "{name}: there is no invariant {}", found.breaks);
        assert!((1..=200).contains(&found.seed), "{name}");
        // A change of the system may move what a seed does; then one of the first ones finds the bug.
        let seeds = std::iter::once(found.seed).chain(1..=OTHERS);
        let breaks_it = |seed| {
            let settings = Settings { seed, ..settings(found, Some(planted)) };
            let report = run(&settings, &system).unwrap();
            report.violation.map(|violation| violation.invariant) == breaks
        };
        assert!(seeds.into_iter().any(breaks_it), "{name} is not found: look for another seed");
    }
}

#[test]
fn without_a_bug_the_same_seeds_find_nothing() {
    let system = system().unwrap();
    // Settings that several bugs share are run once.
    let mut tried = Vec::new();
    for (name, found) in recorded() {
        let settings = (found.faults.clone(), found.orders, found.seed);
        if tried.contains(&settings) {
            continue;
        }
        tried.push(settings);
        let report = run(&self::settings(&found, None), &system).unwrap();
        assert_eq!(report.violation.map(|violation| violation.to_string()), None, "the seed of {name}");
    }
}
