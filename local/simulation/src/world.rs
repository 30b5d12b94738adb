//! The world of one run: the clock, the faults, the books and the trace, which everything in it shares.

use std::fmt::Arguments;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ambient::Randomness;
use omniflow_tables::Tables;
use strict_stripe::StrictStripe;
use tokio::sync::Notify;

use crate::books::Books;
use crate::capacity::Capacity;
use crate::clock::VirtualClock;
use crate::dice::Dice;
use crate::fault::Fault;
use crate::faults::Faults;
use crate::invariant::Invariant;
use crate::planted::Planted;
use crate::profile::Profile;
use crate::provider::Provider;
use crate::till::Till;
use crate::trace::Trace;
use crate::yard::Yard;

/// How long a call to a service takes, in milliseconds, shortest and longest.
const CALL: (u64, u64) = (1, 12);

tokio::task_local! {
    /// The invocation of a function that the current task runs.
    pub static INVOCATION: Arc<Invocation>;
}

/// What an invocation is about, as far as its event says it.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// The order.
    pub order: Option<String>,
    /// The idempotency key of a request.
    pub key: Option<String>,
    /// The id of an event about an order.
    pub event: Option<String>,
}

/// One invocation of a function.
#[derive(Debug)]
pub struct Invocation {
    /// The binary of the function.
    pub function: &'static str,
    /// The number of the invocation, from 1 on.
    pub number: u64,
    /// The order that it is about, once that is known.
    order: Mutex<Option<Arc<str>>>,
    /// The call at which it is held up, counted from 1, and for how long.
    held_up: Option<(u32, Duration)>,
    calls: AtomicU32,
    made: AtomicU32,
    /// The idempotency key of the request that it answers.
    pub key: Option<String>,
    /// The id of the order's event that it is invoked with.
    pub event: Option<String>,
}

impl Invocation {
    /// An invocation of this function.
    pub fn new(function: &'static str, number: u64, about: &About) -> Self {
        Self {
            function,
            number,
            order: Mutex::new(about.order.as_deref().map(Arc::from)),
            held_up: None,
            calls: AtomicU32::new(0),
            made: AtomicU32::new(0),
            key: about.key.clone(),
            event: about.event.clone(),
        }
    }

    /// The same, but held up at the call of this number for this time.
    #[must_use]
    pub fn held_up(mut self, call: u32, pause: Duration) -> Self {
        self.held_up = Some((call, pause));
        self
    }

    /// The order that the invocation is about.
    pub fn order(&self) -> Option<Arc<str>> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes that the invocation has made an order, and gives how many it has made by now.
    pub fn has_made(&self, order: &str) -> u32 {
        *self.order.lock().unwrap_or_else(PoisonError::into_inner) = Some(order.into());
        self.made.fetch_add(1, Relaxed) + 1
    }

    /// The invocation of the current task, if it runs one.
    pub fn current() -> Option<Arc<Self>> {
        INVOCATION.try_with(Arc::clone).ok()
    }
}

/// What everything in a run shares.
pub struct World {
    /// The seed of the run.
    pub seed: u64,
    /// The time.
    pub clock: VirtualClock,
    /// The faults.
    pub faults: Faults,
    /// What happened, line by line.
    pub trace: Trace,
    /// The bug that was planted, if one was.
    pub planted: Option<Planted>,
    /// The tables, which outlive every process.
    pub tables: Tables,
    /// Who holds and takes the customers' money.
    pub provider: Provider,
    /// Stripe, which outlives every process, too.
    pub stripe: StrictStripe,
    /// The randomness of the system itself.
    pub randomness: Randomness,
    /// The account whose quotas limit everything, if there is one.
    pub capacity: Option<Capacity>,
    /// Rings when an invariant did not hold.
    pub alarm: Notify,
    books: Mutex<Books>,
    yard: Mutex<Yard>,
    till: Mutex<Till>,
    dice: Mutex<Dice>,
    invocations: AtomicU64,
    calls: AtomicU64,
}

