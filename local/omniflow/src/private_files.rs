//! Files that only the user who runs this process may read. They hold orders, customers, and the key that
//! task tokens are sealed with.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The files that the runtime keeps in its folder, and the log that the Makefile keeps beside them. SQLite
/// gives the files that it adds to a database the mode of the database ("How SQLite is Implemented:
/// robust_open").
const OWN_FILES: [&str; 10] = [
    "lock",
    "tables.db",
    "journal.db",
    "deliveries.db",
    "manifest",
    "control",
    "restoring",
    "log",
    "metrics",
    "metrics-new",
];
const ADDED_BY_SQLITE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Creates the folder with mode 0700. An existing folder gets that mode when it has files of this runtime and
/// no others; any other folder keeps its own mode, because other users may need it.
pub(crate) fn folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let names = fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.file_name()));
    let names = names.collect::<io::Result<Vec<_>>>()?;
    let is_ours = !names.is_empty() && names.iter().all(|name| is_own(&name.to_string_lossy()));
    if is_ours { restrict(path, 0o700) } else { Ok(()) }
}

/// The path of a database in the folder, whose files have mode 0600. A database that doesn't exist is
/// created empty with that mode, so that it is never readable by others.
pub(crate) fn database(folder: &Path, name: &str) -> io::Result<PathBuf> {
    let path = folder.join(name);
    create(&path)?;
    for added in ADDED_BY_SQLITE {
        let beside = folder.join(format!("{name}{added}"));
        if beside.exists() {
            restrict(&beside, 0o600)?;
        }
    }
    Ok(path)
}

/// Opens the file for writing, with mode 0600.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    restrict(path, 0o600)?;
    Ok(file)
}

fn is_own(name: &str) -> bool {
    OWN_FILES.iter().any(|own| {
        name.strip_prefix(own).is_some_and(|added| added.is_empty() || ADDED_BY_SQLITE.contains(&added))
    })
}

/// Removes the permissions that `mode` doesn't have, and adds none. On a volume where that can't be done, as
/// where the folder belongs to another user, the log says so and the runtime goes on.
fn restrict(path: &Path, mode: u32) -> io::Result<()> {
    let now = fs::metadata(path)?.permissions().mode() & 0o7777;
    if now & !mode != 0
        && let Err(error) = fs::set_permissions(path, Permissions::from_mode(now & mode))
    {
        tracing::warn!(path = %path.display(), %error, "others may read this: chmod {mode:o} can't be done");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn what_is_made_and_what_was_there_is_for_its_owner_alone() {
        let place = tempfile::tempdir().unwrap();
        let data = place.path().join("made/data");
        folder(&data).unwrap();
        assert_eq!((mode(&data), mode(&database(&data, "tables.db").unwrap())), (0o700, 0o600));
        // An earlier release left the files with these modes.
        for name in ["tables.db", "tables.db-wal"] {
            fs::write(data.join(name), "kept").unwrap();
            fs::set_permissions(data.join(name), Permissions::from_mode(0o644)).unwrap();
        }
        fs::set_permissions(&data, Permissions::from_mode(0o755)).unwrap();
        folder(&data).unwrap();
        database(&data, "tables.db").unwrap();
        assert_eq!((mode(&data), mode(&data.join("tables.db-wal"))), (0o700, 0o600));
        assert_eq!(
            (mode(&data.join("tables.db")), fs::read(data.join("tables.db")).unwrap()),
            (0o600, b"kept".into())
        );
    }

    #[test]
    fn a_folder_with_files_of_others_stays_open_to_them() {
        let place = tempfile::tempdir().unwrap();
        fs::set_permissions(place.path(), Permissions::from_mode(0o755)).unwrap();
        fs::write(place.path().join("holiday.jpg"), "").unwrap();
        folder(place.path()).unwrap();
        assert_eq!(mode(place.path()), 0o755);
    }
}
