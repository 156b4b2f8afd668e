//! The rate at which a count grows, over the last seconds.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The rate is that over this time: long enough to be calm, short enough to show a change.
const WINDOW: Duration = Duration::from_secs(10);

/// Counts that come closer together than this are not kept one by one.
const STEP: Duration = Duration::from_millis(250);

/// A rate over less than this says nothing.
const SHORTEST: Duration = Duration::from_secs(1);

/// Measures a rate from counts and their times.
#[derive(Debug, Default)]
pub(super) struct RateMeter {
    kept: VecDeque<(Instant, u64)>,
    latest: u64,
    /// When it was first looked at, and what the count was.
    first: Option<(Instant, u64)>,
    /// When the count last grew.
    grew: Option<Instant>,
}

/// How fast a count grows, a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rates {
    /// Over the last seconds; `None` until that can be said, and while it does not grow.
    pub(super) now: Option<f64>,
    /// Since the beginning, pauses included.
    pub(super) average: Option<f64>,
}

impl RateMeter {
    /// The count at this time. Times must not go backwards.
    pub(super) fn set(&mut self, count: u64, now: Instant) {
        if count > self.latest {
            self.grew = Some(now);
        }
        self.latest = count;
        self.first.get_or_insert((now, count));
        self.grew.get_or_insert(now);
        if self.kept.back().is_none_or(|(at, _)| now.duration_since(*at) >= STEP) {
            self.kept.push_back((now, count));
        }
        // One older than the window stays, so that there is always something to measure from.
        while self.kept.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= WINDOW) {
            self.kept.pop_front();
        }
    }

    /// How fast the count grows.
    pub(super) fn rates(&self, now: Instant) -> Rates {
        let since = |(since, count): (Instant, u64)| {
            let time = now.saturating_duration_since(since);
            #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
            let grown = self.latest.saturating_sub(count) as f64;
            (time >= SHORTEST && grown > 0.0).then(|| grown / time.as_secs_f64())
        };
        // What is older than the window, and did not grow since, is no rate.
        let fresh = self.still(now) < WINDOW;
        Rates { now: self.kept.front().copied().and_then(since).filter(|_| fresh), average: self.first.and_then(since) }
    }

    /// How long the count has stood still.
    pub(super) fn still(&self, now: Instant) -> Duration {
        self.grew.map_or(Duration::ZERO, |grew| now.saturating_duration_since(grew))
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
        // From here on twice as fast; ten seconds later nothing is left of what was before.
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
    fn what_stands_still_or_goes_back_has_no_rate() {
        let start = Instant::now();
        let mut meter = RateMeter::default();
        meter.set(50, start);
        meter.set(50, start + Duration::from_secs(2));
        assert_eq!(meter.rates(start + Duration::from_secs(2)), Rates::default());
        meter.set(20, start + Duration::from_secs(3));
        assert_eq!(meter.rates(start + Duration::from_secs(3)), Rates::default());
    }

    #[test]
    fn a_rate_fades_while_nothing_comes() {
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
