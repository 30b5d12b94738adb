//! The files of a data folder belong together: what is missing, damaged, foreign or older than the rest is named at the
//! start, and nothing is written over it. A backup is made while the runtime runs, and a runtime goes on from it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use omniflow_e2e::{EVERYWHERE, Order, Runtime, Settings, eventually, refusal, refusals, run};
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

const DATABASES: [&str; 3] = ["tables.db", "journal.db", "deliveries.db"];
const LOGS: [&str; 3] = ["tables.db-wal", "journal.db-wal", "deliveries.db-wal"];

fn one() -> Value {
    json!({ "customer_id": "customer", "items": [{ "product_id": EVERYWHERE, "quantity": 1, "price": 10 }] })
}

fn settings(data: &Path) -> Settings {
    Settings::default().payment_window(3_000).data(data)
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Told,
    Killed,
}

/// Orders in a folder, and what was acknowledged of them.
struct Lived {
    folder: TempDir,
    waiting: Vec<String>,
    completed: Vec<String>,
}

impl Lived {
    fn nowhere() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), waiting: Vec::new(), completed: Vec::new() }
    }

    /// A folder in which a process has lived. `None` when the target is a foreign one.
    async fn once(end: End) -> Option<Self> {
        let mut lived = Self::nowhere();
        lived.live(end).await.then_some(lived)
    }

    async fn live(&mut self, end: End) -> bool {
        let Some(runtime) = Runtime::own(&settings(self.path())) else { return false };
        let shop = runtime.shop();
        for _ in 0..3 {
            let id = shop.place_unpaid(&one()).await;
            shop.pay(&id).await.success();
            shop.reaches(&id, "COMPLETED").await;
            self.completed.push(id);
            self.waiting.push(shop.place_unpaid(&one()).await);
        }
        match end {
            End::Told => assert!(runtime.terminate().success()),
            End::Killed => runtime.kill(),
        }
        true
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    fn copy(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in DATABASES.into_iter().chain(LOGS).chain(["manifest"]) {
            if self.file(name).exists() {
                fs::copy(self.file(name), folder.path().join(name)).unwrap();
            }
        }
        Self { folder, waiting: self.waiting.clone(), completed: self.completed.clone() }
    }

    fn remove(&self, database: &str) {
        for added in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(self.file(&format!("{database}{added}")));
        }
    }

    /// Puts the database of another folder in the place of this one's.
    fn replace(&self, database: &str, other: &Self) {
        self.remove(database);
        for added in ["", "-wal"] {
            let name = format!("{database}{added}");
            if other.file(&name).exists() {
                fs::copy(other.file(&name), self.file(&name)).unwrap();
            }
        }
    }

    fn content(&self) -> Vec<Option<Vec<u8>>> {
        DATABASES.into_iter().chain(LOGS).map(|name| fs::read(self.file(name)).ok()).collect()
    }

    /// The lines that name what is wrong, each of which says what to do. Nothing was changed.
    fn refused(&self) -> Vec<String> {
        let before = self.content();
        let said = refusals(&settings(self.path()));
        for line in &said {
            assert!(line.contains("omniflow restore BACKUP --data"), "what to do? {line}");
            assert!(line.contains(self.path().to_str().unwrap()), "which folder? {line}");
        }
        for ((before, now), name) in before.iter().zip(self.content()).zip(DATABASES.into_iter().chain(LOGS))
        {
            // A reader makes an empty log and takes it away again.
            let something = |content: &Option<Vec<u8>>| content.clone().filter(|bytes| !bytes.is_empty());
            assert!(something(before) == something(&now), "{name} was written");
        }
        said
    }

    /// A process on this folder knows all that was acknowledged.
    async fn has_lost_nothing(&self) {
        let runtime = Runtime::own(&settings(self.path())).unwrap();
        let shop = runtime.shop();
        for (ids, state) in [(&self.waiting, "AWAITING_PAYMENT"), (&self.completed, "COMPLETED")] {
            for id in ids {
                assert_eq!(shop.read(id).await.state(), state);
            }
        }
        for id in &self.waiting {
            shop.pay(id).await.success();
            shop.reaches(id, "COMPLETED").await;
        }
        assert_eq!(shop.all_orders().await.len(), self.waiting.len() + self.completed.len());
    }
}

