//! One after the other, without a thread that waits, and committed in groups.
//!
//! The database does one thing at a time. Whoever comes while it is busy leaves his work to the one who has it, and his
//! thread goes on with other tasks: with a lock it would sleep, and under load a thread that is woken up finds the lock
//! taken again. What has come meanwhile is the next group: one commit for all of it, and only then the answers.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use futures::channel::oneshot;

use crate::database::Database;

/// How many are committed together at most: the first waits for the last.
const GROUP: usize = 32;

type Work = Box<dyn FnOnce(&Database) -> Answer + Send>;
/// Tells whoever waits, when the group is committed.
type Answer = Box<dyn FnOnce() + Send>;

/// Work on a database that is done in the order in which it came.
pub(crate) struct Turns {
    queue: Mutex<VecDeque<Work>>,
    database: Mutex<Database>,
}

impl Turns {
    pub(crate) fn at(database: Database) -> Self {
        Self { queue: Mutex::default(), database: Mutex::new(database) }
    }

    /// Does the work when its turn has come, and `committed` when it is committed. Nothing when it panicked, or nothing
    /// of its group was committed.
    pub(crate) async fn take<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Database) -> T + Send + 'static,
        committed: impl FnOnce() + Send + 'static,
    ) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.queue().push_back(Box::new(move |database| {
            let done = work(database);
            Box::new(move || {
                committed();
                // Who asked may have given up.
                let _ = answer.send(done);
            })
        }));
        self.work_off();
        answered.await.ok()
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<Work>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does all that is there, unless somebody is at it.
    fn work_off(&self) {
        // What came after the last look and before the end was left to this one.
        while !self.queue().is_empty() {
            let database = match self.database.try_lock() {
                Ok(database) => database,
                Err(TryLockError::Poisoned(database)) => database.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            };
            while let Some(group) = self.next_group() {
                do_together(&database, group);
            }
        }
    }

    /// Taken out before it is done, so that others can leave theirs meanwhile.
    fn next_group(&self) -> Option<Vec<Work>> {
        let mut queue = self.queue();
        let group = queue.len().min(GROUP);
        (group > 0).then(|| queue.drain(..group).collect())
    }
}

fn do_together(database: &Database, group: Vec<Work>) {
    // A panic is the end of that work only; who waits for it finds the channel closed.
    let alone = |work: Work| catch_unwind(AssertUnwindSafe(|| work(database))).ok();
    match database.together(|| group.into_iter().filter_map(alone).collect::<Vec<_>>()) {
        Ok(answers) => answers.into_iter().for_each(|answer| answer()),
        Err(error) => tracing::error!(%error, "the tables can't be written"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc;

    use dynoxide::actions::get_item::GetItemRequest;
    use dynoxide::actions::put_item::PutItemRequest;
    use dynoxide::{AttributeValue, Item};
    use serde_json::json;

    use super::*;

    fn turns() -> Arc<Turns> {
        let database = Database::in_memory().unwrap();
        let create = json!({
            "TableName": "Things",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{ "AttributeName": "name", "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": "name", "KeyType": "HASH" }],
        });
        let create = serde_json::from_value(create).unwrap();
        database.together(|| database.create_table(create)).unwrap().unwrap();
        Arc::new(Turns::at(database))
    }

    fn key(name: &str) -> Item {
        Item::from([("name".to_owned(), AttributeValue::S(name.to_owned()))])
    }

    fn put(database: &Database, name: &str) -> bool {
        let new = Some("attribute_not_exists(#name)".to_owned());
        let names = Some([("#name".to_owned(), "name".to_owned())].into());
        let put = PutItemRequest {
            table_name: "Things".to_owned(),
            item: key(name),
            condition_expression: new,
            expression_attribute_names: names,
            ..PutItemRequest::default()
        };
        database.put_item(put).is_ok()
    }

    fn is_there(database: &Database, name: &str) -> bool {
        let get =
            GetItemRequest { table_name: "Things".to_owned(), key: key(name), ..GetItemRequest::default() };
        database.get_item(get).unwrap().item.is_some()
    }

    /// Holds the database until the returned sender says so, in a thread of its own: what comes meanwhile is one group.
    fn occupied(turns: &Arc<Turns>) -> mpsc::Sender<()> {
        let (let_go, wait) = mpsc::channel::<()>();
        let (begun, has_begun) = mpsc::channel();
        let turns = Arc::clone(turns);
        std::thread::spawn(move || {
            let work = move |_: &Database| {
                begun.send(()).unwrap();
                let _ = wait.recv();
            };
            futures::executor::block_on(turns.take(work, || ()))
        });
        has_begun.recv().unwrap();
        let_go
    }

    #[tokio::test]
    async fn a_group_is_told_when_all_of_it_is_done() {
        let turns = turns();
        let let_go = occupied(&turns);
        let (say, said) = mpsc::channel();
        let take = |name: &'static str| {
            let (done, told) = (say.clone(), say.clone());
            turns.take(
                move |database| {
                    done.send(format!("{name} done")).unwrap();
                    put(database, name)
                },
                move || told.send(format!("{name} committed")).unwrap(),
            )
        };
        let both = async { tokio::join!(take("a"), take("b"), async { let_go.send(()).unwrap() }) };
        let (a, b, ()) = both.await;
        assert_eq!((a, b), (Some(true), Some(true)));
        let said: Vec<_> = said.try_iter().collect();
        assert_eq!(said, ["a done", "b done", "a committed", "b committed"]);
    }

    #[tokio::test]
    async fn what_fails_or_panics_in_a_group_takes_back_itself_only() {
        let turns = turns();
        let let_go = occupied(&turns);
        let fails = |name: &'static str| {
            turns.take(
                move |database| {
                    let done: dynoxide::Result<()> = database.write(|| {
                        assert!(put(database, name));
                        Err(dynoxide::DynoxideError::ValidationException("on purpose".to_owned()))
                    });
                    done.is_ok()
                },
                || (),
            )
        };
        let panics = turns.take(
            |database| -> bool {
                let _: dynoxide::Result<()> = database.write(|| {
                    assert!(put(database, "panicked"));
                    panic!("on purpose")
                });
                true
            },
            || (),
        );
        let done = |name: &'static str| turns.take(move |database| put(database, name), || ());
        let group = async {
            tokio::join!(done("a"), fails("failed"), panics, done("b"), done("a"), async {
                let_go.send(()).unwrap();
            })
        };
        let (a, failed, panicked, b, again, ()) = group.await;
        assert_eq!((a, failed, panicked, b, again), (Some(true), Some(false), None, Some(true), Some(false)));
        let names = ["a", "failed", "panicked", "b"];
        let there = turns.take(move |database| names.map(|name| is_there(database, name)), || ()).await;
        assert_eq!(there, Some([true, false, false, true]));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn everything_is_done_once_and_of_rivals_one_wins() {
        let turns = turns();
        let rivals = (0..8).map(|_| {
            let turns = Arc::clone(&turns);
            tokio::spawn(async move {
                let mut won = 0;
                for round in 0..100 {
                    let work = move |database: &Database| put(database, &round.to_string());
                    won += usize::from(turns.take(work, || ()).await.unwrap());
                }
                won
            })
        });
        let mut won = 0;
        for rival in rivals.collect::<Vec<_>>() {
            won += rival.await.unwrap();
        }
        assert_eq!(won, 100);
    }
}
