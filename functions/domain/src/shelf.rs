//! The pieces of one product in one warehouse, which may be split into buckets.
//!
//! Two transactions that touch one row at the same moment can't both succeed, so that one row takes some dozens of
//! reservations a second. Split into buckets, each of which is a row of its own, the place takes so many times more.
//! Only the sums matter: an order doesn't remember from which bucket its pieces came, and gives them back to any
//! that has as many set aside. All buckets together have what the orders hold, so there always are enough.

use std::cmp::Reverse;

/// The largest number of buckets of one place.
pub const MOST_BUCKETS: u8 = 64;
/// A bucket that has run empty takes over half of what another one can spare, if that is as many pieces as this. Fewer
/// are not worth a second row in the transaction.
const WORTH_TAKING_OVER: u32 = 8;
/// A place is split by itself into so many buckets at most that each has as many pieces as this.
const WORTH_A_BUCKET: u32 = 8;

/// What pieces can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// They can be ordered.
    Available,
    /// They are set aside for orders.
    Reserved,
    /// They went to customers.
    Sold,
    /// They were set aside and are gone without being sold.
    Lost,
}

impl Column {
    /// All columns.
    pub const ALL: [Self; 4] = [Self::Available, Self::Reserved, Self::Sold, Self::Lost];

    /// The name in the table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Reserved => "reserved",
            Self::Sold => "sold",
            Self::Lost => "lost",
        }
    }
}

/// What orders do with pieces: they go from one column to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// They are set aside.
    Reserve,
    /// They can be ordered again.
    Release,
    /// They go to a customer.
    Sell,
    /// They are gone without being sold.
    Lose,
}

impl Move {
    /// The column that they come from.
    pub const fn from(self) -> Column {
        match self {
            Self::Reserve => Column::Available,
            Self::Release | Self::Sell | Self::Lose => Column::Reserved,
        }
    }

    /// The column that they go to.
    pub const fn to(self) -> Column {
        match self {
            Self::Reserve => Column::Reserved,
            Self::Release => Column::Available,
            Self::Sell => Column::Sold,
            Self::Lose => Column::Lost,
        }
    }
}

/// The pieces of a bucket, or of all together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the columns say it")]
pub struct Pieces {
    pub available: u32,
    pub reserved: u32,
    pub sold: u32,
    pub lost: u32,
}

impl Pieces {
    /// The number in a column.
    pub const fn get(self, column: Column) -> u32 {
        match column {
            Column::Available => self.available,
            Column::Reserved => self.reserved,
            Column::Sold => self.sold,
            Column::Lost => self.lost,
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            available: self.available.saturating_add(other.available),
            reserved: self.reserved.saturating_add(other.reserved),
            sold: self.sold.saturating_add(other.sold),
            lost: self.lost.saturating_add(other.lost),
        }
    }

    /// The pieces after a change; `None` when there are too few for it.
    #[must_use]
    pub fn changed(self, change: &Change) -> Option<Self> {
        let number = |column| {
            let after = i64::from(self.get(column)) + change.get(column);
            u32::try_from(after).ok()
        };
        Some(Self {
            available: number(Column::Available)?,
            reserved: number(Column::Reserved)?,
            sold: number(Column::Sold)?,
            lost: number(Column::Lost)?,
        })
    }
}

/// What is to be added to a bucket, in each column; less than nothing is taken from it. It may be made when the
/// bucket has what is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Change {
    /// The bucket: 0 is the place's own row.
    pub bucket: u8,
    by: [i64; 4],
}

impl Change {
    /// A change of this bucket that changes nothing yet.
    pub fn of(bucket: u8) -> Self {
        Self { bucket, by: [0; 4] }
    }

    /// The same, with so many more pieces in this column.
    #[must_use]
    pub fn with(mut self, column: Column, pieces: i64) -> Self {
        self.by[column as usize] += pieces;
        self
    }

    /// What is added in this column.
    pub const fn get(&self, column: Column) -> i64 {
        self.by[column as usize]
    }

    /// Whether it changes anything.
    pub fn changes_something(&self) -> bool {
        self.by != [0; 4]
    }

