//! Whether the files of a folder belong together and are whole, before any of them is opened for writing.

use std::path::{Path, PathBuf};

use file_versions::Standing;
use rusqlite::{Connection, OpenFlags};

use super::Database;
use super::manifest::{Known, Manifest, Seal};

/// The largest file, in bytes, whose structure is checked at each start after a crash. 1 GiB takes 1
/// to 2 s when it is in memory, and otherwise as long as reading it takes.
const LARGEST_CHECKED: u64 = 2 << 30;

/// A database as it was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// There is no file, or an empty one.
    Missing,
    /// It is no database, or a damaged one; the text says how.
    Damaged(String),
    /// It carries no identity: it is from a release before there were any, or was made a moment before a crash.
    Unclaimed,
    Claimed(Standing),
}

/// All databases of a folder as they were found.
pub(super) type AllFound = [(Database, Found); Database::ALL.len()];

/// Looks at the databases of a folder. Nothing in them is changed.
pub(super) fn look(folder: &Path) -> AllFound {
    Database::ALL.map(|database| (database, look_at(&folder.join(database.file()))))
}

fn look_at(path: &Path) -> Found {
    if is_empty(path) && is_empty(&log_of(path)) {
        return Found::Missing;
    }
    match Standing::of(path) {
        Ok(Some(standing)) => Found::Claimed(standing),
        Ok(None) => Found::Unclaimed,
        Err(error) => Found::Damaged(error.to_string()),
    }
}

fn is_empty(path: &Path) -> bool {
    path.metadata().map_or(true, |file| file.len() == 0)
}

/// The write-ahead log beside a database.
pub(super) fn log_of(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push("-wal");
    path.into()
}

/// What is to become of the folder: the manifest that it gets. `identity` is for a folder that has none.
///
/// # Errors
/// What is wrong, a line for each file.
pub(super) fn decide(
    manifest: Option<Manifest>,
    found: &AllFound,
    identity: String,
) -> Result<Manifest, Vec<String>> {
    let claimed = found.iter().find_map(|(_, found)| match found {
        Found::Claimed(standing) => Some(standing.identity.clone()),
        _ => None,
    });
    let is_unclaimed = manifest.is_none() && claimed.is_none();
    let is_rebuilt = manifest.is_none() && claimed.is_some();
    let mut manifest = manifest.unwrap_or_else(|| Manifest::new(claimed.unwrap_or(identity)));
    let exists =
        |wanted: Database| found.iter().any(|(one, found)| *one == wanted && *found != Found::Missing);
    let mut problems = Vec::new();
    for (database, found) in found {
        let Known { reached, seal } = manifest.of(*database);
        let known = reached > 0 || seal.is_some() || is_rebuilt;
        // In a folder of an earlier release, one of these two without the other has lost its orders or its
        // workflows.
        let needed = match database {
            Database::Tables => is_unclaimed && exists(Database::Journal),
            Database::Journal => is_unclaimed && exists(Database::Tables),
            Database::Deliveries => false,
        };
        match found {
            Found::Missing if known || needed => problems.push((*database, "is missing".to_owned())),
            Found::Damaged(how) => problems.push((*database, format!("is damaged ({how})"))),
            Found::Unclaimed if known => problems.push((
                *database,
                "is not the one that was here: it carries no identity, as in an earlier release".to_owned(),
            )),
            Found::Claimed(standing) if standing.identity != manifest.identity => {
                problems.push((*database, "belongs to another data folder".to_owned()));
            }
            _ => {}
        }
    }
    for (database, problem) in older(&manifest, found) {
        if !problems.iter().any(|(named, _)| *named == database) {
            problems.push((database, problem));
        }
    }
    if !problems.is_empty() {
        let line = |(database, problem): (Database, String)| format!("{} {problem}", database.file());
        return Err(problems.into_iter().map(line).collect());
    }
    for (database, found) in found {
        if let Found::Claimed(standing) = found {
            let known = manifest.of(*database);
            manifest.set(*database, Known { reached: known.reached.max(standing.reached), ..known });
        }
    }
    Ok(manifest)
}

/// The databases that have not come as far as others know that they had.
fn older(manifest: &Manifest, found: &AllFound) -> Vec<(Database, String)> {
    let standing = |wanted: Database| {
        found.iter().find_map(|(one, found)| match found {
            Found::Claimed(standing) if *one == wanted => Some(standing),
            _ => None,
        })
    };
    let mut older = Vec::new();
    if let (Some(tables), Some(journal)) = (standing(Database::Tables), standing(Database::Journal)) {
        if journal.relies_on > tables.reached {
            let (reached, seen) = (tables.reached, journal.relies_on);
            let problem = format!(
                "is older than journal.db, or has lost writes: it has reached write {reached}, the journal has seen \
                 {seen}"
            );
            older.push((Database::Tables, problem));
        }
        if tables.relies_on > journal.reached {
            let (reached, seen) = (journal.reached, tables.relies_on);
            let problem = format!(
                "is older than tables.db, or has lost commits: it has reached commit {reached}, the tables have seen \
                 {seen}"
            );
            older.push((Database::Journal, problem));
        }
    }
    for database in Database::ALL {
        let known = manifest.of(database).reached;
        if let Some(standing) = standing(database).filter(|standing| standing.reached < known)
            && !older.iter().any(|(named, _)| *named == database)
        {
            let reached = standing.reached;
            let problem = format!(
                "is an older copy, or has lost writes: it has reached write {reached}, and {known} were acknowledged"
            );
            older.push((database, problem));
        }
    }
    older
}