#[tokio::test]
async fn a_database_that_is_missing_is_named_and_not_made_anew() {
    for end in [End::Told, End::Killed] {
        let Some(lived) = Lived::once(end).await else { return };
        for database in DATABASES {
            let copy = lived.copy();
            copy.remove(database);
            let [said] = &copy.refused()[..] else { panic!("{end:?}: more than one line") };
            assert!(said.contains(&format!("{database} is missing")), "{said}");
        }
        let copy = lived.copy();
        for database in DATABASES {
            copy.remove(database);
        }
        assert_eq!(copy.refused().len(), DATABASES.len());
    }
}

#[tokio::test]
async fn a_database_of_another_folder_is_named() {
    let (Some(lived), Some(other)) = (Lived::once(End::Killed).await, Lived::once(End::Killed).await) else {
        return;
    };
    for database in DATABASES {
        let copy = lived.copy();
        copy.replace(database, &other);
        let said = copy.refused().join("\n");
        assert!(said.contains(&format!("{database} belongs to another data folder")), "{said}");
        // Also without the manifest, which then is made of what the databases say.
        fs::remove_file(copy.file("manifest")).unwrap();
        let said = copy.refused().join("\n");
        assert!(said.contains("belongs to another data folder"), "{said}");
    }
}

#[tokio::test]
async fn an_older_copy_of_a_database_is_named_or_is_as_new_as_it_must_be() {
    let Some(mut lived) = Lived::once(End::Told).await else { return };
    let older = lived.copy();
    lived.live(End::Killed).await;
    for database in ["tables.db", "journal.db"] {
        let copy = lived.copy();
        copy.replace(database, &older);
        let [said] = &copy.refused()[..] else { panic!("more than one line") };
        assert!(said.contains(&format!("{database} is older than")), "{said}");
        fs::remove_file(copy.file("manifest")).unwrap();
        let said = copy.refused().join("\n");
        assert!(said.contains(&format!("{database} is older than")), "without a manifest: {said}");
    }
    // Without the log, a database is older, too.
    for (database, log) in DATABASES.into_iter().zip(LOGS).take(2) {
        let copy = lived.copy();
        fs::remove_file(copy.file(log)).unwrap();
        let said = copy.refused().join("\n");
        assert!(said.contains(database), "{said}");
    }
    lived.has_lost_nothing().await;
}

#[tokio::test]
async fn after_a_clean_end_every_flipped_byte_and_every_cut_is_found() {
    let Some(lived) = Lived::once(End::Told).await else { return };
    for database in DATABASES {
        let whole = fs::read(lived.file(database)).unwrap();
        for part in 0..8 {
            let mut damaged = whole.clone();
            let position = (damaged.len() - 1) * part / 7;
            damaged[position] ^= 0x10;
            fs::write(lived.file(database), &damaged).unwrap();
            let said = lived.refused().join("\n");
            assert!(said.contains(database), "flipped at {position}: {said}");
        }
        for length in [1, whole.len() / 2, whole.len() - 4096] {
            fs::write(lived.file(database), &whole[..length]).unwrap();
            let said = lived.refused().join("\n");
            assert!(said.contains(database), "cut to {length}: {said}");
        }
        fs::write(lived.file(database), &whole).unwrap();
    }
    lived.has_lost_nothing().await;
}

#[tokio::test]
async fn after_a_crash_damage_is_found_or_has_cost_nothing() {
    let Some(lived) = Lived::once(End::Killed).await else { return };
    let mut found = 0;
    for name in DATABASES.into_iter().chain(LOGS) {
        let whole = fs::read(lived.file(name)).unwrap();
        let flips = (0..5).map(|part| ((whole.len() - 1) * part / 4, None));
        let cuts = [whole.len() / 3, whole.len() / 2].map(|length| (length, Some(length)));
        for (position, cut) in flips.chain(cuts) {
            let copy = lived.copy();
            let mut damaged = whole.clone();
            match cut {
                Some(length) => damaged.truncate(length),
                None => damaged[position] ^= 0x10,
            }
            fs::write(copy.file(name), damaged).unwrap();
            let database = name.trim_end_matches("-wal");
            let output = try_start(&copy);
            match output {
                Err(said) => {
                    assert!(said.contains(database), "{name} at {position}, cut: {cut:?}: {said}");
                    found += 1;
                }
                Ok(runtime) => {
                    runtime.kill();
                    copy.has_lost_nothing().await;
                }
            }
        }
    }
    assert!(found > 10, "only {found} were found");
}

