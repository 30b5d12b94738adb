//! Profiles: how often each kind of fault happens. A profile is a YAML file; some come with the program.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::fault::{Fault, Measure};

/// The profiles that come with the program.
const OWN: [(&str, &str); 5] = [
    ("none", "{}"),
    ("momentary", include_str!("../profiles/momentary.yaml")),
    ("all", include_str!("../profiles/all.yaml")),
    ("storm", include_str!("../profiles/storm.yaml")),
    ("stopped", include_str!("../profiles/stopped.yaml")),
];

/// How often each kind of fault happens.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    rates: BTreeMap<Fault, f64>,
    /// The shortest and the longest time that an outage lasts, in seconds.
    pub outage_seconds: (u64, u64),
    /// Outages at given times.
    pub outages: Vec<Outage>,
}

/// An outage at a given time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// What is down: one of [`Fault::OUTAGES`].
    pub fault: Fault,
    /// When it begins, in seconds since the beginning.
    pub at: u64,
    /// How long it lasts, in seconds.
    pub seconds: u64,
}

/// Why there is no such profile.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Error {
    #[error("there is no profile '{name}': name one of {}, or a file that can be read ({source})", own())]
    File { name: String, source: std::io::Error },
    #[error("{path}: {source}")]
    Yaml { path: PathBuf, source: serde_yaml_ng::Error },
    #[error("'{name}' is no fault; there are: {}", names())]
    UnknownFault { name: String },
    #[error("{fault}: {rate} is no {}", match fault.measure() {
        Measure::PerCall => "probability, which goes from 0 to 1",
        Measure::PerHour => "number of times in an hour",
    })]
    BadRate { fault: Fault, rate: f64 },
    #[error("an outage must last from a shortest to a longest time, in seconds, not {0:?}")]
    BadOutage((u64, u64)),
}

fn own() -> String {
    OWN.map(|(name, _)| name).join(", ")
}

fn names() -> String {
    Fault::ALL.iter().map(|fault| fault.name()).collect::<Vec<_>>().join(", ")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    rates: BTreeMap<String, f64>,
    outage_seconds: (u64, u64),
}

impl Default for Written {
    fn default() -> Self {
        Self { rates: BTreeMap::new(), outage_seconds: (1, 15) }
    }
}

impl Profile {
    /// The profile of this name, or in this file.
    ///
    /// # Errors
    /// See [`enum@Error`].
    pub fn load(name: &str) -> Result<Self, Error> {
        match OWN.iter().find(|(own, _)| *own == name) {
            Some((_, text)) => Self::parse(Path::new(name), text),
            None => {
                let text = std::fs::read_to_string(name);
                let text = text.map_err(|source| Error::File { name: name.to_owned(), source })?;
                Self::parse(Path::new(name), &text)
            }
        }
    }

    fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        let written: Written =
            serde_yaml_ng::from_str(text).map_err(|source| Error::Yaml { path: path.to_owned(), source })?;
        let mut rates = BTreeMap::new();
        for (name, rate) in written.rates {
            let fault = Fault::parse(&name).ok_or(Error::UnknownFault { name })?;
            let is_possible = match fault.measure() {
                Measure::PerCall => (0.0..=1.0).contains(&rate),
                Measure::PerHour => (0.0..=3600.0).contains(&rate),
            };
            if !is_possible {
                return Err(Error::BadRate { fault, rate });
            }
            rates.insert(fault, rate);
        }
        let (shortest, longest) = written.outage_seconds;
        if shortest > longest {
            return Err(Error::BadOutage(written.outage_seconds));
        }
        Ok(Self { rates, outage_seconds: written.outage_seconds, outages: Vec::new() })
    }

    /// The rate of this kind of fault.
    pub fn rate(&self, fault: Fault) -> f64 {
        self.rates.get(&fault).copied().unwrap_or_default()
    }

    /// The kinds that happen at all.
    pub fn faults(&self) -> BTreeSet<Fault> {
        self.rates.iter().filter(|(_, rate)| **rate > 0.0).map(|(fault, _)| *fault).collect()
    }

    /// The same without the kinds of faults that are not in `kept`.
    #[must_use]
    pub fn only(&self, kept: &BTreeSet<Fault>) -> Self {
        let rates = self.rates.iter().filter(|(fault, _)| kept.contains(fault));
        let outages = self.outages.iter().filter(|outage| kept.contains(&outage.fault));
        Self {
            rates: rates.map(|(fault, rate)| (*fault, *rate)).collect(),
            outages: outages.copied().collect(),
            ..*self
        }
    }

    /// The same with another rate of one kind of fault.
    #[must_use]
    pub fn with(mut self, fault: Fault, rate: f64) -> Self {
        self.rates.insert(fault, rate);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let refused = |text: &str| Profile::parse(Path::new("profile.yaml"), text).unwrap_err().to_string();
        assert!(refused("rates: {tables-broken: 0.1}").contains("'tables-broken' is no fault"));
        assert!(refused("rates: {index-lag: 1.5}").contains("index-lag: 1.5 is no probability"));
        assert!(refused("rates: {process-killed: -1}").contains("process-killed: -1 is no number of times"));
        assert!(refused("outage_seconds: [9, 2]").contains("(9, 2)"));
        assert!(refused("rate: {}").contains("profile.yaml"));
        assert!(Profile::load("nowhere.yaml").unwrap_err().to_string().contains("momentary"));
    }

    #[test]
    fn all_profiles_are_read_and_all_holds_every_fault() {
        for (name, _) in OWN {
            Profile::load(name).unwrap();
        }
        let all = Profile::load("all").unwrap();
        assert_eq!(all.faults(), Fault::ALL.iter().copied().collect());
    }
}
