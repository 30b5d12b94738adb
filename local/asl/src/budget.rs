//! How much work the expressions of an execution may do. What is counted is work and never time, so that the same
//! expressions on the same data come equally far on every machine.

use std::cell::Cell;

use crate::api::Effort;
use crate::error::Failure;

/// Steps for the expressions of one visit of a state. A step is a value that is looked at, or [`STEP_BYTES`] bytes that
/// are built. JSONata's own work is bounded besides, by its guards and by time. 16 million steps take some tenths of a
/// second and build 256 MiB at the most; a payload of 256 KiB that is walked once has at most 131,072 values.
const FULL: u64 = 1 << 24;
/// Steps for all states, iterations and children of one event with full effort: some ten seconds, in which only this
/// execution waits.
const FULL_EVENT: u64 = 1 << 29;
/// Steps for all expressions of one event, when the host wants only a small effort: about a millisecond.
const SMALL: u64 = 1 << 16;
/// Bytes that an expression in JSONata may build with a small effort.
const SMALL_BYTES: usize = 1 << 20;
/// Bytes that count as a step.
pub(crate) const STEP_BYTES: usize = 16;

/// What is left of the work.
pub(crate) struct Budget {
    effort: Effort,
    left: Cell<u64>,
    /// What is left of it for the whole event, which is no less.
    event: Cell<u64>,
    exceeded: Cell<bool>,
}

impl Budget {
    pub(crate) fn new(effort: Effort) -> Self {
        let (left, event) = if effort == Effort::Full { (FULL, FULL_EVENT) } else { (SMALL, SMALL) };
        Self { effort, left: Cell::new(left), event: Cell::new(event), exceeded: Cell::new(false) }
    }

    /// Begins the visit of a state, or the input of an item.
    pub(crate) fn visit(&self) {
        if self.effort == Effort::Full {
            self.left.set(self.event.get().min(FULL));
        }
    }

    /// Takes steps. `false` means that there are not as many left, and that the work must end; [`Budget::failure`] says
    /// how.
    pub(crate) fn spend(&self, steps: u64) -> bool {
        match self.left.get().checked_sub(steps) {
            Some(left) => {
                self.left.set(left);
                self.event.set(self.event.get() - steps);
                true
            }
            None => {
                self.left.set(0);
                self.exceeded.set(self.effort != Effort::Full);
                false
            }
        }
    }

    /// Whether most of a small effort is made, so that the execution should pause before its next state.
    pub(crate) fn is_low(&self) -> bool {
        self.effort != Effort::Full && self.left.get() < SMALL / 2
    }

    /// Whether nothing is left.
    pub(crate) fn is_spent(&self) -> bool {
        self.left.get() == 0
    }

    /// Notes that an expression needs more than a small effort. `false` means that the effort is full already, so that
    /// the expression fails.
    pub(crate) fn exceed(&self) -> bool {
        let small = self.effort != Effort::Full;
        self.exceeded.set(small);
        small
    }

    /// Whether the event needs more than the small effort that the host wants to make. Nothing counts then of what it
    /// has led to so far.
    pub(crate) fn is_exceeded(&self) -> bool {
        self.exceeded.get()
    }

    pub(crate) fn effort(&self) -> Effort {
        self.effort
    }

    /// How many bytes an expression in JSONata may build, of the most that any may.
    pub(crate) fn bytes(&self, most: usize) -> usize {
        if self.effort == Effort::Full { most } else { most.min(SMALL_BYTES) }
    }

    /// The failure of a state whose budget is used up.
    pub(crate) fn failure() -> Failure {
        Failure::runtime("The expressions of the state take more work than a state may.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_budget_begins_anew_with_each_state_and_a_small_one_serves_a_whole_event() {
        let full = Budget::new(Effort::Full);
        assert!(full.spend(FULL) && !full.spend(1) && full.is_spent() && !full.is_low());
        full.visit();
        assert!(full.spend(1) && !full.is_exceeded());
        assert!(!full.exceed(), "there is no larger one");
        let visits = (0..100).filter(|_| {
            full.visit();
            full.spend(FULL)
        });
        assert_eq!(visits.count() as u64, FULL_EVENT / FULL - 2, "an event ends, too");

        let small = Budget::new(Effort::Small { timed: false });
        assert!(!small.is_low() && small.spend(SMALL) && small.is_low());
        small.visit();
        assert!(!small.is_exceeded() && !small.spend(1) && small.is_exceeded());
        assert!(small.bytes(64 << 20) < full.bytes(64 << 20));
    }
}
