//! The deliveries that are still to be made: on disk, so that a crash loses none, and in memory until their attempts have
//! ended.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::deliveries::{Deliveries, Delivery, Reached, Undelivered};

/// Identifies a delivery: its row on disk.
pub(super) type Key = i64;

/// How an attempt ended.
pub(super) enum Settled {
    Done,
    Again(DateTime<Utc>),
    Dead(String),
}

pub(super) struct Queue {
    store: Deliveries,
    fresh: BTreeSet<Key>,
    under_way: BTreeMap<Key, Delivery>,
}

impl Queue {
    pub(super) fn new(store: Deliveries) -> Self {
        Self { store, fresh: BTreeSet::new(), under_way: BTreeMap::new() }
    }

    /// Writes deliveries, and makes them available to [`Queue::take_fresh`].
    pub(super) fn add(&mut self, deliveries: Vec<Delivery>, now: DateTime<Utc>) -> rusqlite::Result<()> {
        let added = self.hold(deliveries, now)?;
        self.let_go(&added, true)
    }

    /// Writes deliveries and keeps them back until [`Queue::let_go`] says what becomes of them. A process that
    /// dies before that leaves them to the next one, which makes them.
    pub(super) fn hold(
        &mut self,
        deliveries: Vec<Delivery>,
        now: DateTime<Utc>,
    ) -> rusqlite::Result<Vec<Key>> {
        let keys = self.store.change(|change| {
            deliveries.iter().map(|delivery| change.add(delivery, now)).collect::<Result<Vec<_>, _>>()
        })?;
        self.under_way.extend(keys.iter().copied().zip(deliveries));
        Ok(keys)
    }

    /// Makes held deliveries available to [`Queue::take_fresh`], or drops them.
    pub(super) fn let_go(&mut self, keys: &[Key], make: bool) -> rusqlite::Result<()> {
        if make {
            self.fresh.extend(keys);
            return Ok(());
        }
        self.store.change(|change| keys.iter().try_for_each(|key| change.remove(*key)))?;
        keys.iter().for_each(|key| drop(self.under_way.remove(key)));
        Ok(())
    }

