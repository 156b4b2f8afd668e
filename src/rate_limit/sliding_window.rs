//! A strict window over admitted requests: the guarantee that the rate is never exceeded.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Added to every length of time. A request is counted when it is admitted and reaches the wire a little later, by a
/// varying delay, so two requests that are a second apart here may be closer there. Costs 0.5% of a rate per second.
pub(super) const ALLOWANCE: Duration = Duration::from_millis(5);

/// Remembers when the last requests were admitted. Each limit is a number of requests per length of time.
#[derive(Debug)]
pub(super) struct SlidingWindow {
    limits: Vec<(usize, Duration)>,
    admitted: VecDeque<Instant>,
}

impl SlidingWindow {
    pub(super) fn new(limits: Vec<(usize, Duration)>) -> Self {
        let mut window = Self { limits: Vec::new(), admitted: VecDeque::new() };
        window.set(limits);
        window
    }

    /// Replaces the limits. Requests are remembered for as long as the old limits needed them.
    pub(super) fn set(&mut self, limits: Vec<(usize, Duration)>) {
        self.limits = limits.into_iter().map(|(max, per)| (max, per + ALLOWANCE)).collect();
    }

    /// Admits one more request, or returns how long to wait before asking again.
    pub(super) fn admit(&mut self, now: Instant) -> Option<Duration> {
        let wait = self.wait(now);
        if wait.is_none() {
            self.admitted.push_back(now);
        }
        wait
    }

    /// Returns how long no further request can be admitted.
    pub(super) fn wait(&mut self, now: Instant) -> Option<Duration> {
        let longest = self.limits.iter().map(|(_, per)| *per).max().unwrap_or_default();
        while self.admitted.front().is_some_and(|first| now.duration_since(*first) >= longest) {
            self.admitted.pop_front();
        }
        let wait = |(max, per): &(usize, Duration)| {
            // The window is full as long as it holds the oldest of the last `max`.
            let first = self.admitted.get(self.admitted.len().checked_sub(*max)?)?;
            per.checked_sub(now.duration_since(*first)).filter(|wait| !wait.is_zero())
        };
        self.limits.iter().filter_map(wait).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whenever callers ask, no window ever holds more than the limit.
        #[test]
        fn no_schedule_of_calls_gets_more_through(
            most in 1_usize..20, in_ten in 1_usize..60, gaps in prop::collection::vec(0_u64..400, 1..300),
        ) {
            let limits = vec![(most, Duration::from_secs(1)), (in_ten, Duration::from_secs(10))];
            let start = Instant::now();
            let mut window = SlidingWindow::new(limits.clone());
            let (mut now, mut left) = (start, Vec::new());
            for gap in gaps {
                now += Duration::from_millis(gap);
                if let Some(wait) = window.admit(now) {
                    prop_assert!(wait > Duration::ZERO && wait <= Duration::from_secs(10) + ALLOWANCE);
                } else {
                    left.push(now);
                }
            }
            for (i, first) in left.iter().enumerate() {
                for (most, per) in &limits {
                    prop_assert!(left[i..].iter().take_while(|t| **t < *first + *per + ALLOWANCE).count() <= *most);
                }
            }
        }
    }
}