impl World {
    /// A new world.
    pub fn new(
        seed: u64,
        profile: Profile,
        planted: Option<Planted>,
        provider: Provider,
        tables: Tables,
        keep_all: bool,
    ) -> Self {
        let clock = VirtualClock::beginning_now();
        Self {
            seed,
            clock,
            faults: Faults::new(seed, profile, clock),
            trace: Trace::new(keep_all),
            planted,
            provider,
            stripe: StrictStripe::default(),
            tables,
            randomness: Randomness::seeded(seed),
            capacity: None,
            alarm: Notify::new(),
            books: Mutex::default(),
            yard: Mutex::default(),
            till: Mutex::default(),
            dice: Mutex::new(Dice::new(seed, "world", 0)),
            invocations: AtomicU64::new(0),
            calls: AtomicU64::new(0),
        }
    }

    /// Whether this bug was planted.
    pub fn has(&self, planted: Planted) -> bool {
        self.planted == Some(planted)
    }

    /// The present time in milliseconds since the beginning.
    pub fn now(&self) -> u64 {
        self.clock.milliseconds()
    }

    /// Adds a line about an order to the trace.
    pub fn note(&self, order: &str, line: Arguments<'_>) {
        self.trace.add(self.now(), Some(order), line);
    }

    /// Adds a line to the trace.
    pub fn note_all(&self, line: Arguments<'_>) {
        self.trace.add(self.now(), None, line);
    }

    /// Adds a line about the order of the current invocation, or about none.
    pub fn note_here(&self, line: Arguments<'_>) {
        let order = Invocation::current().and_then(|invocation| invocation.order());
        self.trace.add(self.now(), order.as_deref(), line);
    }

    /// Draws from the world's stream.
    pub fn draw<T>(&self, draw: impl FnOnce(&mut Dice) -> T) -> T {
        draw(&mut self.dice.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The number of the next invocation.
    pub fn next_invocation(&self) -> u64 {
        self.invocations.fetch_add(1, Relaxed) + 1
    }

    /// How many functions were invoked, and how many calls to services they made.
    pub fn counts(&self) -> (u64, u64) {
        (self.invocations.load(Relaxed), self.calls.load(Relaxed))
    }

    /// Lets the time of this call to a service pass, and what holds the invocation up.
    pub async fn travel(&self, what: &str) {
        self.calls.fetch_add(1, Relaxed);
        let mut pause = match &self.capacity {
            Some(account) => account.latency(what),
            None => self.draw(|dice| dice.milliseconds(CALL)),
        };
        if let Some(invocation) = Invocation::current()
            && let Some((at, longer)) = invocation.held_up
            && invocation.calls.fetch_add(1, Relaxed) + 1 == at
        {
            self.note_here(format_args!("#{} is held up for {longer:?}", invocation.number));
            pause += longer;
        }
        tokio::time::sleep(pause).await;
    }

    /// Reads or writes the books, and rings the alarm when an invariant did not hold.
    pub fn books<T>(&self, act: impl FnOnce(&mut Books) -> T) -> T {
        let mut books: MutexGuard<'_, Books> = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        let was_right = books.violation().is_none();
        let done = act(&mut books);
        if was_right && books.violation().is_some() {
            self.alarm.notify_one();
        }
        done
    }

    /// Reads or changes the yard of the warehouse that has a server of its own.
    pub fn yard<T>(&self, act: impl FnOnce(&mut Yard) -> T) -> T {
        act(&mut self.yard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads or changes what is about to happen at Stripe.
    pub fn till<T>(&self, act: impl FnOnce(&mut Till) -> T) -> T {
        act(&mut self.till.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes that an invariant did not hold.
    pub fn violated(&self, invariant: Invariant, order: Option<&str>, found: impl Into<String>) {
        self.books(|books| books.violated(invariant, order, found));
    }

    /// Whether this fault happens at this call.
    pub fn happens(&self, fault: Fault) -> bool {
        self.faults.happens(fault)
    }
}
