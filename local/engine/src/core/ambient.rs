//! What the interpreter learns from outside: the time, randomness, task tokens.

use asl::{Allowance, Ambient, TaskId, Timestamp};

use crate::journal::Seq;
use crate::token::TokenKey;
use ambient::Randomness;

/// How far an execution goes for one event before it pauses: far enough that real state machines never notice, and
/// little enough that a loop without a wait holds nobody up.
const ALLOWANCE: Allowance = Allowance { states: 250, bytes: 2 << 20 };

/// The outside of one execution while one event is applied to it. Time stands still meanwhile.
pub(super) struct ExecutionAmbient<'a> {
    pub now: Timestamp,
    pub randomness: &'a Randomness,
    pub key: &'a TokenKey,
    pub seq: Seq,
}

impl Ambient for ExecutionAmbient<'_> {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn random(&mut self) -> u64 {
        self.randomness.bits()
    }

    fn task_token(&mut self, task: TaskId) -> String {
        self.key.issue(self.seq, task)
    }

    fn allowance(&self) -> Allowance {
        ALLOWANCE
    }
}
