//! EventBridge's schedules: functions called again and again.

use std::time::Duration;

use ambient::Surroundings;
use chrono::SecondsFormat;
use serde_json::{Value, json};

use crate::lambda::Functions;
use template::{Place, Schedule};

/// When the calls after a start are made: what a crash left behind should not wait for a whole period, nor what was
/// too young for the first call.
const AFTER_A_START: [Duration; 2] = [Duration::ZERO, Duration::from_secs(3)];

/// Calls the schedule's function for ever.
pub(crate) async fn run(schedule: Schedule, functions: Functions, place: Place, surroundings: Surroundings) {
    let pauses = AFTER_A_START.into_iter().chain(std::iter::repeat(schedule.every));
    for pause in pauses {
        tokio::time::sleep(pause).await;
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