    /// So many pieces of a bucket go another way.
    pub fn moved(bucket: u8, change: Move, quantity: u32) -> Self {
        let quantity = i64::from(quantity);
        Self::of(bucket).with(change.from(), -quantity).with(change.to(), quantity)
    }
}

/// The bucket, of so many, that a number leads to.
pub fn bucket_of(number: u64, count: u8) -> u8 {
    u8::try_from(number % u64::from(count.max(1))).unwrap_or_default()
}

/// The buckets of a place. There is at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shelf {
    own: Pieces,
    others: Vec<Pieces>,
}

impl Shelf {
    /// A place that is not split.
    pub const fn whole(own: Pieces) -> Self {
        Self { own, others: Vec::new() }
    }

    /// A place with so many buckets of which only this one was read. The others count as empty.
    pub fn seen_in_part(count: u8, bucket: u8, pieces: Pieces) -> Self {
        let mut buckets = vec![Pieces::default(); usize::from(count.max(1))];
        if let Some(seen) = buckets.get_mut(usize::from(bucket)) {
            *seen = pieces;
        }
        Self { own: buckets[0], others: buckets.split_off(1) }
    }

    /// A place with its own row and further buckets, at most [`MOST_BUCKETS`] in all.
    pub fn split_into(own: Pieces, others: Vec<Pieces>) -> Self {
        Self { own, others }
    }

