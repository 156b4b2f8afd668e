//! Limits how many requests any one second may hold.
//!
//! A sliding window instead of a token bucket: it never refuses a client that stays within the limit in every second,
//! and refuses at once a client that does not. The caller passes in the time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A refused request can be sent again after this time at the latest.
const WINDOW: Duration = Duration::from_secs(1);

/// A limit, and the requests admitted in the last second.
pub(super) struct Throttle {
    limit: usize,
    admitted: VecDeque<Instant>,
}

impl Throttle {
    pub(super) fn new(limit: u32) -> Self {
        Self { limit: usize::try_from(limit).unwrap_or(usize::MAX), admitted: VecDeque::new() }
    }

    /// Admits a request, unless the second that ends now is full. Refused requests do not count.
    pub(super) fn admit(&mut self, now: Instant) -> bool {
        while self.admitted.front().is_some_and(|&oldest| now.saturating_duration_since(oldest) >= WINDOW) {
            self.admitted.pop_front();
        }
        let has_room = self.admitted.len() < self.limit;
        if has_room {
            self.admitted.push_back(now);
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_holds_more_than_the_limit() {
        let start = Instant::now();
        let mut throttle = Throttle::new(5);
        let mut rng = fastrand::Rng::with_seed(11);
        let mut at = start;
        let mut admitted = Vec::new();
        for _ in 0..2_000 {
            at += Duration::from_millis(rng.u64(0..120));
            if throttle.admit(at) {
                admitted.push(at);
            }
        }
        assert!(admitted.windows(6).all(|six| six[5] - six[0] >= WINDOW));
    }

    #[test]
    fn a_rate_exactly_at_the_limit_is_admitted() {
        let start = Instant::now();
        let mut throttle = Throttle::new(10);
        assert!((0..1_000).all(|n| throttle.admit(start + Duration::from_millis(n * 100))));
        assert!(!throttle.admit(start + Duration::from_millis(99_950)));
    }

    #[test]
    fn a_limit_of_zero_admits_nothing() {
        assert!(!Throttle::new(0).admit(Instant::now()));
    }
}
