//! A strict window over departures: the guarantee behind "the rate is never exceeded".

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Remembers when the last requests left; at most `most` of them in any `per`.
#[derive(Debug)]
pub(super) struct Window {
    most: usize,
    per: Duration,
    left: VecDeque<Instant>,
}

impl Window {
    pub(super) fn new(most: usize, per: Duration) -> Self {
        Self { most, per, left: VecDeque::new() }
    }

    /// Another limit from now on. Departures are remembered for as long as the old one needed them.
    pub(super) fn set(&mut self, most: usize, per: Duration) {
        (self.most, self.per) = (most, per);
    }

    /// Counts one more departure, or says how long to wait for it.
    pub(super) fn enter(&mut self, now: Instant) -> Option<Duration> {
        while self.left.front().is_some_and(|first| now.duration_since(*first) >= self.per) {
            self.left.pop_front();
        }
        match self.left.front() {
            Some(first) if self.left.len() >= self.most => Some(self.per - now.duration_since(*first)),
            _ => {
                self.left.push_back(now);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever the times of asking, no window ever holds more than the most.
        #[test]
        fn no_schedule_of_calls_gets_more_through(most in 1_usize..20, gaps in prop::collection::vec(0_u64..400, 1..300)) {
            let per = Duration::from_secs(1);
            let start = Instant::now();
            let mut window = Window::new(most, per);
            let (mut now, mut left) = (start, Vec::new());
            for gap in gaps {
                now += Duration::from_millis(gap);
                if let Some(wait) = window.enter(now) {
                    prop_assert!(wait > Duration::ZERO && wait <= per);
                } else {
                    left.push(now);
                }
            }
            for (i, first) in left.iter().enumerate() {
                prop_assert!(left[i..].iter().take_while(|t| **t < *first + per).count() <= most);
            }
        }
    }
}
