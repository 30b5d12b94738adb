//! What DynamoDB lets through: so much for each partition, and so much for each table and each index.
//!
//! A partition takes 1,000 write units and 3,000 read units a second (Amazon DynamoDB Developer Guide, "Partitions and data
//! distribution"). DynamoDB splits partitions so that in the end each key can have one of its own, so here each key has;
//! that the items of one key could be split further, by their sort keys, is left out, since it does so after minutes, if at
//! all. A table on demand takes as much as it is warm for, or twice its highest traffic before, if that is more ("DynamoDB
//! on-demand capacity mode", "Understanding DynamoDB warm throughput"), and never more than the account's quota for a table.
//! What an index can't take, the write of the table is refused for ("Using Global Secondary Indexes in DynamoDB").

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::bucket::Bucket;
use super::quotas::Quotas;
use super::units::{Cost, Partition};

/// Whether throughput is that of writes or of reads, which are counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Writes,
    Reads,
}

impl Kind {
    /// What a partition takes in a second.
    const fn of_partition(self) -> f64 {
        match self {
            Self::Writes => 1_000.0,
            Self::Reads => 3_000.0,
        }
    }

    /// The one of two numbers that is about it.
    pub fn of(self, (writes, reads): (f64, f64)) -> f64 {
        match self {
            Self::Writes => writes,
            Self::Reads => reads,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Writes => "write units",
            Self::Reads => "read units",
        }
    }
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// The items of one partition key are asked for too much.
    Partition(Partition),
    /// The table or the index is.
    Table(String),
}

/// The number of partitions that are remembered; those that rest are forgotten then.
const REMEMBERED: usize = 20_000;
/// The busiest keys that are told of have taken so many units in a second.
const BUSY: f64 = 100.0;
/// The time after which the traffic of a table counts as its highest, when it was.
const MINUTE: Duration = Duration::from_secs(60);

/// What tables and indexes take.
#[derive(Debug)]
pub struct Throughput {
    warm: (f64, f64),
    most: (f64, f64),
    partitions: BTreeMap<(Kind, Partition), Bucket>,
    tables: BTreeMap<(Kind, String), OfTable>,
    /// The most that busy keys have taken in a second.
    busiest: BTreeMap<(Kind, Partition), f64>,
    /// The items that transactions are about at this moment.
    held: BTreeSet<(String, String)>,
}

#[derive(Debug)]
struct OfTable {
    bucket: Bucket,
    /// The minute that is counted in, and what was taken in it.
    minute: (u64, f64),
    /// All that was taken.
    all: f64,
}

/// What a table or an index has taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Used {
    pub kind: Kind,
    /// Its name.
    pub of: String,
    /// The units of its busiest second.
    pub busiest: f64,
    /// All units.
    pub all: f64,
}

impl OfTable {
    /// Grows after a minute in which it was used more than ever.
    fn take(&mut self, now: Duration, units: f64, most: f64) {
        let minute = now.as_secs() / MINUTE.as_secs();
        if minute != self.minute.0 {
            let a_second = self.minute.1 / MINUTE.as_secs_f64();
            let wanted = (2.0 * a_second).min(most);
            if wanted > self.bucket.a_second() {
                self.bucket.resize(now, wanted, wanted);
            }
            self.minute = (minute, 0.0);
        }
        self.minute.1 += units;
        self.all += units;
        self.bucket.take(now, units);
    }
}

impl Throughput {
    /// The throughput of new tables.
    pub fn new(quotas: &Quotas) -> Self {
        Self {
            warm: quotas.warm,
            most: quotas.table,
            partitions: BTreeMap::new(),
            tables: BTreeMap::new(),
            busiest: BTreeMap::new(),
            held: BTreeSet::new(),
        }
    }

    fn partition(&mut self, kind: Kind, partition: &Partition) -> &mut Bucket {
        let new = || Bucket::new(kind.of_partition(), kind.of_partition());
        self.partitions.entry((kind, partition.clone())).or_insert_with(new)
    }

    fn table(&mut self, kind: Kind, table: &str) -> &mut OfTable {
        let warm = kind.of(self.warm);
        let new = || OfTable { bucket: Bucket::new(warm, warm), minute: (0, 0.0), all: 0.0 };
        self.tables.entry((kind, table.to_owned())).or_insert_with(new)
    }

    /// Takes what a request costs, of all that it touches or of nothing.
    ///
    /// # Errors
    /// The first that has nothing left.
    pub fn take(&mut self, kind: Kind, costs: &[Cost], now: Duration) -> Result<(), Refused> {
        for Cost { partition, units } in costs {
            self.check(kind, partition, *units, now)?;
        }
        for Cost { partition, units } in costs {
            self.spend(kind, partition, *units, now);
        }
        Ok(())
    }

