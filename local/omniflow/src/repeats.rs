//! A log format that writes repeated errors and warnings only now and then, with a count. A disk that is
//! full for minutes makes every commit fail, and hundreds of thousands of equal lines would hide all others.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The number of errors or warnings from one line of the code that are written in full within [`PERIOD`].
const IN_FULL: u64 = 5;
/// After this time the number of events that were left out is written, and the next events are written in
/// full again.
const PERIOD: Duration = Duration::from_secs(60);

/// Writes events as `Format` does, but leaves out repeated ones.
pub(crate) struct Repeats<Format> {
    format: Format,
    counts: Counts,
}

/// How often errors and warnings were written and left out lately. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Counts(Arc<Mutex<HashMap<Origin, Seen>>>);

/// The file and the line of the code that an event comes from.
type Origin = (Option<&'static str>, Option<u32>);

struct Seen {
    since: Instant,
    times: u64,
    /// The level and the target of the events, which stand before the count.
    place: String,
}

impl Seen {
    fn left_out(&self) -> u64 {
        self.times.saturating_sub(IN_FULL)
    }
}

/// The number of errors or warnings of one origin that were left out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LeftOut {
    times: u64,
    place: String,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (place, times, seconds) = (&self.place, self.times, PERIOD.as_secs());
        write!(f, "{place}: {times} more like the last of these within {seconds} s or so were left out")
    }
}

impl<Format> Repeats<Format> {
    pub(crate) fn of(format: Format) -> Self {
        Self { format, counts: Counts::default() }
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts.clone()
    }
}

impl Counts {
    fn seen(&self) -> MutexGuard<'_, HashMap<Origin, Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an event. Returns whether it is to be written, and what was left out in periods that are over.
    fn take(&self, origin: Origin, now: Instant, place: impl Fn() -> String) -> (bool, Vec<LeftOut>) {
        let mut seen = self.seen();
        let left_out = over(&mut seen, |since| now.duration_since(since) >= PERIOD);
        let one = seen.entry(origin).or_insert_with(|| Seen { since: now, times: 0, place: place() });
        one.times += 1;
        (one.times <= IN_FULL, left_out)
    }

    /// What was left out in periods that are over. It is for the time in which no further error or warning
    /// comes.
    pub(crate) fn left_out(&self, now: Instant) -> Vec<LeftOut> {
        over(&mut self.seen(), |since| now.duration_since(since) >= PERIOD)
    }

    /// What was left out so far, at the end of the program.
    pub(crate) fn left_out_at_the_end(&self) -> Vec<LeftOut> {
        over(&mut self.seen(), |_| true)
    }
}

/// Takes out what is over.
fn over(seen: &mut HashMap<Origin, Seen>, is_over: impl Fn(Instant) -> bool) -> Vec<LeftOut> {
    let mut left_out = Vec::new();
    seen.retain(|_, one| {
        let is_over = is_over(one.since);
        if is_over && one.left_out() > 0 {
            left_out.push(LeftOut { times: one.left_out(), place: std::mem::take(&mut one.place) });
        }
        !is_over
    });
    left_out
}

impl<S, N, Format> FormatEvent<S, N> for Repeats<Format>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    Format: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        if *metadata.level() > Level::WARN {
            return self.format.format_event(context, writer, event);
        }
        let place = || format!("{} {}", metadata.level(), metadata.target());
        let (is_written, left_out) =
            self.counts.take((metadata.file(), metadata.line()), Instant::now(), place);
        for left_out in left_out {
            writeln!(writer, "{left_out}")?;
        }
        if is_written { self.format.format_event(context, writer, event) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_error_that_repeats_itself_is_not_written_each_time_and_others_are() {
        let log = Log::default();
        let writer = log.clone();
        let format = Repeats::of(tracing_subscriber::fmt::format().without_time());
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .event_format(format)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            for number in 0..1_000 {
                tracing::error!(number, "the disk is full");
                tracing::info!(number, "still here");
            }
            tracing::warn!("another");
        });
        let written = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let lines_with = |text: &str| written.lines().filter(|line| line.contains(text)).count();
        assert_eq!(lines_with("the disk is full"), 5);
        assert_eq!((lines_with("still here"), lines_with("another")), (1_000, 1));
    }

    #[test]
    fn what_was_left_out_is_counted_when_its_time_is_over() {
        let [disk, other] = [Some("disk.rs"), Some("other.rs")].map(|file| (file, Some(7)));
        let repeats = Counts::default();
        let begun = Instant::now();
        let place = || "ERROR disk".to_owned();
        let written = (0..100).filter(|_| repeats.take(disk, begun, place).0).count();
        assert_eq!(written, 5);
        let (is_written, left_out) = repeats.take(other, begun + PERIOD, place);
        assert!(is_written);
        assert_eq!(left_out, [LeftOut { times: 95, place: "ERROR disk".to_owned() }]);
        assert_eq!(repeats.take(disk, begun + PERIOD, place), (true, Vec::new()));
    }

    #[test]
    fn what_was_left_out_is_counted_also_when_nothing_more_comes() {
        let repeats = Counts::default();
        let begun = Instant::now();
        for _ in 0..100 {
            repeats.take((Some("disk.rs"), Some(7)), begun, || "ERROR disk".to_owned());
        }
        assert_eq!(repeats.left_out(begun + PERIOD / 2), []);
        let left_out = repeats.left_out(begun + PERIOD);
        assert_eq!(left_out, [LeftOut { times: 95, place: "ERROR disk".to_owned() }]);
        assert!(left_out[0].to_string().starts_with("ERROR disk: 95 more"), "{}", left_out[0]);
        assert_eq!(repeats.left_out(begun + PERIOD), []);
        for _ in 0..7 {
            repeats.take((Some("disk.rs"), Some(7)), begun, || "ERROR disk".to_owned());
        }
        assert_eq!(repeats.left_out_at_the_end().len(), 1);
    }
}
