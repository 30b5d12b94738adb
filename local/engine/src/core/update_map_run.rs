//! UpdateMapRun.

use asl::Tolerated;

use super::state::Core;
use crate::error::Error;
use crate::map_runs::{self, UpdateMapRun};

impl Core {
    /// Changes the limits of a Map Run that has not ended.
    pub(super) fn update_map_run(&mut self, update: &UpdateMapRun) -> Result<(), Error> {
        let row = map_runs::find(&self.journal, &update.arn)?;
        if update.tolerated_percentage.is_some_and(|share| !(0.0..=100.0).contains(&share)) {
            return Err(Error::Validation(
                "1 validation error detected: Value at 'toleratedFailurePercentage' failed to satisfy constraint: Member must be between 0 and 100".to_owned(),
            ));
        }
        let tolerated = Tolerated { count: update.tolerated_count, percentage: update.tolerated_percentage };
        if !self.limit_map_run(row.id, update.max_concurrency, tolerated)? {
            let why = format!("Map Run is {} and cannot be updated", row.status);
            return Err(Error::Validation(why));
        }
        Ok(())
    }
}