    /// Whether no delivery is in memory.
    pub(super) fn is_idle(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Takes at most `limit` deliveries that are new and not taken yet, the oldest first.
    pub(super) fn take_fresh(&mut self, limit: usize) -> Vec<(Key, Delivery)> {
        let keys: Vec<_> = self.fresh.iter().take(limit).copied().collect();
        keys.into_iter()
            .filter_map(|key| {
                self.fresh.remove(&key);
                Some((key, self.under_way.get(&key)?.clone()))
            })
            .collect()
    }

    /// Takes at most `limit` deliveries that are due on disk and not in memory already.
    pub(super) fn take_due(
        &mut self,
        now: DateTime<Utc>,
        limit: usize,
    ) -> rusqlite::Result<Vec<(Key, Delivery)>> {
        let due = self.store.due(now, limit + self.under_way.len())?;
        let due = due.into_iter().filter(|(key, _)| !self.under_way.contains_key(key));
        let due: Vec<_> = due.take(limit).collect();
        self.under_way.extend(due.iter().cloned());
        Ok(due)
    }

    /// Records how attempts ended. When that can't be written, the deliveries stay in memory and are to be
    /// tried again.
    pub(super) fn settle(&mut self, results: &[(Key, Settled)], now: DateTime<Utc>) -> rusqlite::Result<()> {
        let ended = results.iter().filter_map(|(key, how)| Some((key, self.under_way.get(key)?, how)));
        self.store.change(|change| {
            for (key, delivery, settled) in ended {
                match settled {
                    Settled::Done => {}
                    Settled::Again(due) => {
                        let tried = Delivery { attempts: delivery.attempts + 1, ..delivery.clone() };
                        change.add(&tried, *due)?;
                    }
                    Settled::Dead(failure) => change.bury(delivery, failure, now)?,
                }
                change.remove(*key)?;
            }
            Ok(())
        })?;
        for (key, _) in results {
            self.under_way.remove(key);
        }
        Ok(())
    }

    /// Deletes some of the dead letters that are older than this; `false` when there are none.
    pub(super) fn forget_dead_letters(&self, before: DateTime<Utc>) -> rusqlite::Result<bool> {
        self.store.forget_dead_letters(before)
    }

    /// The deliveries that failed: those that will be retried and the dead letters, the newest `limit` of
    /// each.
    pub(super) fn undelivered(&self, limit: usize) -> rusqlite::Result<Undelivered> {
        self.store.undelivered(limit)
    }

    /// How many deliveries are stored, and how many dead letters.
    pub(super) fn counts(&self) -> rusqlite::Result<(u64, u64)> {
        self.store.counts()
    }

    /// How far the store has come; `None` when it belongs to no data folder.
    pub(super) fn reached(&self) -> Option<Reached> {
        self.store.reached()
    }

    /// Gives back the disk that the log takes, if that is much.
    pub(super) fn cut_log(&self) -> rusqlite::Result<()> {
        self.store.cut_log()
    }

    /// Closes the store. Nothing can be written any more.
    pub(super) fn close(&mut self) -> rusqlite::Result<()> {
        self.store.close()
    }

    /// Makes these deliveries available to [`Queue::take_fresh`] again.
    pub(super) fn give_back(&mut self, keys: impl Iterator<Item = Key>) {
        self.fresh.extend(keys);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(event: &str) -> Delivery {
        Delivery { function: "Notify".to_owned(), event: event.to_owned(), attempts: 0 }
    }

    fn open(folder: &tempfile::TempDir) -> Queue {
        Queue::new(Deliveries::open(&folder.path().join("deliveries.db"), None).unwrap())
    }

    fn events(taken: &[(Key, Delivery)]) -> Vec<&str> {
        taken.iter().map(|(_, delivery)| delivery.event.as_str()).collect()
    }

    #[test]
    fn what_was_added_survives_and_what_was_delivered_does_not_come_back() {
        let (folder, now) = (tempfile::tempdir().unwrap(), Utc::now());
        let mut queue = open(&folder);
        queue.add(["early", "before", "after"].map(delivery).to_vec(), now).unwrap();
        let early = queue.take_fresh(1);
        queue.settle(&[(early[0].0, Settled::Done)], now).unwrap();
        let before = queue.take_fresh(1);
        assert_eq!(events(&before), ["before"]);
        assert!(queue.take_due(now, 9).unwrap().is_empty(), "what is under way is not taken twice");
        queue.settle(&[(before[0].0, Settled::Done)], now).unwrap();
        drop(queue);

        let mut again = open(&folder);
        assert_eq!(events(&again.take_due(now, 9).unwrap()), ["after"]);
    }

    #[test]
    fn a_held_delivery_waits_for_its_word_and_outlives_the_process_that_never_gave_it() {
        let (folder, now) = (tempfile::tempdir().unwrap(), Utc::now());
        let mut queue = open(&folder);
        let made = queue.hold(vec![delivery("made")], now).unwrap();
        let dropped = queue.hold(vec![delivery("dropped")], now).unwrap();
        queue.hold(vec![delivery("left")], now).unwrap();
        assert!(queue.take_fresh(9).is_empty() && queue.take_due(now, 9).unwrap().is_empty(), "held back");
        queue.let_go(&made, true).unwrap();
        queue.let_go(&dropped, false).unwrap();
        let taken = queue.take_fresh(9);
        assert_eq!(events(&taken), ["made"]);
        queue.settle(&[(taken[0].0, Settled::Done)], now).unwrap();
        drop(queue);

        assert_eq!(events(&open(&folder).take_due(now, 9).unwrap()), ["left"]);
    }

    #[test]
    fn a_failed_attempt_waits_for_its_time_and_a_dead_one_is_kept() {
        let (folder, now) = (tempfile::tempdir().unwrap(), Utc::now());
        let mut queue = open(&folder);
        queue.add(vec![delivery("again")], now).unwrap();
        let taken = queue.take_fresh(9);
        let later = now + chrono::TimeDelta::minutes(1);
        queue.settle(&[(taken[0].0, Settled::Again(later))], now).unwrap();
        assert!(queue.take_due(now, 9).unwrap().is_empty());
        let taken = queue.take_due(later, 9).unwrap();
        assert_eq!(taken[0].1.attempts, 1);
        assert_eq!(queue.undelivered(9).unwrap().waiting[0].attempts, 1);
        queue.settle(&[(taken[0].0, Settled::Dead("no".to_owned()))], now).unwrap();
        assert!(queue.take_due(later, 9).unwrap().is_empty());
        let undelivered = queue.undelivered(9).unwrap();
        assert!(undelivered.waiting.is_empty());
        assert_eq!(
            (undelivered.dead_letters[0].event.as_str(), undelivered.dead_letters[0].failure.as_str()),
            (Some("again"), "no")
        );
    }

    #[test]
    fn a_dead_letter_is_forgotten_once_it_is_old_and_not_before() {
        let (folder, now) = (tempfile::tempdir().unwrap(), Utc::now());
        let mut queue = open(&folder);
        for (event, died) in [("old", now), ("young", now + chrono::TimeDelta::days(1))] {
            queue.add(vec![delivery(event)], now).unwrap();
            let taken = queue.take_fresh(9);
            queue.settle(&[(taken[0].0, Settled::Dead("no".to_owned()))], died).unwrap();
        }
        assert!(!queue.forget_dead_letters(now).unwrap());
        assert!(queue.forget_dead_letters(now + chrono::TimeDelta::hours(1)).unwrap());
        let left = queue.undelivered(9).unwrap().dead_letters;
        assert_eq!(left.iter().map(|letter| letter.event.as_str()).collect::<Vec<_>>(), [Some("young")]);
    }
}
