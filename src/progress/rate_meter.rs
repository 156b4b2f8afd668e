//! Measures how fast a count grows.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The period that the current rate covers: long enough to be steady, short enough to show a change.
const WINDOW: Duration = Duration::from_secs(10);

/// The shortest time between two stored counts.
const STEP: Duration = Duration::from_millis(250);

/// The shortest period that gives a meaningful rate.
const MIN_PERIOD: Duration = Duration::from_secs(1);

/// Measures a rate from counts and their times.
#[derive(Debug, Default)]
pub(super) struct RateMeter {
    kept: VecDeque<(Instant, u64)>,
    latest: u64,
    /// The first time and count.
    first: Option<(Instant, u64)>,
    /// When the count last grew.
    grew_at: Option<Instant>,
}

/// How fast a count grows, per second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rates {
    /// Over the last ten seconds; `None` until it can be measured, and while the count does not grow.
    pub(super) now: Option<f64>,
    /// Since the start, including pauses.
    pub(super) average: Option<f64>,
}

impl RateMeter {
    /// Records the count at this time. Times must not go backwards.
    pub(super) fn set(&mut self, count: u64, now: Instant) {
        if count > self.latest {
            self.grew_at = Some(now);
        }
        self.latest = count;
        self.first.get_or_insert((now, count));
        self.grew_at.get_or_insert(now);
        if self.kept.back().is_none_or(|(at, _)| now.duration_since(*at) >= STEP) {
            self.kept.push_back((now, count));
        }
        // One count from before the window stays as the point to measure from.
        while self.kept.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= WINDOW) {
            self.kept.pop_front();
        }
    }

    /// Returns how fast the count grows.
    pub(super) fn rates(&self, now: Instant) -> Rates {
        let since = |(since, count): (Instant, u64)| {
            let time = now.saturating_duration_since(since);
            #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
            let grown = self.latest.saturating_sub(count) as f64;
            (time >= MIN_PERIOD && grown > 0.0).then(|| grown / time.as_secs_f64())
        };
        // A count that did not grow within the window has no current rate.
        let fresh = self.still(now) < WINDOW;
        Rates { now: self.kept.front().copied().and_then(since).filter(|_| fresh), average: self.first.and_then(since) }
    }

    /// Returns how long the count has not grown.
    pub(super) fn still(&self, now: Instant) -> Duration {
        self.grew_at.map_or(Duration::ZERO, |grew| now.saturating_duration_since(grew))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut meter = RateMeter::default();
        assert_eq!(meter.rates(start), Rates::default());
        for step in 0..=4_000 {
            meter.set(1_000 + step / 10, at(step));
        }
        let rate = meter.rates(at(4_000)).now.unwrap();
        assert!((rate - 100.0).abs() < 0.01, "{rate}");
        // From now on it grows twice as fast. Ten seconds later the earlier rate has no influence.
        for step in 0..=11_000 {
            meter.set(1_400 + step / 5, at(4_000 + step));
        }
        let rate = meter.rates(at(15_000)).now.unwrap();
        assert!((rate - 200.0).abs() < 0.1, "{rate}");
        assert!(meter.kept.len() < 50);
        let average = meter.rates(at(15_000)).average.unwrap();
        assert!((average - 2_600.0 / 15.0).abs() < 0.1, "{average}");
    }

    #[test]
    fn a_count_that_does_not_grow_has_no_rate() {
        let start = Instant::now();
        let mut meter = RateMeter::default();
        meter.set(50, start);
        meter.set(50, start + Duration::from_secs(2));
        assert_eq!(meter.rates(start + Duration::from_secs(2)), Rates::default());
        meter.set(20, start + Duration::from_secs(3));
        assert_eq!(meter.rates(start + Duration::from_secs(3)), Rates::default());
    }

    #[test]
    fn the_rate_falls_while_nothing_happens() {
        let start = Instant::now();
        let mut meter = RateMeter::default();
        meter.set(0, start);
        meter.set(100, start + Duration::from_secs(1));
        assert_eq!(meter.rates(start + Duration::from_secs(1)).now, Some(100.0));
        assert_eq!(meter.rates(start + Duration::from_secs(4)).now, Some(25.0));
        assert_eq!(meter.still(start + Duration::from_secs(4)), Duration::from_secs(3));
        let later = meter.rates(start + Duration::from_secs(20));
        assert_eq!(later, Rates { now: None, average: Some(5.0) });
    }
}
