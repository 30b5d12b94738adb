//! Lengths of time, counted by how long they are.

use serde::{Deserialize, Serialize};

/// The upper bounds of the buckets, in seconds. Orders take a fraction of a second where nobody is waited for,
/// and up to half an hour for their payment. What takes longer is in a last bucket without a bound.
pub(super) const BOUNDS: [f64; 15] =
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 1800.0];

/// How many lengths of time fell into each bucket.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Histogram {
    buckets: [u64; BOUNDS.len() + 1],
    /// The sum of all, in seconds.
    pub(super) sum: f64,
}

impl Histogram {
    pub(super) fn add(&mut self, seconds: f64) {
        let place = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        if let Some(bucket) = self.buckets.get_mut(place) {
            *bucket += 1;
        }
        self.sum += seconds;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (bucket, more) in self.buckets.iter_mut().zip(other.buckets) {
            *bucket += more;
        }
        self.sum += other.sum;
    }

    pub(super) fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// How many are at most as long as each bound, and at last how many there are at all.
    pub(super) fn cumulative(&self) -> impl Iterator<Item = u64> {
        self.buckets.iter().scan(0, |sum, bucket| {
            *sum += bucket;
            Some(*sum)
        })
    }

    /// The length of time, in seconds, that this part of all don't exceed, as far as the buckets tell: within
    /// one, lengths are taken to be spread evenly, and what is longer than all bounds counts as the last of
    /// them (Prometheus documentation, "histogram_quantile()"). `None` when there is none.
    pub(super) fn quantile(&self, part: f64) -> Option<f64> {
        let rank = part * self.count() as f64;
        let mut below = 0;
        for (place, bucket) in self.buckets.iter().enumerate() {
            if *bucket > 0 && (below + bucket) as f64 >= rank {
                let from = place.checked_sub(1).and_then(|place| BOUNDS.get(place)).copied().unwrap_or(0.0);
                let to = BOUNDS.get(place).copied().unwrap_or(from);
                return Some(from + (to - from) * (rank - below as f64) / *bucket as f64);
            }
            below += bucket;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_in_the_bucket_that_the_rank_falls_into() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), None);
        for _ in 0..90 {
            histogram.add(0.2);
        }
        for _ in 0..10 {
            histogram.add(7.0);
        }
        let [half, most] = [0.5, 0.95].map(|part| histogram.quantile(part).unwrap());
        assert!((0.1..=0.25).contains(&half), "{half}");
        assert!((5.0..=10.0).contains(&most), "{most}");
        assert_eq!(histogram.cumulative().last(), Some(100));
        assert!((histogram.sum - 88.0).abs() < 1e-9);
        let mut longer = Histogram::default();
        longer.add(1e6);
        assert_eq!(longer.quantile(0.95), Some(1800.0));
        longer.merge(&histogram);
        assert_eq!(longer.count(), 101);
    }
}