    /// Whether there is anything left, for a request of which only its answer says what it costs.
    ///
    /// # Errors
    /// What has nothing left.
    pub fn check(
        &mut self,
        kind: Kind,
        partition: &Partition,
        units: f64,
        now: Duration,
    ) -> Result<(), Refused> {
        if !self.table(kind, &partition.of).bucket.has(now, units) {
            return Err(Refused::Table(partition.of.clone()));
        }
        match self.partition(kind, partition).has(now, units) {
            true => Ok(()),
            false => Err(Refused::Partition(partition.clone())),
        }
    }

    /// Takes so many units, whether or not they are there.
    pub fn spend(&mut self, kind: Kind, partition: &Partition, units: f64, now: Duration) {
        let most = kind.of(self.most);
        self.table(kind, &partition.of).take(now, units, most);
        self.partition(kind, partition).take(now, units);
        if self.partitions.len() > REMEMBERED {
            self.forget(now);
        }
    }

    fn forget(&mut self, now: Duration) {
        let busiest = &mut self.busiest;
        self.partitions.retain(|key, bucket| {
            note(busiest, key, bucket);
            !bucket.is_full(now)
        });
    }

    /// The keys that took most in one second, the busiest first.
    pub fn busiest(&mut self, count: usize) -> Vec<(Kind, Partition, f64)> {
        for (key, bucket) in &self.partitions {
            note(&mut self.busiest, key, bucket);
        }
        let mut all: Vec<_> =
            self.busiest.iter().map(|((kind, partition), most)| (*kind, partition.clone(), *most)).collect();
        let share = |(kind, _, most): &(Kind, Partition, f64)| most / kind.of_partition();
        all.sort_by(|one, other| share(other).total_cmp(&share(one)));
        all.truncate(count);
        all
    }

    /// What each table and index has taken.
    pub fn used(&self) -> Vec<Used> {
        let used = |((kind, of), table): (&(Kind, String), &OfTable)| Used {
            kind: *kind,
            of: of.clone(),
            busiest: table.bucket.busiest(),
            all: table.all,
        };
        self.tables.iter().map(used).collect()
    }

    /// Which of these items other transactions are about at this moment.
    pub fn held(&self, items: &[(String, String)]) -> Vec<bool> {
        items.iter().map(|item| self.held.contains(item)).collect()
    }

    /// A transaction is about these items from now on.
    pub fn hold(&mut self, items: &[(String, String)]) {
        self.held.extend(items.iter().cloned());
    }

    /// A transaction is about these items no more.
    pub fn release(&mut self, items: &[(String, String)]) {
        for item in items {
            self.held.remove(item);
        }
    }
}

fn note(busiest: &mut BTreeMap<(Kind, Partition), f64>, key: &(Kind, Partition), bucket: &Bucket) {
    let most = bucket.busiest();
    if most >= BUSY {
        let known = busiest.entry(key.clone()).or_default();
        *known = known.max(most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(key: &str) -> Partition {
        Partition { of: "Orders".to_owned(), key: key.to_owned() }
    }

    fn throughput() -> Throughput {
        Throughput::new(&Quotas::of("us-east-1").unwrap())
    }

    fn let_through(throughput: &mut Throughput, key: &str, units: f64, second: u64) -> usize {
        let cost = [Cost { partition: partition(key), units }];
        let now = Duration::from_secs(second);
        (0..1_100).filter(|_| throughput.take(Kind::Writes, &cost, now).is_ok()).count()
    }

    #[test]
    fn a_key_takes_a_thousand_write_units_a_second_and_another_key_as_many() {
        let mut throughput = throughput();
        assert_eq!(let_through(&mut throughput, "hot", 2.0, 0), 500);
        assert_eq!(let_through(&mut throughput, "hot", 2.0, 1), 500);
        let busiest = throughput.busiest(1);
        assert_eq!(busiest, [(Kind::Writes, partition("hot"), 1_000.0)]);
        assert_eq!(let_through(&mut throughput, "cold", 1.0, 1), 1_000);
    }

    #[test]
    fn a_new_table_takes_four_thousand_and_twice_of_what_it_has_taken_for_a_minute() {
        let mut throughput = throughput();
        let mut all = |second: u64| -> usize {
            (0..10).map(|key| let_through(&mut throughput, &format!("key {key}"), 1.0, second)).sum()
        };
        assert_eq!(all(0), 4_000);
        for second in 1..60 {
            all(second);
        }
        all(60);
        assert_eq!(all(61), 8_000);
    }

    #[test]
    fn a_write_that_one_of_its_keys_refuses_takes_nothing_of_the_others() {
        let mut throughput = throughput();
        let_through(&mut throughput, "hot", 1.0, 0);
        let both = ["cold", "hot"].map(|key| Cost { partition: partition(key), units: 1.0 });
        let refused = throughput.take(Kind::Writes, &both, Duration::ZERO);
        assert_eq!(refused, Err(Refused::Partition(partition("hot"))));
        assert_eq!(let_through(&mut throughput, "cold", 1.0, 0), 1_000);
    }
}
