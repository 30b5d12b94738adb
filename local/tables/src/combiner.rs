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

struct Work {
    /// Whether it can be committed with others.
    grouped: bool,
    act: Box<dyn FnOnce(&Database) -> Answer + Send>,
}

/// Tells whoever waits, when the work is committed.
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

    /// Does the work when its turn has come, and `committed` when it is committed; with others if it may be `grouped`.
    /// Nothing when it panicked, or nothing of its group was committed.
    pub(crate) async fn take<T: Send + 'static>(
        &self,
        grouped: bool,
        work: impl FnOnce(&Database) -> T + Send + 'static,
        committed: impl FnOnce() + Send + 'static,
    ) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        let act = Box::new(move |database: &Database| -> Answer {
            let done = work(database);
            Box::new(move || {
                committed();
                // Who asked may have given up.
                let _ = answer.send(done);
            })
        });
        self.queue().push_back(Work { grouped, act });
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
            loop {
                // Taken out before it is done, so that others can leave theirs meanwhile.
                let group = self.next_group();
                if group.is_empty() {
                    break;
                }
                do_together(&database, group);
            }
        }
    }

    /// What comes next: one that is not for groups, or all that are before the next such one.
    fn next_group(&self) -> Vec<Work> {
        let mut queue = self.queue();
        let group = queue.iter().take(GROUP).take_while(|work| work.grouped).count().max(1).min(queue.len());
        queue.drain(..group).collect()
    }
}

fn do_together(database: &Database, group: Vec<Work>) {
    // Who waits for work that panicked finds the channel closed.
    let act = |work: Work| {
        catch_unwind(AssertUnwindSafe(|| (work.act)(database))).map_err(|_| database.spoil()).ok()
    };
    // One by itself is committed by itself.
    let done = match group.len() {
        1 => Ok(group.into_iter().filter_map(act).collect()),
        _ => database.together(|| group.into_iter().filter_map(act).collect::<Vec<_>>()),
    };
    match done {
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
        Arc::new(Turns::at(Database::in_memory().unwrap().with_things()))
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
            futures::executor::block_on(turns.take(true, work, || ()))
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
                true,
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
    async fn a_panic_takes_its_group_with_it_and_no_other() {
        let turns = turns();
        let let_go = occupied(&turns);
        let done = |name: &'static str| turns.take(true, move |database| put(database, name), || ());
        let panics = turns.take(
            true,
            |database| -> bool {
                assert!(put(database, "panicked"));
                panic!("on purpose")
            },
            || (),
        );
        let group = async { tokio::join!(done("a"), panics, done("b"), async { let_go.send(()).unwrap() }) };
        assert_eq!(group.await, (None, None, None, ()));
        assert_eq!(done("c").await, Some(true));
        let there = |database: &Database| ["a", "panicked", "b", "c"].map(|name| is_there(database, name));
        assert_eq!(turns.take(true, there, || ()).await, Some([false, false, false, true]));
    }

    #[tokio::test]
    async fn a_panic_in_the_middle_of_a_transaction_does_not_stop_the_next() {
        let turns = turns();
        let panics = |database: &Database| -> bool {
            database.leave_a_transaction_open();
            panic!("on purpose")
        };
        assert_eq!(turns.take(true, panics, || ()).await, None);
        assert_eq!(turns.take(true, |database| put(database, "a"), || ()).await, Some(true));
    }

    #[tokio::test]
    async fn what_is_not_for_groups_is_done_by_itself_in_its_turn() {
        let turns = turns();
        let let_go = occupied(&turns);
        let done = |name: &'static str| turns.take(true, move |database| put(database, name), || ());
        let delete = serde_json::from_value(json!({ "TableName": "Things" })).unwrap();
        let deleted = turns.take(false, |database| database.delete_table(delete).is_ok(), || ());
        let group = async {
            tokio::join!(done("a"), done("b"), deleted, done("c"), async { let_go.send(()).unwrap() })
        };
        assert_eq!(group.await, (Some(true), Some(true), Some(true), Some(false), ()));
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
                    won += usize::from(turns.take(true, work, || ()).await.unwrap());
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
