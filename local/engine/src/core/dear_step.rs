//! A step of an execution that is taken beside the groups, since its expressions cost more than a group has time for.
//!
//! It needs nothing of the engine: the execution is plain data, and what it sees of the outside comes with it. So it
//! gives the same result wherever and whenever it is taken.

use std::cell::RefCell;
use std::sync::Arc;

use asl::{Allowance, Ambient, Effects, Event, Execution, Machine, TaskId, Timestamp};

use super::quarantine::guarded;
use crate::journal::Seq;
use crate::token::TokenKey;

/// How far an execution goes beside the groups: to the next state, which may be cheap again.
const ALLOWANCE: Allowance = Allowance { states: 1, bytes: usize::MAX };
/// How many compiled machines a thread keeps for the steps that follow. A machine can't leave its thread.
const MACHINES: usize = 4;

thread_local! {
    static COMPILED: RefCell<Vec<(Arc<str>, Machine)>> = const { RefCell::new(Vec::new()) };
}

/// A step that is still to be taken.
pub(crate) struct DearStep {
    pub(super) seq: Seq,
    /// Tells the step from others of the same execution.
    pub(super) number: u64,
    pub(super) definition: Arc<str>,
    pub(super) execution: Execution,
    pub(super) event: Event,
    pub(super) outside: Outside,
}

/// What became of it: the execution and the effects, or what a panic said.
pub(crate) struct StepTaken {
    pub(super) seq: Seq,
    pub(super) number: u64,
    pub(super) result: Result<(Execution, Effects), String>,
}

impl DearStep {
    pub(crate) fn take(self) -> StepTaken {
        let Self { seq, number, definition, mut execution, event, mut outside } = self;
        let result = guarded(|| {
            with_machine(&definition, |machine| {
                let effects = execution.apply(machine, event, &mut outside);
                (execution, effects)
            })
        });
        StepTaken { seq, number, result: result.and_then(|done| done) }
    }
}

/// Does work with the compiled definition. An error says why it can't be compiled.
fn with_machine<T>(definition: &Arc<str>, work: impl FnOnce(&Machine) -> T) -> Result<T, String> {
    COMPILED.with_borrow_mut(|compiled| {
        let at = match compiled.iter().position(|(text, _)| text == definition) {
            Some(at) => at,
            None => {
                let machine = Machine::parse(definition).map_err(|invalid| invalid.to_string())?;
                compiled.truncate(MACHINES - 1);
                compiled.insert(0, (Arc::clone(definition), machine));
                0
            }
        };
        let (_, machine) = compiled.get(at).ok_or("the compiled definition is gone")?;
        Ok(work(machine))
    })
}

/// What the step sees of the outside. Time stands still meanwhile.
pub(super) struct Outside {
    pub(super) now: Timestamp,
    /// Where the step's random numbers begin.
    pub(super) seed: u64,
    pub(super) key: TokenKey,
    pub(super) seq: Seq,
}

impl Ambient for Outside {
    fn now(&self) -> Timestamp {
        self.now
    }

    /// Numbers of splitmix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
    fn random(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.seed ^ (self.seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn task_token(&mut self, task: TaskId) -> String {
        self.key.issue(self.seq, task)
    }

    fn allowance(&self) -> Allowance {
        ALLOWANCE
    }
}