/// Whether the files are whole: bit for bit, where they were sealed, and otherwise in their structure.
///
/// # Errors
/// What is wrong, a line for each file.
pub(super) fn whole(folder: &Path, manifest: &Manifest) -> Result<(), Vec<String>> {
    let problems: Vec<_> = Database::ALL
        .into_iter()
        .filter_map(|database| {
            let path = folder.join(database.file());
            let problem = match manifest.of(database).seal {
                _ if is_empty(&path) => None,
                Some(seal) => changed(&path, seal),
                None => damaged(&path),
            };
            problem.map(|problem| format!("{} {problem}", database.file()))
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn changed(path: &Path, seal: Seal) -> Option<String> {
    match Seal::of(path) {
        Ok(now) if now == seal && is_empty(&log_of(path)) => None,
        Ok(_) => Some("has changed since it was closed: it is damaged, or another copy".to_owned()),
        Err(error) => Some(format!("can't be read ({error})")),
    }
}

fn damaged(path: &Path) -> Option<String> {
    if path.metadata().is_ok_and(|file| file.len() > LARGEST_CHECKED) {
        tracing::info!(path = %path.display(), "too large to be checked at each start");
        return None;
    }
    let check = || {
        let file = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        file.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))
    };
    match check() {
        Ok(said) if said == "ok" => None,
        Ok(said) => Some(format!("is damaged ({})", said.lines().collect::<Vec<_>>().join("; "))),
        Err(error) => Some(format!("is damaged ({error})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(identity: &str, reached: u64, relies_on: u64) -> Found {
        Found::Claimed(Standing { identity: identity.to_owned(), reached, relies_on })
    }

    fn known(reached: [u64; 3]) -> Manifest {
        let mut manifest = Manifest::new("this".to_owned());
        for (database, reached) in Database::ALL.into_iter().zip(reached) {
            manifest.set(database, Known { reached, seal: None });
        }
        manifest
    }

    fn decided(manifest: Option<Manifest>, found: [Found; 3]) -> Result<Manifest, String> {
        let [tables, journal, deliveries] = found;
        let found =
            [(Database::Tables, tables), (Database::Journal, journal), (Database::Deliveries, deliveries)];
        decide(manifest, &found, "new".to_owned()).map_err(|lines| lines.join("\n"))
    }

    #[test]
    fn new_and_earlier_folders_get_an_identity_and_whole_ones_keep_theirs() {
        let all_missing = || [Found::Missing, Found::Missing, Found::Missing];
        assert_eq!(decided(None, all_missing()).unwrap().identity, "new");
        let earlier = [Found::Unclaimed, Found::Unclaimed, Found::Missing];
        assert_eq!(decided(None, earlier).unwrap().identity, "new");
        // The first start, or the adoption of an earlier folder, was cut off at any moment.
        for found in [all_missing(), [standing("this", 1, 0), Found::Unclaimed, Found::Missing]] {
            assert_eq!(decided(Some(known([0, 0, 0])), found).unwrap().identity, "this");
        }
        let whole = || [standing("this", 9, 5), standing("this", 6, 8), standing("this", 2, 0)];
        assert!(decided(Some(known([8, 6, 2])), whole()).is_ok());
        // Without its manifest, the folder gets it back.
        let rebuilt = decided(None, whole()).unwrap();
        assert_eq!((rebuilt.identity.as_str(), rebuilt.of(Database::Tables).reached), ("this", 9));
    }

    #[test]
    fn what_is_missing_damaged_foreign_or_older_is_named() {
        let ok = |reached| standing("this", reached, 0);
        let refused = |found| decided(Some(known([8, 6, 2])), found).unwrap_err();
        assert_eq!(refused([Found::Missing, ok(6), ok(2)]), "tables.db is missing");
        assert_eq!(refused([ok(8), Found::Missing, Found::Missing]).lines().count(), 2);
        assert!(refused([ok(8), ok(6), Found::Missing]).starts_with("deliveries.db is missing"));
        assert!(refused([Found::Damaged("no".into()), ok(6), ok(2)]).contains("tables.db is damaged (no)"));
        assert!(refused([ok(8), standing("that", 9, 0), ok(2)]).contains("journal.db belongs to another"));
        assert!(refused([ok(8), Found::Unclaimed, ok(2)]).contains("journal.db is not the one"));
        let older = refused([ok(7), standing("this", 6, 8), ok(2)]);
        assert_eq!(older.lines().count(), 1, "{older}");
        assert!(older.contains("reached write 7, the journal has seen 8"), "{older}");
        assert!(refused([ok(8), ok(5), ok(2)]).contains("journal.db is an older copy"));
        assert!(
            refused([standing("this", 8, 7), ok(6), ok(2)]).contains("journal.db is older than tables.db")
        );
        assert!(refused([ok(8), ok(6), ok(1)]).contains("deliveries.db is an older copy"));
    }

    #[test]
    fn without_a_manifest_one_database_does_not_start_alone() {
        for found in [
            [Found::Missing, Found::Unclaimed, Found::Missing],
            [Found::Missing, standing("this", 6, 8), standing("this", 2, 0)],
        ] {
            assert_eq!(decided(None, found).unwrap_err(), "tables.db is missing");
        }
        let alone = [Found::Unclaimed, Found::Missing, Found::Unclaimed];
        assert_eq!(decided(None, alone).unwrap_err(), "journal.db is missing");
    }
}
