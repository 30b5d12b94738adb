//! The partition keys of the indexes by-status and by-pending-signal.
//!
//! All orders of one status share a key, and all that wait for one signal. A partition takes 1,000 write units a
//! second (Amazon DynamoDB Developer Guide, "Best practices for designing and using partition keys effectively"), a
//! change of status writes two of them, and an index that is throttled throttles the table. So an order's key may
//! have the number of a shard behind it, such as `PAID#3`, which follows from the order's id. Where orders may be
//! stored in both ways, readers ask for the key without a number and for all shards: so those that were stored in
//! another way are found, and get their new key by the next write.

use omniflow_domain::order::OrderId;
use omniflow_services::{ConfigError, Environment};

/// The number of shards. Eight of them take 4,000 changes of one status a second. It never shrinks, since orders
/// keep the shard that they were written with.
pub(crate) const SHARDS: u64 = 8;
/// What stands between a name and the number of a shard.
const BETWEEN: char = '#';
/// The variable that says how orders are written.
const VARIABLE: &str = "SHARDED_KEYS";

/// How the keys of the indexes are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum IndexKeys {
    /// The name alone, which earlier releases can read as well. Readers ask for nothing else, since an index that
    /// never had shards would be asked nine times in vain.
    #[default]
    Plain,
    /// The name alone, while orders may be stored with shards: before those are written, and after.
    PlainBesideSharded,
    /// The name and the order's shard.
    Sharded,
}

impl IndexKeys {
    /// What `SHARDED_KEYS` says; keys are plain where it is not set.
    pub(crate) fn new(environment: &Environment) -> Result<Self, ConfigError> {
        match environment.get(VARIABLE) {
            None | Some("false") => Ok(Self::Plain),
            Some("read") => Ok(Self::PlainBesideSharded),
            Some("true") => Ok(Self::Sharded),
            Some(value) => Err(ConfigError::Invalid { name: VARIABLE.to_owned(), value: value.to_owned() }),
        }
    }

    /// The key of this order under this name of a status or a signal.
    pub(crate) fn key(self, name: &str, order: &OrderId) -> String {
        match self {
            Self::Plain | Self::PlainBesideSharded => name.to_owned(),
            Self::Sharded => format!("{name}{BETWEEN}{}", shard(order)),
        }
    }

    /// The keys under which readers look for orders of this name.
    pub(crate) fn to_read(self, name: &str) -> impl Iterator<Item = String> {
        let shards = (self != Self::Plain).then(|| sharded_keys(name));
        std::iter::once(name.to_owned()).chain(shards.into_iter().flatten())
    }

    /// The same for writers, and every key for readers.
    pub(crate) fn reading_all(self) -> Self {
        if self == Self::Plain { Self::PlainBesideSharded } else { self }
    }
}

/// Those of the keys that have a shard.
pub(crate) fn sharded_keys(name: &str) -> impl Iterator<Item = String> {
    (0..SHARDS).map(move |shard| format!("{name}{BETWEEN}{shard}"))
}

/// The name in a key. A text that is no key is given back as it is.
pub(crate) fn name_in(key: &str) -> &str {
    match key.split_once(BETWEEN) {
        Some((name, shard)) if shard.parse().is_ok_and(|shard: u64| shard < SHARDS) => name,
        _ => key,
    }
}

/// The shard of an order.
fn shard(order: &OrderId) -> u64 {
    order.hash64() % SHARDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_that_is_written_is_asked_for_and_has_its_name_in_it() {
        for number in 0..1000 {
            let id = OrderId::parse(&format!("ORD-{number}")).unwrap();
            for way in [IndexKeys::Plain, IndexKeys::PlainBesideSharded, IndexKeys::Sharded] {
                let key = way.key("PAID", &id);
                assert!(way.to_read("PAID").any(|asked| asked == key), "{key}");
                assert_eq!(name_in(&key), "PAID");
            }
            let key = IndexKeys::Sharded.key("PAID", &id);
            assert!(IndexKeys::Plain.reading_all().to_read("PAID").any(|asked| asked == key), "{key}");
        }
        assert_eq!(name_in("PAID#8"), "PAID#8", "no such shard is written");
        assert_eq!(name_in("PAID#x"), "PAID#x");
    }

    #[test]
    fn orders_spread_over_all_shards_and_stay_in_theirs() {
        let mut counts = [0; SHARDS as usize];
        for number in 0..8000_u64 {
            let id = OrderId::parse(&format!("ORD-{}", 1_800_000_000_000_000_000 + number * 7)).unwrap();
            counts[usize::try_from(shard(&id)).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| (800..1200).contains(count)), "{counts:?}");
        // Stored orders rely on it.
        assert_eq!(shard(&OrderId::parse("ORD-17").unwrap()), SHARD_OF_17);
    }

    const SHARD_OF_17: u64 = 5;

    #[test]
    fn a_setting_that_says_nothing_is_refused() {
        let with = |value: &str| Environment::from_pairs([(VARIABLE.to_owned(), value.to_owned())]);
        assert_eq!(IndexKeys::new(&with("true")), Ok(IndexKeys::Sharded));
        assert_eq!(IndexKeys::new(&with("read")), Ok(IndexKeys::PlainBesideSharded));
        assert_eq!(IndexKeys::new(&with("false")), Ok(IndexKeys::Plain));
        assert_eq!(IndexKeys::new(&Environment::default()), Ok(IndexKeys::Plain));
        assert!(IndexKeys::new(&with("yes")).is_err());
    }
}