    /// The buckets with their numbers.
    pub fn buckets(&self) -> impl Iterator<Item = (u8, Pieces)> + '_ {
        (0..=u8::MAX).zip(std::iter::once(self.own).chain(self.others.iter().copied()))
    }

    /// The number of buckets.
    pub fn count(&self) -> u8 {
        u8::try_from(self.others.len() + 1).unwrap_or(u8::MAX)
    }

    /// The number of buckets that there are pieces for.
    pub fn most_useful_buckets(&self) -> u8 {
        let buckets = self.total().available / WORTH_A_BUCKET;
        u8::try_from(buckets).unwrap_or(MOST_BUCKETS).clamp(1, MOST_BUCKETS)
    }

    /// The pieces in all buckets together.
    pub fn total(&self) -> Pieces {
        self.others.iter().fold(self.own, |sum, pieces| sum.plus(*pieces))
    }

    fn pieces(&self, bucket: u8) -> Pieces {
        match bucket {
            0 => self.own,
            bucket => self.others.get(usize::from(bucket) - 1).copied().unwrap_or_default(),
        }
    }

    /// The changes by which so many pieces go from one column to another: of the bucket that the number leads to if it
    /// has enough, else of the next one that has, else of several. A bucket without enough pieces to reserve also takes
    /// over pieces of one that has plenty, so that it has some for those who come next. `None` when all together have
    /// too few.
    pub fn moved(&self, change: Move, quantity: u32, number: u64) -> Option<Vec<Change>> {
        let first = bucket_of(number, self.count());
        let has_enough = |bucket: &u8| self.pieces(*bucket).get(change.from()) >= quantity;
        if has_enough(&first) {
            return Some(vec![Change::moved(first, change, quantity)]);
        }
        if change == Move::Reserve
            && let Some(changes) = self.reserved_of_another(first, quantity, number)
        {
            return Some(changes);
        }
        let in_turn = (first..self.count()).chain(0..first);
        match in_turn.clone().find(has_enough) {
            Some(bucket) => Some(vec![Change::moved(bucket, change, quantity)]),
            None => self.gathered(in_turn, change.from(), quantity, |bucket, part| {
                Change::moved(bucket, change, part)
            }),
        }
    }

    /// Reserves pieces of a bucket with plenty in the bucket `to`, with half of what that one can spare. The number leads
    /// to one of those with plenty, so that not all go to the same.
    fn reserved_of_another(&self, to: u8, quantity: u32, number: u64) -> Option<Vec<Change>> {
        let half = |pieces: Pieces| pieces.available.saturating_sub(quantity) / 2;
        let has_plenty = |(_, pieces): &(u8, Pieces)| half(*pieces) >= WORTH_TAKING_OVER;
        let plenty: Vec<_> = self.buckets().filter(has_plenty).collect();
        let other_bits = number / u64::from(self.count());
        let chosen = usize::try_from(other_bits % plenty.len().max(1) as u64).unwrap_or_default();
        let (from, pieces) = *plenty.get(chosen)?;
        let (half, quantity) = (i64::from(half(pieces)), i64::from(quantity));
        Some(vec![
            Change::of(from).with(Column::Available, -(half + quantity)),
            Change::of(to).with(Column::Available, half).with(Column::Reserved, quantity),
        ])
    }

    /// The changes that take so many available pieces away; `None` when there are too few.
    pub fn taken(&self, quantity: u32) -> Option<Vec<Change>> {
        self.gathered(0..self.count(), Column::Available, quantity, |bucket, part| {
            Change::of(bucket).with(Column::Available, -i64::from(part))
        })
    }

    /// The changes that take pieces back that were sold: those that can be sold again are available in one of the buckets,
    /// the others lost. `None` when fewer were sold.
    pub fn taken_back(&self, restocked: u32, written_off: u32) -> Option<Vec<Change>> {
        let sold = |bucket, part| Change::of(bucket).with(Column::Sold, -i64::from(part));
        let came = restocked.checked_add(written_off)?;
        let mut changes = self.gathered(0..self.count(), Column::Sold, came, sold)?;
        if let Some(first) = changes.first_mut() {
            *first = first
                .with(Column::Available, i64::from(restocked))
                .with(Column::Lost, i64::from(written_off));
        }
        Some(changes)
    }

    /// The changes that bring pieces of a column together in the bucket `to`, until it has so many; `None` when all
    /// together have too few.
    pub fn brought_together(&self, column: Column, quantity: u32, to: u64) -> Option<Vec<Change>> {
        let to = bucket_of(to, self.count());
        let lacking = quantity.saturating_sub(self.pieces(to).get(column));
        let others = (0..self.count()).filter(|bucket| *bucket != to);
        let taken = |bucket, part| Change::of(bucket).with(column, -i64::from(part));
        let mut changes = self.gathered(others, column, lacking, taken)?;
        changes.push(Change::of(to).with(column, i64::from(lacking)));
        Some(changes)
    }

    /// Takes so many pieces from the buckets that have most, so that few are touched.
    fn gathered(
        &self,
        buckets: impl Iterator<Item = u8>,
        from: Column,
        quantity: u32,
        change: impl Fn(u8, u32) -> Change,
    ) -> Option<Vec<Change>> {
        let mut fullest: Vec<_> = buckets.map(|bucket| (bucket, self.pieces(bucket).get(from))).collect();
        fullest.sort_by_key(|(_, pieces)| Reverse(*pieces));
        let (mut left, mut changes) = (quantity, Vec::new());
        for (bucket, pieces) in fullest {
            let part = pieces.min(left);
            if part > 0 {
                changes.push(change(bucket, part));
            }
            left -= part;
        }
        (left == 0).then_some(changes)
    }

    /// The changes that split the place into so many buckets, which must be more than it has: what is available in
    /// its own row is spread over that and the new ones. The changes of new buckets are what they begin with.
    pub fn split(&self, buckets: u8) -> Vec<Change> {
        let new = self.count()..buckets;
        let share = self.own.available / (u32::try_from(new.len()).unwrap_or(u32::MAX) + 1);
        let begun = new.clone().map(|bucket| Change::of(bucket).with(Column::Available, i64::from(share)));
        let spread = i64::from(share) * i64::try_from(new.len()).unwrap_or_default();
        let own = Change::of(0).with(Column::Available, -spread);
        std::iter::once(own).chain(begun).collect()
    }

    /// The last bucket as it is, and the change that brings all of it to the place's own row; `None` when there is
    /// one bucket only.
    pub fn without_last(&self) -> Option<(Pieces, Change)> {
        let last = *self.others.last()?;
        let all = |change: Change, column| change.with(column, i64::from(last.get(column)));
        Some((last, Column::ALL.into_iter().fold(Change::of(0), all)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn shelf(available: &[u32]) -> Shelf {
        let pieces = |available: &u32| Pieces { available: *available, ..Pieces::default() };
        Shelf::split_into(pieces(&available[0]), available[1..].iter().map(pieces).collect())
    }

    fn buckets_of(changes: &[Change]) -> Vec<u8> {
        changes.iter().map(|change| change.bucket).collect()
    }

    #[test]
    fn the_first_bucket_is_taken_then_the_next_that_has_enough_then_several() {
        let of = |available: &[u32], quantity| shelf(available).moved(Move::Reserve, quantity, 1);
        assert_eq!(buckets_of(&of(&[5, 5, 5], 5).unwrap()), [1]);
        assert_eq!(buckets_of(&of(&[5, 1, 3], 3).unwrap()), [2]);
        assert_eq!(buckets_of(&of(&[3, 1, 2], 3).unwrap()), [0]);
        assert_eq!(buckets_of(&of(&[3, 1, 2], 5).unwrap()), [0, 2]);
        assert_eq!(buckets_of(&of(&[3, 1, 2], 6).unwrap()), [0, 2, 1]);
        assert_eq!(of(&[3, 1, 2], 7), None);
        assert_eq!(of(&[3, 1, 2], 0).map(|changes| changes.len()), Some(1));
    }

    #[test]
    fn an_empty_bucket_takes_over_half_of_what_another_can_spare() {
        let changes = shelf(&[102, 0, 4]).moved(Move::Reserve, 2, 1).unwrap();
        let expected = [
            Change::of(0).with(Column::Available, -52),
            Change::of(1).with(Column::Available, 50).with(Column::Reserved, 2),
        ];
        assert_eq!(changes, expected);
        let others = [1, 4, 7].map(|number| shelf(&[102, 0, 102]).moved(Move::Reserve, 2, number).unwrap());
        assert_eq!(others.map(|changes| changes[0].bucket), [0, 2, 0], "orders go to different ones");
        assert_eq!(
            buckets_of(&shelf(&[12, 0, 4]).moved(Move::Reserve, 2, 1).unwrap()),
            [2],
            "too few to share"
        );
    }

    #[test]
    fn pieces_that_come_back_were_sold_from_any_buckets_and_go_to_one() {
        let sold = |sold| Pieces { sold, ..Pieces::default() };
        let shelf = Shelf::split_into(sold(2), vec![sold(3), sold(1)]);
        let of = |bucket, pieces| Change::of(bucket).with(Column::Sold, pieces);
        let expected = [of(1, -3).with(Column::Available, 3).with(Column::Lost, 1), of(0, -1)];
        assert_eq!(shelf.taken_back(3, 1).unwrap(), expected);
        assert_eq!(shelf.taken_back(3, 4), None, "six were sold");
        assert_eq!(shelf.taken_back(0, 0).unwrap(), []);
    }

    #[test]
    fn pieces_of_several_buckets_come_together_in_one() {
        let changes = shelf(&[3, 1, 2]).brought_together(Column::Available, 6, 1).unwrap();
        let of = |bucket, pieces| Change::of(bucket).with(Column::Available, pieces);
        assert_eq!(changes, [of(0, -3), of(2, -2), of(1, 5)]);
        assert_eq!(shelf(&[3, 1, 2]).brought_together(Column::Available, 7, 1), None);
    }

    /// What somebody does next. Whoever plans reads the buckets before the last `lag` writes of others.
    #[derive(Debug, Clone)]
    enum Step {
        Reserve { quantity: u32, first: u64, lag: usize },
        Move { which: usize, change: Move, first: u64, lag: usize },
        Receive(u32),
        Take { quantity: u32, lag: usize },
        Split(u8),
        Merge,
    }

    fn step() -> impl Strategy<Value = Step> {
        let after = prop_oneof![Just(Move::Release), Just(Move::Sell), Just(Move::Lose)];
        prop_oneof![
            6 => (1..12_u32, 0..64_u64, 0..4_usize)
                .prop_map(|(quantity, first, lag)| Step::Reserve { quantity, first, lag }),
            6 => (any::<usize>(), after, 0..64_u64, 0..4_usize)
                .prop_map(|(which, change, first, lag)| Step::Move { which, change, first, lag }),
            1 => (1..300_u32).prop_map(Step::Receive),
            1 => (1..20_u32, 0..4_usize).prop_map(|(quantity, lag)| Step::Take { quantity, lag }),
            1 => (2..=MOST_BUCKETS).prop_map(Step::Split),
            1 => Just(Step::Merge),
        ]
    }

    /// The buckets as a table holds them: a write is made when its conditions hold, all of it or nothing.
    #[derive(Clone)]
    struct Table(BTreeMap<u8, Pieces>);

    impl Table {
        fn read(&self) -> Shelf {
            Shelf::split_into(self.0[&0], self.0.values().skip(1).copied().collect())
        }

        fn write(&mut self, changes: &[Change]) -> bool {
            let mut after = self.0.clone();
            for change in changes {
                let changed = after.get(&change.bucket).and_then(|pieces| pieces.changed(change));
                let Some(changed) = changed else { return false };
                after.insert(change.bucket, changed);
            }
            self.0 = after;
            true
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_between_no_piece_is_lost_or_held_twice(
            stock in 0..200_u32,
            steps in proptest::collection::vec(step(), 1..120),
        ) {
            let own = Pieces { available: stock, ..Pieces::default() };
            let mut table = Table(BTreeMap::from([(0, own)]));
            let mut history = vec![table.read()];
            let (mut held, mut gone, mut brought) = (Vec::<u32>::new(), [0_u32; 2], i64::from(stock));
            for step in steps {
                let seen = |lag: usize| history[history.len().saturating_sub(lag + 1)].clone();
                match step {
                    Step::Reserve { quantity, first, lag } => {
                        let plan = seen(lag).moved(Move::Reserve, quantity, first);
                        if plan.is_some_and(|changes| table.write(&changes)) {
                            held.push(quantity);
                        }
                        // What is there can be had, however it is split.
                        let enough = table.read().total().available >= quantity;
                        prop_assert_eq!(table.read().moved(Move::Reserve, quantity, first).is_some(), enough);
                    }
                    Step::Move { which, change, first, lag } if !held.is_empty() => {
                        let which = which % held.len();
                        let plan = seen(lag).moved(change, held[which], first);
                        if plan.is_none_or(|changes| !table.write(&changes)) {
                            // What is held can be moved by whoever reads what is there now.
                            let plan = table.read().moved(change, held[which], first);
                            prop_assert!(plan.is_some_and(|changes| table.write(&changes)));
                        }
                        let quantity = held.swap_remove(which);
                        match change {
                            Move::Sell => gone[0] += quantity,
                            Move::Lose => gone[1] += quantity,
                            Move::Release | Move::Reserve => {}
                        }
                    }
                    Step::Move { .. } => {}
                    Step::Receive(quantity) => {
                        let change = Change::of(0).with(Column::Available, i64::from(quantity));
                        prop_assert!(table.write(&[change]));
                        brought += i64::from(quantity);
                    }
                    Step::Take { quantity, lag } => {
                        if seen(lag).taken(quantity).is_some_and(|changes| table.write(&changes)) {
                            brought -= i64::from(quantity);
                        }
                    }
                    Step::Split(buckets) => {
                        let now = table.read();
                        if buckets > now.count() {
                            let changes = now.split(buckets);
                            for change in &changes[1..] {
                                table.0.insert(change.bucket, Pieces::default());
                            }
                            prop_assert!(table.write(&changes));
                            prop_assert_eq!(table.read().count(), buckets);
                        }
                    }
                    Step::Merge => {
                        let now = table.read();
                        if let Some((last, change)) = now.without_last() {
                            prop_assert_eq!(table.0.remove(&(now.count() - 1)), Some(last));
                            prop_assert!(table.write(&[change]));
                        }
                    }
                }
                history.push(table.read());
                let total = table.read().total();
                prop_assert_eq!(total.reserved, held.iter().sum::<u32>());
                prop_assert_eq!([total.sold, total.lost], gone);
                let all = Column::ALL.into_iter().map(|column| i64::from(total.get(column))).sum::<i64>();
                prop_assert_eq!(all, brought);
            }
        }
    }
}
