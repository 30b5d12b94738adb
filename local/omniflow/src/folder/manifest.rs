//! The file `manifest` of a data folder: the folder's identity, and how far each database is known to have
//! come.
//!
//! It is written after each commit, in place and without an fsync, and only with numbers that are safe from
//! power loss already. So it may stay behind what the databases have reached, and is never ahead of them: a
//! database that has not come as far has lost something.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::Database;
use crate::private_files;

/// The name of the file.
pub(crate) const MANIFEST: &str = "manifest";
/// The size of the file in bytes: one sector of a disk, which is written whole or not at all.
const SIZE: usize = 512;
/// The form of the file that this release knows.
const FORM: u32 = 1;

/// What is known of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    form: u32,
    /// A UUID, made with the folder, which each of its databases carries.
    pub(crate) identity: String,
    databases: [Known; Database::ALL.len()],
}

/// What is known of one database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    /// How far it had come when that was last written down; 0 for one that was not made yet.
    pub(crate) reached: u64,
    /// What its file was when it was closed; `None` while it is open, and after a crash.
    pub(crate) seal: Option<Seal>,
}

/// The content of a file that nobody writes any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seal {
    bytes: u64,
    crc32: u32,
}

impl Seal {
    /// The seal of what comes from `content`, which is copied to `copy` meanwhile.
    pub(crate) fn copying(mut content: impl io::Read, mut copy: impl io::Write) -> io::Result<Self> {
        let (mut sum, mut bytes) = (crc32fast::Hasher::new(), 0);
        let mut buffer = vec![0; 1 << 20];
        loop {
            let read = match content.read(&mut buffer) {
                Ok(0) => return Ok(Self { bytes, crc32: sum.finalize() }),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let read = buffer.get(..read).unwrap_or_default();
            sum.update(read);
            copy.write_all(read)?;
            bytes += read.len() as u64;
        }
    }

    /// The seal of a file as it is.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        Self::copying(File::open(path)?, io::sink())
    }
}

impl Manifest {
    /// A manifest of databases that are still to be made or claimed.
    pub(crate) fn new(identity: String) -> Self {
        Self { form: FORM, identity, databases: Default::default() }
    }

    pub(crate) fn of(&self, database: Database) -> Known {
        self.databases.get(database as usize).copied().unwrap_or_default()
    }

    pub(crate) fn set(&mut self, database: Database, known: Known) {
        if let Some(entry) = self.databases.get_mut(database as usize) {
            *entry = known;
        }
    }

    /// The manifest in this folder; `None` when there is none, or when what there is can't be read.
    ///
    /// # Errors
    /// When a later release has written it.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>, String> {
        let mut text = String::new();
        let read = File::open(folder.join(MANIFEST)).and_then(|mut file| file.read_to_string(&mut text));
        let Some(manifest) = read.ok().and_then(|_| Self::parse(&text)) else { return Ok(None) };
        if manifest.form > FORM {
            return Err(format!(
                "{MANIFEST} was written by a later release: run that release, or choose another folder with --data"
            ));
        }
        Ok(Some(manifest))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let (content, sum) = (lines.next()?, lines.next()?);
        let intact = sum.trim() == checksum(content);
        serde_json::from_str(content).ok().filter(|_| intact)
    }

    fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let content = serde_json::to_string(self)?;
        let mut bytes = format!("{content}\n{}\n", checksum(&content)).into_bytes();
        if bytes.len() > SIZE {
            return Err(io::Error::other("the manifest is too long"));
        }
        bytes.resize(SIZE, b' ');
        Ok(bytes)
    }
}

fn checksum(content: &str) -> String {
    format!("{:08x}", crc32fast::hash(content.as_bytes()))
}

/// The manifest of an open folder.
pub(crate) struct ManifestFile {
    file: File,
    manifest: Mutex<Manifest>,
}

impl ManifestFile {
    /// Writes the manifest into the folder, safe from power loss.
    pub(crate) fn create(folder: &Path, manifest: Manifest) -> io::Result<Self> {
        let file = private_files::create(&folder.join(MANIFEST))?;
        let written = Self { file, manifest: Mutex::new(manifest) };
        written.file.set_len(SIZE as u64)?;
        written.change(|_| ())?;
        written.file.sync_all()?;
        File::open(folder)?.sync_all()?;
        Ok(written)
    }

    fn manifest(&self) -> MutexGuard<'_, Manifest> {
        self.manifest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Manifest)) -> io::Result<()> {
        let mut manifest = self.manifest();
        change(&mut manifest);
        self.file.write_all_at(&manifest.to_bytes()?, 0)
    }

    pub(crate) fn identity(&self) -> String {
        self.manifest().identity.clone()
    }

    /// Writes down how far databases have come. The numbers must be safe from power loss.
    pub(crate) fn reached(&self, databases: &[(Database, u64)]) {
        let written = self.change(|manifest| {
            for (database, reached) in databases {
                let known = manifest.of(*database);
                manifest.set(*database, Known { reached: known.reached.max(*reached), ..known });
            }
        });
        if let Err(error) = written {
            tracing::warn!(%error, "the manifest of the data folder can't be written");
        }
    }

    /// Writes down, safe from power loss, what the files are that nobody writes any more.
    pub(crate) fn seal(&self, seals: &[(Database, Seal)]) -> io::Result<()> {
        self.change(|manifest| {
            for (database, seal) in seals {
                let known = manifest.of(*database);
                manifest.set(*database, Known { seal: Some(*seal), ..known });
            }
        })?;
        self.file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_was_written_and_not_at_all_when_it_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Manifest::read(folder.path()), Ok(None));
        // Whatever was there is gone.
        std::fs::write(folder.path().join(MANIFEST), [0xFF; 2 * SIZE]).unwrap();
        assert_eq!(Manifest::read(folder.path()), Ok(None));
        let identity = "01234567-89ab-cdef-0123-456789abcdef".to_owned();
        let file = ManifestFile::create(folder.path(), Manifest::new(identity.clone())).unwrap();
        let most = Seal { bytes: u64::MAX, crc32: u32::MAX };
        file.reached(&Database::ALL.map(|database| (database, u64::MAX)));
        file.reached(&[(Database::Tables, 3)]);
        file.seal(&Database::ALL.map(|database| (database, most))).unwrap();
        let read = Manifest::read(folder.path()).unwrap().unwrap();
        assert_eq!(read.identity, identity);
        assert_eq!(read.of(Database::Tables), Known { reached: u64::MAX, seal: Some(most) });

        let path = folder.path().join(MANIFEST);
        let whole = std::fs::read(&path).unwrap();
        let text_ends = whole.iter().rposition(|byte| *byte != b' ').unwrap();
        for position in 0..text_ends {
            let mut damaged = whole.clone();
            damaged[position] ^= 1;
            std::fs::write(&path, damaged).unwrap();
            assert_eq!(Manifest::read(folder.path()), Ok(None), "flipped at {position}");
        }
    }

    #[test]
    fn one_of_a_later_release_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let later = Manifest { form: FORM + 1, ..Manifest::new("any".to_owned()) };
        ManifestFile::create(folder.path(), later).unwrap();
        let refused = Manifest::read(folder.path()).unwrap_err();
        assert!(refused.contains("later release"), "{refused}");
    }
}
