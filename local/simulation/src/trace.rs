//! What happened, line by line. All lines together have a hash, by which two runs are compared; the lines
//! about an order are kept until the order has been checked at rest.

use std::collections::HashMap;
use std::fmt::{Arguments, Write as _};
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The number of lines about the world that are kept, the newest.
const WORLD_KEPT: usize = 2_000;

/// The lines of a run.
pub struct Trace(Mutex<Lines>);

struct Lines {
    hash: DefaultHasher,
    count: u64,
    /// The lines about each order, with their numbers.
    of_orders: HashMap<String, Vec<(u64, Box<str>)>>,
    /// The lines about no order in particular.
    of_the_world: Vec<(u64, Box<str>)>,
    /// All lines, when they are to be kept.
    all: Option<Vec<String>>,
    text: String,
    /// Whether lines are kept at all.
    keeps: bool,
}

impl Trace {
    /// An empty trace. With `keep_all`, all its lines are kept.
    pub fn new(keep_all: bool) -> Self {
        Self(Mutex::new(Lines {
            hash: DefaultHasher::new(),
            count: 0,
            of_orders: HashMap::new(),
            of_the_world: Vec::new(),
            all: keep_all.then(Vec::new),
            text: String::new(),
            keeps: true,
        }))
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line about an order, or about none in particular, at this time in milliseconds.
    pub fn add(&self, at: u64, order: Option<&str>, line: Arguments<'_>) {
        let mut lines = self.lines();
        let lines = &mut *lines;
        lines.text.clear();
        // Writing to a String can't fail.
        let _ = write!(lines.text, "{:>7}.{:03} {line}", at / 1000, at % 1000);
        lines.hash.write(order.unwrap_or_default().as_bytes());
        lines.hash.write(lines.text.as_bytes());
        lines.hash.write_u8(0xFF);
        lines.count += 1;
        if let Some(all) = &mut lines.all {
            all.push(format!("{} {}", order.unwrap_or("-"), lines.text));
        }
        if !lines.keeps {
            return;
        }
        let line = (lines.count, lines.text.as_str().into());
        match order {
            Some(order) => match lines.of_orders.get_mut(order) {
                Some(known) => known.push(line),
                None => drop(lines.of_orders.insert(order.to_owned(), vec![line])),
            },
            None => {
                if lines.of_the_world.len() >= WORLD_KEPT {
                    lines.of_the_world.drain(..WORLD_KEPT / 2);
                }
                lines.of_the_world.push(line);
            }
        }
    }

    /// Keeps no lines from now on: a run of very many orders has no room for them. Their hash goes on.
    pub fn keep_no_lines(&self) {
        self.lines().keeps = false;
    }

    /// Forgets the lines about an order.
    pub fn forget(&self, order: &str) {
        self.lines().of_orders.remove(order);
    }

    /// The lines about an order, among them those about the world since its first one.
    pub fn of(&self, order: &str) -> Vec<String> {
        let lines = self.lines();
        let Some(own) = lines.of_orders.get(order) else { return Vec::new() };
        let first = own.first().map_or(0, |(number, _)| *number);
        let of_the_world = lines.of_the_world.iter().filter(|(number, _)| *number >= first);
        let mut both: Vec<_> = own.iter().chain(of_the_world).collect();
        both.sort_unstable_by_key(|(number, _)| *number);
        both.into_iter().map(|(_, line)| line.to_string()).collect()
    }

    /// The lines about no order in particular.
    pub fn of_the_world(&self) -> Vec<String> {
        self.lines().of_the_world.iter().map(|(_, line)| line.to_string()).collect()
    }

    /// All lines, if they are kept.
    pub fn all(&self) -> Option<Vec<String>> {
        self.lines().all.clone()
    }

    /// The hash of all lines, and their number.
    pub fn hash(&self) -> (u64, u64) {
        let lines = self.lines();
        (lines.hash.finish(), lines.count)
    }
}
