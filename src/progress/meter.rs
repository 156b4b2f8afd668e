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
pub(super) struct Meter {
    kept: VecDeque<(Instant, u64)>,
    latest: u64,
}

impl Meter {
    /// The count at this time. Times must not go backwards.
    pub(super) fn set(&mut self, count: u64, now: Instant) {
        self.latest = count;
        if self.kept.back().is_none_or(|(at, _)| now.duration_since(*at) >= STEP) {
            self.kept.push_back((now, count));
        }
        // One older than the window stays, so that there is always something to measure from.
        while self.kept.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= WINDOW) {
            self.kept.pop_front();
        }
    }

    /// How much a second the count grew; `None` until that can be said, and while it did not grow.
    pub(super) fn rate(&self, now: Instant) -> Option<f64> {
        let (since, count) = self.kept.front()?;
        let time = now.duration_since(*since);
        #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
        let grown = self.latest.saturating_sub(*count) as f64;
        (time >= SHORTEST && grown > 0.0).then(|| grown / time.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut meter = Meter::default();
        assert_eq!(meter.rate(start), None);
        for step in 0..=4_000 {
            meter.set(1_000 + step / 10, at(step));
        }
        let rate = meter.rate(at(4_000)).unwrap();
        assert!((rate - 100.0).abs() < 0.01, "{rate}");
        // From here on twice as fast; ten seconds later nothing is left of what was before.
        for step in 0..=11_000 {
            meter.set(1_400 + step / 5, at(4_000 + step));
        }
        let rate = meter.rate(at(15_000)).unwrap();
        assert!((rate - 200.0).abs() < 0.1, "{rate}");
        assert!(meter.kept.len() < 50);
    }

    #[test]
    fn what_stands_still_or_goes_back_has_no_rate() {
        let start = Instant::now();
        let mut meter = Meter::default();
        meter.set(50, start);
        meter.set(50, start + Duration::from_secs(2));
        assert_eq!(meter.rate(start + Duration::from_secs(2)), None);
        meter.set(20, start + Duration::from_secs(3));
        assert_eq!(meter.rate(start + Duration::from_secs(3)), None);
    }

    #[test]
    fn a_rate_fades_while_nothing_comes() {
        let start = Instant::now();
        let mut meter = Meter::default();
        meter.set(0, start);
        meter.set(100, start + Duration::from_secs(1));
        assert_eq!(meter.rate(start + Duration::from_secs(1)), Some(100.0));
        assert_eq!(meter.rate(start + Duration::from_secs(4)), Some(25.0));
    }
}
