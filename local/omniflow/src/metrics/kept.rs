//! Keeps what was counted over restarts, in the file `metrics` of the data folder.
//!
//! Nothing depends on it: it is written each 10 s and at the end, without an fsync, a crash loses what was
//! counted since, and a file that can't be read is begun anew. Backups don't hold it.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Counted, Metrics};
use crate::private_files;

/// The name of the file, and of the one that becomes it when it is written whole.
const FILE: &str = "metrics";
const FRESH: &str = "metrics-new";
/// The form of the file that this release knows.
const FORM: u32 = 1;
/// How often it is written.
const EVERY: Duration = Duration::from_secs(10);

#[derive(Serialize, Deserialize)]
struct Kept {
    form: u32,
    counted: Counted,
}

/// Adds to `metrics` what the folder has kept.
pub(crate) fn load(folder: &Path, metrics: &Metrics) {
    let path = folder.join(FILE);
    let kept = match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice::<Kept>(&bytes).map_err(io::Error::from),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => Err(error),
    };
    match kept {
        Ok(Kept { form: FORM, counted }) => *metrics.counted() = counted,
        Ok(Kept { form, .. }) => {
            tracing::warn!(path = %path.display(), form, "these metrics are of another release: counting begins anew");
        }
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "the metrics can't be read: counting begins anew");
        }
    }
}

/// Writes what was counted into the folder.
///
/// # Errors
/// When the file can't be written. What it held before is still there then.
pub(crate) fn keep_once(folder: &Path, metrics: &Metrics) -> io::Result<()> {
    let bytes = serde_json::to_vec(&Kept { form: FORM, counted: metrics.counted().clone() })?;
    let fresh = folder.join(FRESH);
    let mut file = private_files::create(&fresh)?;
    file.set_len(0)?;
    file.write_all(&bytes)?;
    fs::rename(fresh, folder.join(FILE))
}

/// Writes what was counted again and again, until the task is aborted.
pub(crate) async fn keep(folder: PathBuf, metrics: Metrics) {
    let mut failed = false;
    loop {
        tokio::time::sleep(EVERY).await;
        let (folder, metrics) = (folder.clone(), metrics.clone());
        match tokio::task::spawn_blocking(move || keep_once(&folder, &metrics)).await {
            Ok(Ok(())) => failed = false,
            // A disk that is full is told once, and whatever needs it tells by itself.
            Ok(Err(error)) if !failed => {
                failed = true;
                tracing::warn!(%error, "the metrics can't be kept");
            }
            Ok(Err(_)) => {}
            // The process is stopping.
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::metrics::Value;

    fn some() -> Metrics {
        let metrics = Metrics::default();
        let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        metrics.add("OrdersCompleted", Value::Count(3), at);
        metrics.add("SecondsToPay", Value::Seconds(1.5), at);
        metrics
    }

    #[test]
    fn what_was_counted_is_there_again_and_a_damaged_file_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let again = Metrics::default();
        load(folder.path(), &again);
        assert_eq!(*again.counted(), Counted::default());
        for _ in 0..2 {
            keep_once(folder.path(), &some()).unwrap();
        }
        load(folder.path(), &again);
        assert_eq!(*again.counted(), *some().counted());
        for damaged in [&b"{"[..], br#"{"form":2,"counted":{}}"#, br#"{"form":1,"counted":{"total":7}}"#] {
            fs::write(folder.path().join(FILE), damaged).unwrap();
            let anew = Metrics::default();
            load(folder.path(), &anew);
            assert_eq!(*anew.counted(), Counted::default());
        }
    }
}
