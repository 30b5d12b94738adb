//! Which faults happen when, as a seed and a profile decide.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::VirtualClock;
use crate::dice::Dice;
use crate::fault::Fault;
use crate::profile::Profile;

/// Decides about each fault.
pub struct Faults {
    profile: Profile,
    clock: VirtualClock,
    state: Mutex<State>,
}

struct State {
    /// One stream for each kind, in the order of [`Fault::ALL`], so that leaving one kind out changes as
    /// little as possible of when the others happen.
    dice: Vec<Dice>,
    happened: BTreeMap<Fault, u64>,
    /// Until when, in milliseconds since the beginning, a dependency is down.
    outages: BTreeMap<Fault, u64>,
    is_calm: bool,
}

impl Faults {
    /// The faults of this seed.
    pub fn new(seed: u64, profile: Profile, clock: VirtualClock) -> Self {
        let dice = Fault::ALL.iter().map(|fault| Dice::new(seed, fault.name(), 0)).collect();
        let state = State { dice, happened: BTreeMap::new(), outages: BTreeMap::new(), is_calm: false };
        Self { profile, clock, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The profile.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Whether this fault happens at this call.
    pub fn happens(&self, fault: Fault) -> bool {
        let rate = self.profile.rate(fault);
        if rate == 0.0 {
            return false;
        }
        let mut state = self.state();
        if state.is_calm || !state.dice[fault as usize].chance(rate) {
            return false;
        }
        *state.happened.entry(fault).or_default() += 1;
        true
    }

    /// Counts a fault that happened at no call.
    pub fn count(&self, fault: Fault) {
        *self.state().happened.entry(fault).or_default() += 1;
    }

    /// Draws from the stream of this fault.
    pub fn draw<T>(&self, fault: Fault, draw: impl FnOnce(&mut Dice) -> T) -> T {
        draw(&mut self.state().dice[fault as usize])
    }

    /// A time between the two, in milliseconds, from the stream of this fault.
    pub fn milliseconds(&self, fault: Fault, range: (u64, u64)) -> Duration {
        self.draw(fault, |dice| dice.milliseconds(range))
    }

    /// Makes a dependency unusable for some time.
    pub fn begin_outage(&self, fault: Fault, lasts: Duration) {
        let until = self.clock.elapsed() + lasts;
        let until = u64::try_from(until.as_millis()).unwrap_or(u64::MAX);
        let mut state = self.state();
        let end = state.outages.entry(fault).or_default();
        *end = until.max(*end);
        *state.happened.entry(fault).or_default() += 1;
    }

    /// Whether a dependency is down.
    pub fn is_out(&self, fault: Fault) -> bool {
        let state = self.state();
        let until = state.outages.get(&fault);
        !state.is_calm && until.is_some_and(|until| self.clock.milliseconds() < *until)
    }

    /// No fault happens from now on.
    pub fn calm(&self) {
        self.state().is_calm = true;
    }

    /// Whether no fault happens any more.
    pub fn is_calm(&self) -> bool {
        self.state().is_calm
    }

    /// How often each fault has happened.
    pub fn happened(&self) -> BTreeMap<Fault, u64> {
        self.state().happened.clone()
    }
}