/// A process on this folder, or the lines with which it refuses to start.
fn try_start(lived: &Lived) -> Result<Runtime, String> {
    let (send, started) = std::sync::mpsc::channel();
    let settings = settings(lived.path());
    let starting = settings.clone();
    let thread = std::thread::spawn(move || {
        let quiet = std::panic::catch_unwind(|| Runtime::own(&starting));
        let _ = send.send(quiet.ok().flatten());
    });
    let runtime = started.recv().unwrap();
    thread.join().unwrap();
    runtime.ok_or_else(|| lived.refused().join("\n"))
}

#[tokio::test]
async fn a_folder_of_a_release_without_identities_is_adopted_whole_and_not_in_part() {
    let Some(lived) = Lived::once(End::Told).await else { return };
    fs::remove_file(lived.file("manifest")).unwrap();
    for database in DATABASES {
        let file = Connection::open(lived.file(database)).unwrap();
        file.execute_batch("DROP TABLE \"omniflow::standing\"").unwrap();
    }
    for (removed, named) in [("tables.db", "tables.db is missing"), ("journal.db", "journal.db is missing")] {
        let copy = lived.copy();
        copy.remove(removed);
        let said = copy.refused().join("\n");
        assert!(said.contains(named), "{said}");
    }
    let unclaimed = lived.copy();
    lived.has_lost_nothing().await;
    // From now on it is known.
    lived.replace("journal.db", &unclaimed);
    let said = lived.refused().join("\n");
    assert!(said.contains("journal.db is not the one that was here"), "{said}");
}

#[tokio::test]
async fn the_manifest_is_made_anew_when_only_it_is_lost_or_damaged() {
    let Some(lived) = Lived::once(End::Killed).await else { return };
    let copy = lived.copy();
    fs::write(copy.file("manifest"), "not what it was").unwrap();
    copy.has_lost_nothing().await;
    fs::remove_file(lived.file("manifest")).unwrap();
    lived.has_lost_nothing().await;
    assert!(lived.file("manifest").exists());
}

