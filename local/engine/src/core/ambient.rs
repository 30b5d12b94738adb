//! What the interpreter learns from outside: the time, randomness, task tokens.

use std::time::{Duration, Instant};

use asl::{Allowance, Ambient, Effort, TaskId, Timestamp};

use crate::journal::Seq;
use crate::token::TokenKey;
use ambient::Randomness;

/// How far an execution goes for one event before it pauses: far enough that real state machines never notice, and
/// little enough that a loop without a wait holds nobody up.
const ALLOWANCE: Allowance = Allowance { states: 250, bytes: 2 << 20 };

/// How long an execution goes on for one event, when the engine has a thread of its own.
const TIME: Duration = Duration::from_millis(5);

/// The outside of one execution while one event is applied to it. Time stands still meanwhile.
pub(super) struct ExecutionAmbient<'a> {
    pub now: Timestamp,
    pub randomness: &'a Randomness,
    pub key: &'a TokenKey,
    pub seq: Seq,
    pub allowance: Allowance,
    pace: Pace,
}

/// What ends the work on one event, besides the work that is counted.
#[derive(Debug, Clone, Copy)]
enum Pace {
    /// Nothing. So the same requests lead to the same groups, whatever the machine does besides.
    Counted,
    /// The machine's clock, which began at this instant.
    Timed(Instant),
}

impl<'a> ExecutionAmbient<'a> {
    /// `timed` says whether the machine's clock counts.
    pub(super) fn new(
        now: Timestamp,
        randomness: &'a Randomness,
        key: &'a TokenKey,
        seq: Seq,
        timed: bool,
    ) -> Self {
        let pace = if timed { Pace::Timed(Instant::now()) } else { Pace::Counted };
        Self { now, randomness, key, seq, allowance: ALLOWANCE, pace }
    }
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
        self.allowance
    }

    fn effort(&self) -> Effort {
        Effort::Small { timed: matches!(self.pace, Pace::Timed(_)) }
    }

    fn wants_pause(&self) -> bool {
        matches!(self.pace, Pace::Timed(since) if since.elapsed() > TIME)
    }
}
