//! Flat combining with group commit: threads leave their work in a queue, and one of them does it all.
//!
//! The database does one thing at a time. A thread that finds it busy does not wait for a lock; it leaves its
//! work in the queue and goes on with other tasks. The thread that has the database (the combiner) does what
//! lies in the queue when it has finished its own (Hendler, Incze, Shavit and Tzafrir, "Flat Combining and
//! the Synchronization-Parallelism Tradeoff", 2010). With a lock a waiting thread would sleep, and under load
//! a thread that is woken up finds the lock taken again.
//!
//! What has come while the combiner was busy is the next group: it is committed as one, and only then are
//! those who wait for it told.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use futures::channel::oneshot;

use crate::database::Database;
use crate::operations::Effect;

/// The largest number of works in one group: the first waits for the last.
const GROUP: usize = 32;

/// What one thread wants done on the database.
struct Work {
    effect: Effect,
    act: Box<dyn FnOnce(&Database) -> Acknowledgement + Send>,
}

/// Tells whoever waits for a work that it is committed, and its result.
type Acknowledgement = Box<dyn FnOnce() + Send>;

/// A database and the work that is to be done on it, in the order in which it came.
pub(crate) struct Combiner {
    queue: Mutex<VecDeque<Work>>,
    /// `None` once it is closed.
    database: Mutex<Option<Database>>,
}

impl Combiner {
    pub(crate) fn new(database: Database) -> Self {
        Self { queue: Mutex::default(), database: Mutex::new(Some(database)) }
    }

    /// Closes the database when the work at hand is done. All further work gets no result.
    pub(crate) fn close(&self) {
        drop(self.database.lock().unwrap_or_else(PoisonError::into_inner).take());
        // What came meanwhile has been left to this thread.
        self.combine();
    }

    /// Does the work when its turn comes, and calls `committed` when it is committed. The result is `None`
    /// when the work panicked, its group could not be committed, or the database is closed.
    pub(crate) async fn perform<T: Send + 'static>(
        &self,
        effect: Effect,
        work: impl FnOnce(&Database) -> T + Send + 'static,
        committed: impl FnOnce() + Send + 'static,
    ) -> Option<T> {
        let (result, received) = oneshot::channel();
        let act = Box::new(move |database: &Database| -> Acknowledgement {
            let done = work(database);
            Box::new(move || {
                committed();
                // Whoever asked may have given up.
                let _ = result.send(done);
            })
        });
        self.queue().push_back(Work { effect, act });
        self.combine();
        received.await.ok()
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<Work>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does all that lies in the queue, unless another thread is doing it.
    fn combine(&self) {
        // Work that comes after this thread's last look into the queue and before it lets go of the database
        // has been left to this thread, so it looks again.
        while !self.queue().is_empty() {
            let database = match self.database.try_lock() {
                Ok(database) => database,
                Err(TryLockError::Poisoned(database)) => database.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            };
            loop {
                // Taken out before it is done, so that others can leave their work meanwhile.
                let group = self.next_group();
                if group.is_empty() {
                    break;
                }
                // Whoever waits for work on a database that is closed finds the channel closed.
                if let Some(database) = &*database {
                    do_together(database, group);
                }
            }
        }
    }

    /// The work that comes next: one that must be alone, or all that come before the next such one.
    fn next_group(&self) -> Vec<Work> {
        let mut queue = self.queue();
        let together = queue.iter().take(GROUP).take_while(|work| work.effect != Effect::Alone);
        let group = together.count().max(1).min(queue.len());
        queue.drain(..group).collect()
    }
}

fn do_together(database: &Database, group: Vec<Work>) {
    // Whoever waits for work that panicked finds the channel closed.
    let act = |work: Work| {
        catch_unwind(AssertUnwindSafe(|| (work.act)(database))).map_err(|_| database.spoil()).ok()
    };
    let done = match &*group {
        // A single read needs no transaction.
        [Work { effect: Effect::Reads, .. }] => Ok(group.into_iter().filter_map(act).collect()),
        [Work { effect: Effect::Alone, .. }] => {
            Ok(database.by_itself(|| group.into_iter().filter_map(act).collect()))
        }
        _ => database.together(|| group.into_iter().filter_map(act).collect::<Vec<_>>()),
    };
    match done {
        Ok(acknowledgements) => acknowledgements.into_iter().for_each(|acknowledge| acknowledge()),
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

    fn combiner() -> Arc<Combiner> {
        Arc::new(Combiner::new(Database::in_memory().unwrap().with_things()))
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

    /// Holds the database, in a thread of its own, until the returned sender sends: what comes meanwhile is
    /// one group.
    fn occupied(combiner: &Arc<Combiner>) -> mpsc::Sender<()> {
        let (let_go, wait) = mpsc::channel::<()>();
        let (begun, has_begun) = mpsc::channel();
        let combiner = Arc::clone(combiner);
        std::thread::spawn(move || {
            let work = move |_: &Database| {
                begun.send(()).unwrap();
                let _ = wait.recv();
            };
            futures::executor::block_on(combiner.perform(Effect::Writes, work, || ()))
        });
        has_begun.recv().unwrap();
        let_go
    }

    #[tokio::test]
    async fn a_group_is_told_when_all_of_it_is_done() {
        let combiner = combiner();
        let let_go = occupied(&combiner);
        let (say, said) = mpsc::channel();
        let take = |name: &'static str| {
            let (done, told) = (say.clone(), say.clone());
            combiner.perform(
                Effect::Writes,
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
        let combiner = combiner();
        let let_go = occupied(&combiner);
        let done =
            |name: &'static str| combiner.perform(Effect::Writes, move |database| put(database, name), || ());
        let panics = combiner.perform(
            Effect::Writes,
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
        assert_eq!(combiner.perform(Effect::Writes, there, || ()).await, Some([false, false, false, true]));
    }

    #[tokio::test]
    async fn a_panic_in_the_middle_of_a_transaction_does_not_stop_the_next() {
        let combiner = combiner();
        let panics = |database: &Database| -> bool {
            database.leave_a_transaction_open();
            panic!("on purpose")
        };
        assert_eq!(combiner.perform(Effect::Writes, panics, || ()).await, None);
        assert_eq!(combiner.perform(Effect::Writes, |database| put(database, "a"), || ()).await, Some(true));
    }

    #[tokio::test]
    async fn what_is_not_for_groups_is_done_by_itself_in_its_turn() {
        let combiner = combiner();
        let let_go = occupied(&combiner);
        let done =
            |name: &'static str| combiner.perform(Effect::Writes, move |database| put(database, name), || ());
        let delete = serde_json::from_value(json!({ "TableName": "Things" })).unwrap();
        let deleted =
            combiner.perform(Effect::Alone, |database| database.delete_table(delete).is_ok(), || ());
        let group = async {
            tokio::join!(done("a"), done("b"), deleted, done("c"), async { let_go.send(()).unwrap() })
        };
        assert_eq!(group.await, (Some(true), Some(true), Some(true), Some(false), ()));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn everything_is_done_once_and_of_rivals_one_wins() {
        let combiner = combiner();
        let rivals = (0..8).map(|_| {
            let combiner = Arc::clone(&combiner);
            tokio::spawn(async move {
                let mut won = 0;
                for round in 0..100 {
                    let work = move |database: &Database| put(database, &round.to_string());
                    won += usize::from(combiner.perform(Effect::Writes, work, || ()).await.unwrap());
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