fn back_up(data: &Path, to: &Path) -> (bool, String) {
    let output = run(&["backup", to.to_str().unwrap(), "--data", data.to_str().unwrap()]);
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

fn restore(backup: &Path, to: &Path) -> (bool, String) {
    let output = run(&["restore", backup.to_str().unwrap(), "--data", to.to_str().unwrap()]);
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

fn restored(backup: &Path, of: &Lived) -> Lived {
    let mut lived = Lived::nowhere();
    let (done, said) = restore(backup, lived.path());
    assert!(done, "{said}");
    for name in DATABASES.into_iter().chain(["manifest"]) {
        let mode = fs::metadata(lived.file(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    (lived.waiting, lived.completed) = (of.waiting.clone(), of.completed.clone());
    lived
}

#[tokio::test]
async fn a_folder_that_nobody_uses_is_backed_up_and_restored_too() {
    for end in [End::Told, End::Killed] {
        let Some(lived) = Lived::once(end).await else { return };
        let place = tempfile::tempdir().unwrap();
        let backup = place.path().join("backup");
        let (done, said) = back_up(lived.path(), &backup);
        assert!(done, "{said}");
        restored(&backup, &lived).has_lost_nothing().await;
        lived.has_lost_nothing().await;

        let (done, said) = back_up(lived.path(), &backup);
        assert!(!done && said.contains("is not empty"), "{said}");
        let (done, said) = restore(&backup, lived.path());
        assert!(!done && said.contains("is not empty"), "{said}");
        let journal = backup.join("journal.db");
        let mut damaged = fs::read(&journal).unwrap();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 1;
        fs::write(&journal, damaged).unwrap();
        let half = tempfile::tempdir().unwrap();
        let (done, said) = restore(&backup, half.path());
        assert!(!done && said.contains("journal.db in the backup is damaged"), "{said}");
        let said = refusal(&settings(half.path()));
        assert!(said.contains("a restore was cut off here"), "{said}");
        fs::remove_file(backup.join("manifest")).unwrap();
        let (done, said) = restore(&backup, &place.path().join("new"));
        assert!(!done && said.contains("is no backup"), "{said}");
    }
    let (done, said) = back_up(Path::new("/nowhere"), &std::env::temp_dir().join("never"));
    assert!(!done && said.contains("there is no data folder /nowhere"), "{said}");
}

/// Numbers are noted only when what they speak of is safe. So what a power failure leaves (each file as it was last
/// synced, with the newest manifest) is never refused, and has all that was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_power_failure_leaves_is_never_refused() {
    const BUYERS: usize = 6;
    let place = tempfile::tempdir().unwrap();
    let library = place.path().join("synced_copies.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/synced_copies.c");
    let compiled = std::process::Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .args(["-ldl", "-lpthread"])
        .status()
        .unwrap();
    assert!(compiled.success());
    let copies = place.path().join("copies");
    fs::create_dir(&copies).unwrap();
    let lived = Lived::nowhere();
    for end in [End::Killed, End::Told, End::Killed] {
        let watched = settings(lived.path())
            .environment("LD_PRELOAD", library.to_str().unwrap())
            .environment("SYNCED_COPIES", copies.to_str().unwrap());
        let Some(runtime) = Runtime::own(&watched) else { return };
        let shop = runtime.shop();
        let buy = async || {
            let mut ids = Vec::new();
            for _ in 0..5 {
                let mut order = one();
                order["payment"] = json!({ "method": "pm_card" });
                ids.push(shop.place(&order).await);
            }
            ids
        };
        let acknowledged = futures::future::join_all((0..BUYERS).map(|_| buy())).await.concat();
        match end {
            End::Killed => runtime.kill(),
            End::Told => assert!(runtime.terminate().success()),
        }
        let left = Lived::nowhere();
        for entry in fs::read_dir(&copies).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if name.ends_with(".db") || name.ends_with(".db-wal") {
                fs::copy(entry.path(), left.file(&name)).unwrap();
            }
        }
        fs::copy(lived.file("manifest"), left.file("manifest")).unwrap();
        let runtime = Runtime::own(&settings(left.path())).unwrap();
        let shop = runtime.shop();
        for id in &acknowledged {
            assert_eq!(shop.ends(id).await.state(), "COMPLETED", "{end:?}");
        }
    }
}

/// Orders are made, paid and cancelled while a backup is made: whatever was acknowledged before it began is in it, and
/// all goes on to its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_made_under_load_is_one_consistent_point_from_which_all_goes_on() {
    const BUYERS: usize = 8;
    let lived = Lived::nowhere();
    let Some(runtime) = Runtime::own(&settings(lived.path())) else { return };
    let (shop, stock) = (runtime.shop(), runtime.shop().stock(EVERYWHERE).await);
    let acknowledged = std::sync::Mutex::new(Vec::new());
    let stop = std::sync::atomic::AtomicBool::new(false);
    let buying = async {
        let buy = async || {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let mut order = one();
                order["payment"] = json!({ "method": "pm_card" });
                let id = shop.place(&order).await;
                acknowledged.lock().unwrap().push(id);
            }
        };
        futures::future::join_all((0..BUYERS).map(|_| buy())).await;
    };
    let place = tempfile::tempdir().unwrap();
    let backups = async {
        let mut made = Vec::new();
        for number in 0..3 {
            eventually("orders are made", async || {
                let count = acknowledged.lock().unwrap().len();
                if count > 40 * (number + 1) { Ok(()) } else { Err(count) }
            })
            .await;
            let before = acknowledged.lock().unwrap().clone();
            let (data, to) = (lived.path().to_owned(), place.path().join(number.to_string()));
            let (done, said) = {
                let to = to.clone();
                tokio::task::spawn_blocking(move || back_up(&data, &to)).await.unwrap()
            };
            assert!(done, "{said}");
            made.push((to, before));
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        made
    };
    let (made, ()) = tokio::join!(backups, buying);
    // The runtime that was backed up goes on, too.
    let last = shop.place(&one()).await;
    shop.reaches(&last, "AWAITING_PAYMENT").await;
    runtime.kill();

    for (backup, before) in made {
        let restored = restored(&backup, &Lived::nowhere());
        let runtime = Runtime::own(&settings(restored.path())).unwrap();
        let shop = runtime.shop();
        let listed: Vec<String> = shop.all_orders().await.iter().map(|order| order.id().to_owned()).collect();
        let lost: Vec<_> = before.iter().filter(|id| !listed.contains(id)).collect();
        assert!(lost.is_empty(), "{} of {} orders are lost: {lost:?}", lost.len(), before.len());
        let ends = futures::future::join_all(listed.iter().map(|id| shop.ends(id))).await;
        let not_completed: Vec<&Order> = ends.iter().filter(|order| order.state() != "COMPLETED").collect();
        assert!(not_completed.is_empty(), "{not_completed:?}");
        let sold = i64::try_from(ends.len()).unwrap();
        shop.stock(EVERYWHERE).await.is_after_selling(sold, &stock);
    }
}
