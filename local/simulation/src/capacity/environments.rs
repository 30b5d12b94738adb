//! The environments in which Lambda runs functions: how many there are, how quickly there can be more, and how many work at
//! once.
//!
//! Source: AWS Lambda Developer Guide, "Understanding Lambda function scaling" and "Lambda scaling behavior".

use std::collections::BTreeMap;
use std::time::Duration;

use super::bucket::Bucket;

/// By how many environments each function can grow at once. It gets as many again in ten seconds, bit by bit.
const NEW_AT_ONCE: f64 = 1_000.0;
const NEW_A_SECOND: f64 = NEW_AT_ONCE / 10.0;

/// All environments of an account.
#[derive(Debug)]
pub struct Environments {
    /// How many may work at once.
    limit: u64,
    working: u64,
    /// The most that have worked at once.
    most: u64,
    functions: BTreeMap<&'static str, OfFunction>,
}

/// Those of one function.
#[derive(Debug)]
struct OfFunction {
    /// The numbers of those that wait for an event. The one that has worked last is taken first.
    idle: Vec<usize>,
    made: usize,
    new: Bucket,
    most: u64,
}

/// An environment that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Its number among those of its function.
    pub number: usize,
    /// Whether it has to be made first.
    pub is_new: bool,
}

impl Environments {
    /// No environments yet, of which so many may work at once.
    pub fn new(limit: u64) -> Self {
        Self { limit, working: 0, most: 0, functions: BTreeMap::new() }
    }

    /// Takes an environment for an invocation of this function. `None` when Lambda throttles it.
    pub fn take(&mut self, function: &'static str, now: Duration) -> Option<Taken> {
        let of_function = self.functions.entry(function).or_insert_with(|| OfFunction {
            idle: Vec::new(),
            made: 0,
            new: Bucket::new(NEW_AT_ONCE, NEW_A_SECOND),
            most: 0,
        });
        if self.working >= self.limit {
            return None;
        }
        let taken = match of_function.idle.pop() {
            Some(number) => Taken { number, is_new: false },
            None if of_function.new.try_take(now, 1.0) => {
                of_function.made += 1;
                Taken { number: of_function.made - 1, is_new: true }
            }
            None => return None,
        };
        self.working += 1;
        self.most = self.most.max(self.working);
        let working = of_function.made - of_function.idle.len();
        of_function.most = of_function.most.max(u64::try_from(working).unwrap_or(u64::MAX));
        Some(taken)
    }

    /// An environment has done its work, and waits for the next event.
    pub fn give_back(&mut self, function: &'static str, number: usize) {
        if let Some(of_function) = self.functions.get_mut(function) {
            of_function.idle.push(number);
            self.working = self.working.saturating_sub(1);
        }
    }

    /// The most that have worked at once.
    pub fn most(&self) -> u64 {
        self.most
    }

    /// The most of each function that have worked at once.
    pub fn most_of_each(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.functions.iter().map(|(name, of_function)| (*name, of_function.most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_that_is_given_back_is_taken_again() {
        let mut environments = Environments::new(10);
        let first = environments.take("api", Duration::ZERO).unwrap();
        assert!(first.is_new);
        environments.give_back("api", first.number);
        let again = environments.take("api", Duration::ZERO).unwrap();
        assert_eq!(again, Taken { number: first.number, is_new: false });
        assert_eq!(environments.most(), 1);
    }

    #[test]
    fn no_more_work_at_once_than_the_account_may() {
        let mut environments = Environments::new(3);
        let taken = (0..5).filter(|_| environments.take("api", Duration::ZERO).is_some()).count();
        assert_eq!((taken, environments.take("other", Duration::ZERO)), (3, None));
        environments.give_back("api", 0);
        assert!(environments.take("other", Duration::ZERO).is_some());
    }

    #[test]
    fn a_function_grows_by_a_thousand_at_once_and_by_a_hundred_a_second_and_each_by_itself() {
        let mut environments = Environments::new(u64::MAX);
        let mut grow = |function, seconds| {
            (0..5_000).filter(|_| environments.take(function, Duration::from_secs(seconds)).is_some()).count()
        };
        assert_eq!((grow("api", 0), grow("other", 0), grow("api", 3)), (1_000, 1_000, 300));
    }
}
