//! The write-ahead log of a file, and the disk that it takes.

use std::time::Duration;

use rusqlite::Connection;

/// A log that is no longer than so many bytes stays as it is.
const SHORT: u64 = 256 * 1024;

/// Writes back what the log holds and cuts it to nothing, if it is long. When others still read from it, it stays as
/// it is, and nobody waits for them.
///
/// It is for times in which little is written: by itself SQLite writes over the log from its beginning and leaves it as
/// long as it ever was, because that is faster than a log that grows (SQLite's documentation, "Write-Ahead Logging",
/// section "Avoiding Excessively Large WAL Files").
///
/// # Errors
/// When the log can't be written back.
pub fn cut_log(file: &Connection) -> rusqlite::Result<()> {
    let log = file.path().map(|path| format!("{path}-wal"));
    if log.and_then(|log| std::fs::metadata(log).ok()).is_none_or(|log| log.len() <= SHORT) {
        return Ok(());
    }
    let patience: u64 = file.pragma_query_value(None, "busy_timeout", |row| row.get(0))?;
    file.busy_timeout(Duration::ZERO)?;
    let cut = file.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    file.busy_timeout(Duration::from_millis(patience))?;
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_log_is_cut_once_nobody_reads_from_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("any.db");
        let length = || folder.path().join("any.db-wal").metadata().unwrap().len();
        let file = Connection::open(&path).unwrap();
        file.pragma_update(None, "journal_mode", "WAL").unwrap();
        file.execute_batch("CREATE TABLE t (filling BLOB)").unwrap();
        let short = length();
        cut_log(&file).unwrap();
        assert_eq!(length(), short);

        let reader = Connection::open(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT * FROM t").unwrap();
        file.execute("INSERT INTO t VALUES (zeroblob(1000000))", []).unwrap();
        cut_log(&file).unwrap();
        assert!(length() > 1_000_000);
        reader.execute_batch("COMMIT").unwrap();
        cut_log(&file).unwrap();
        assert_eq!(length(), 0);
        let kept: i64 = reader.query_row("SELECT length(filling) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(kept, 1_000_000);
    }
}
