//! The schedules of EventBridge: functions that are called at a fixed rate.

use std::time::Duration;

use ambient::Surroundings;
use chrono::SecondsFormat;
use serde_json::{Value, json};

use crate::lambda::Functions;
use template::{Place, Schedule};

/// The pauses before the first two calls after a start. The first call handles at once what a crash left
/// behind; the second, what was still too young then. Later calls follow at the schedule's rate.
const AFTER_A_START: [Duration; 2] = [Duration::ZERO, Duration::from_secs(3)];

/// Calls the schedule's function until the task is aborted.
pub(crate) async fn run(schedule: Schedule, functions: Functions, place: Place, surroundings: Surroundings) {
    let pauses = AFTER_A_START.into_iter().chain(std::iter::repeat(schedule.every));
    for pause in pauses {
        crate::pause::pause(&*surroundings.clock, pause).await;
        let event =
            schedule.input.clone().unwrap_or_else(|| scheduled_event(&schedule, &place, &surroundings));
        match functions.invoke(&schedule.function, event).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::warn!(function = schedule.function, error = %error.payload, "a scheduled call failed");
            }
            Err(error) => tracing::warn!(function = schedule.function, %error, "no scheduled call"),
        }
    }
}

fn scheduled_event(schedule: &Schedule, place: &Place, surroundings: &Surroundings) -> Value {
    let Place { region, account } = place;
    json!({
        "version": "0",
        "id": surroundings.randomness.uuid_v4().to_string(),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": account,
        "time": surroundings.clock.now().to_rfc3339_opts(SecondsFormat::Secs, true),
        "region": region,
        "resources": [format!("arn:aws:events:{region}:{account}:rule/{}", schedule.name)],
        "detail": {},
    })
}
