//! A strict window over departures: the guarantee behind "the rate is never exceeded".

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// What is added to every length of time. A request is counted when it may leave, and is on the wire a little later: one by
/// more than the other, so that two that are a second apart here may be closer there. Costs a two-hundredth of a rate a second.
pub(super) const ALLOWANCE: Duration = Duration::from_millis(5);

/// Remembers when the last requests left. Each limit is so many of them in any such length of time.
#[derive(Debug)]
pub(super) struct Window {
    limits: Vec<(usize, Duration)>,
    left: VecDeque<Instant>,
}

impl Window {
    pub(super) fn new(limits: Vec<(usize, Duration)>) -> Self {
        let mut window = Self { limits: Vec::new(), left: VecDeque::new() };
        window.set(limits);
        window
    }

    /// Other limits from now on. Departures are remembered for as long as the old ones needed them.
    pub(super) fn set(&mut self, limits: Vec<(usize, Duration)>) {
        self.limits = limits.into_iter().map(|(most, per)| (most, per + ALLOWANCE)).collect();
    }

    /// Counts one more departure, or says how long to wait for it.
    pub(super) fn enter(&mut self, now: Instant) -> Option<Duration> {
        let longest = self.limits.iter().map(|(_, per)| *per).max().unwrap_or_default();
        while self.left.front().is_some_and(|first| now.duration_since(*first) >= longest) {
            self.left.pop_front();
        }
        let wait = |(most, per): &(usize, Duration)| {
            // The first of the last `most`: as long as it is in the window, that is full.
            let first = self.left.get(self.left.len().checked_sub(*most)?)?;
            per.checked_sub(now.duration_since(*first)).filter(|wait| !wait.is_zero())
        };
        let wait = self.limits.iter().filter_map(wait).max();
        if wait.is_none() {
            self.left.push_back(now);
        }
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever the times of asking, no window ever holds more than the most.
        #[test]
        fn no_schedule_of_calls_gets_more_through(
            most in 1_usize..20, in_ten in 1_usize..60, gaps in prop::collection::vec(0_u64..400, 1..300),
        ) {
            let limits = vec![(most, Duration::from_secs(1)), (in_ten, Duration::from_secs(10))];
            let start = Instant::now();
            let mut window = Window::new(limits.clone());
            let (mut now, mut left) = (start, Vec::new());
            for gap in gaps {
                now += Duration::from_millis(gap);
                if let Some(wait) = window.enter(now) {
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
