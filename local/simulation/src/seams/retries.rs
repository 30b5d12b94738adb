//! The retries that the AWS SDK makes by itself ("standard" mode, as the functions have it on Lambda): three
//! attempts, with a pause between them that grows and is drawn from zero up (AWS SDKs and Tools Reference
//! Guide, "Retry behavior").

use std::time::Duration;

use futures::future::BoxFuture;
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
fn unanswered() -> ServiceError {
    ServiceError::unsendable("no answer came in time")
}

/// Makes a request in so many attempts. `fate` decides what becomes of each; `perform` does what is asked for,
/// and `late` does it after a time, whether or not the caller lives to see it.
pub async fn call<Request: Clone, T>(
    world: &World,
    what: &str,
    attempts: u32,
    request: Request,
    fate: impl Fn() -> Fate,
    perform: impl Fn(Request) -> BoxFuture<'static, Result<T, ServiceError>>,
    late: impl Fn(Request, Duration),
) -> Result<T, ServiceError> {
    let mut error = unanswered();
    for attempt in 1..=attempts {
        world.travel(what).await;
        match fate() {
            Fate::Done => {
                let answer = perform(request.clone()).await;
                if let Err(refusal) = &answer {
                    world.note_here(format_args!("{what}: {refusal}"));
                }
                match answer {
                    Err(refusal) if is_throttled(&refusal) => error = refusal,
                    answer => return answer,
                }
            }
            Fate::Refused(refusal, again) => {
                world.note_here(format_args!("{what}: {refusal}"));
                error = refusal;
                if !again {
                    break;
                }
            }
            silent => {
                match silent {
                    Fate::AnswerLost => {
                        world.note_here(format_args!("{what}: the answer will be lost"));
                        // Nobody hears how it ended.
                        let _ = perform(request.clone()).await;
                    }
                    Fate::DoneLater(later) => {
                        world.note_here(format_args!("{what}: it will be done in {later:?}"));
                        late(request.clone(), later);
                    }
                    _ => world.note_here(format_args!("{what}: no answer")),
                }
                tokio::time::sleep(PATIENCE).await;
                error = unanswered();
            }
        }
        if attempt < attempts {
            pause(world, attempt).await;
        }
    }
    Err(error)
}

/// Whether the SDK takes this for a sign that a service has too much to do, after which it tries again.
fn is_throttled(error: &ServiceError) -> bool {
    matches!(
        error.code.as_deref(),
        Some("ProvisionedThroughputExceededException" | "ThrottlingException" | "RequestLimitExceeded")
    )
}

/// Waits before the next attempt.
async fn pause(world: &World, attempt: u32) {
    let longest = FIRST_PAUSE << (attempt - 1);
    let pause = world.draw(|dice| dice.milliseconds((0, longest)));
    tokio::time::sleep(pause).await;
}
