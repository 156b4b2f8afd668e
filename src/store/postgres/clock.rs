//! Converts times of the server's clock to this machine's clock. Workers on several machines share time slots by the
//! server's clock.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How many answers are kept: those of half a minute.
const REMEMBERED: usize = 30;

/// What the server's clock showed, and when by this machine's clock.
#[derive(Debug, Default)]
pub(super) struct ServerClock(Mutex<VecDeque<Sample>>);

#[derive(Clone, Copy, Debug)]
struct Sample {
    /// When the server read its clock, to within half of `round_trip`.
    at: Instant,
    round_trip: Duration,
    /// Microseconds since 1970.
    time: i64,
}

impl ServerClock {
    /// Records the server's answer to a request for its time.
    pub(super) fn note(&self, asked_at: Instant, answered_at: Instant, time: i64) {
        let round_trip = answered_at.duration_since(asked_at);
        let mut samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Once a clock has been set, the earlier answers are useless.
        let drifted = |sample: &Sample| {
            let elapsed = i64::try_from(asked_at.duration_since(sample.at).as_micros()).unwrap_or(i64::MAX);
            (time - sample.time - elapsed).unsigned_abs() > DRIFT.max(round_trip + sample.round_trip).as_micros() as u64
        };
        if samples.back().is_some_and(drifted) {
            samples.clear();
        }
        if samples.len() == REMEMBERED {
            samples.pop_front();
        }
        samples.push_back(Sample { at: asked_at + round_trip / 2, round_trip, time });
    }

    /// Returns the local time at which the server's clock shows `time`, in microseconds since 1970, and its error.
    pub(super) fn local(&self, time: i64) -> Option<(Instant, Duration)> {
        let samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let best = samples.iter().min_by_key(|sample| sample.round_trip)?;
        let apart = Duration::from_micros((time - best.time).unsigned_abs());
        let at = if time >= best.time { best.at + apart } else { best.at.checked_sub(apart)? };
        Some((at, best.round_trip / 2))
    }
}

/// Two clocks that nobody sets differ by less than this after a second.
const DRIFT: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_quickest_answer_counts_until_the_clock_is_set() {
        let clock = ServerClock::default();
        assert!(clock.local(0).is_none());
        let start = Instant::now() + ms(3_600_000);
        clock.note(start, start + ms(40), 5_000_000);
        clock.note(start + ms(1000), start + ms(1002), 6_000_000);
        clock.note(start + ms(2000), start + ms(2040), 7_000_000);
        assert_eq!(clock.local(8_000_000), Some((start + ms(3001), ms(1))));
        assert_eq!(clock.local(5_500_000), Some((start + ms(501), ms(1))));
        // It was set an hour ahead.
        clock.note(start + ms(3000), start + ms(3010), 3_608_000_000);
        assert_eq!(clock.local(3_608_000_000), Some((start + ms(3005), ms(5))));
    }
}
