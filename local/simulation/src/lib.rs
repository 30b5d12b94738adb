//! The whole system in one process and one thread, under one seed and a virtual clock.
//!
//! ```text
//!   people (customers, reviewers, operators, a warehouse)   happenings (kills, deployments, outages)
//!        │ events of API Gateway                              │
//!        ▼                                                    ▼
//!   front ──▶ process ── functions, engine, bus, schedules: the real ones, driven by this thread
//!                │  through the seams: DynamoDB, Step Functions, EventBridge, Lambda, calls of Task states
//!                ▼                         ▲ faults, as the seed and a profile decide
//!             tables (in memory)           │
//!                │                       world ── clock, dice, faults, trace
//!                └──── every write ──────▶ books ── what must hold: invariants
//! ```
//!
//! [`run()`] makes one run. The same settings give the same trace, line by line: nothing in a run reads the
//! machine's clock or its randomness, starts a thread, or depends on the order of a hash map.

mod books;
mod capacity;
mod clock;
mod dice;
mod fault;
mod faults;
mod front;
mod happenings;
mod invariant;
mod named;
mod outages;
mod people;
mod planted;
mod process;
mod profile;
mod provider;
mod report;
mod rest;
mod run;
mod seams;
mod shrink;
mod stores;
mod till;
mod trace;
mod world;
mod yard;

pub use capacity::{
    Products, Quotas, Report as CapacityReport, Settings as CapacitySettings, run as run_within_quotas,
    system as system_within_quotas,
};
pub use fault::{Fault, Measure};
pub use invariant::{Invariant, Violation};
pub use outages::{Row, outages};
pub use planted::Planted;
pub use profile::{Error as ProfileError, Outage, Profile};
pub use provider::Provider;
pub use report::Report;
pub use run::{Error, Settings, Systems, run, system};
pub use shrink::shrink;
