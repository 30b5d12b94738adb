//! The retries that the AWS SDK makes by itself ("standard" mode, as the functions have it on Lambda): three
//! attempts, with a pause between them that grows and is drawn from zero up (AWS SDKs and Tools Reference
//! Guide, "Retry behavior").

use std::time::Duration;

use omniflow_services::ServiceError;

use crate::world::World;

/// How often the SDK tries a request.
pub const ATTEMPTS: u32 = 3;
/// How long a caller waits for an answer before the attempt counts as failed.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// The longest pause after the first attempt, in milliseconds; it doubles with each further one.
const FIRST_PAUSE: u64 = 1_000;

/// What becomes of an attempt.
#[derive(Debug, Clone)]
pub enum Fate {
    /// It is done, and answered.
    Done,
    /// It is refused, and nothing is done; `true` when the SDK tries again.
    Refused(ServiceError, bool),
    /// It is done, and the answer is lost.
    AnswerLost,
    /// It is done this much later, when nobody waits for the answer any more.
    DoneLater(Duration),
    /// It gets no answer, and nothing is done.
    Unanswered,
}

/// The error of a request that got no answer in time.
pub fn unanswered() -> ServiceError {
    ServiceError::unsendable("no answer came in time")
}

/// Waits before the next attempt.
pub async fn pause(world: &World, attempt: u32) {
    let longest = FIRST_PAUSE << (attempt - 1);
    let pause = world.draw(|dice| dice.milliseconds((0, longest)));
    tokio::time::sleep(pause).await;
}
