//! The throttle: how many sends a second may hold, whichever second one looks at.
//!
//! A sliding window and not a bucket: a client that never puts more than the limit into any one second is never
//! refused, and one that does is refused at once. Pure; the time is passed in.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The length of the window. What is refused can be tried again no later than this.
pub(super) const WINDOW: Duration = Duration::from_secs(1);

/// The sends let through in the last second.
pub(super) struct Window {
    limit: usize,
    admitted: VecDeque<Instant>,
}

impl Window {
    pub(super) fn new(limit: u32) -> Self {
        Self { limit: usize::try_from(limit).unwrap_or(usize::MAX), admitted: VecDeque::new() }
    }

    /// Lets a send through, unless the second that ends now is full. What is refused does not count.
    pub(super) fn admit(&mut self, now: Instant) -> bool {
        while self.admitted.front().is_some_and(|&oldest| now.saturating_duration_since(oldest) >= WINDOW) {
            self.admitted.pop_front();
        }
        let free = self.admitted.len() < self.limit;
        if free {
            self.admitted.push_back(now);
        }
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_holds_more_than_the_limit() {
        let start = Instant::now();
        let mut window = Window::new(5);
        let mut rng = fastrand::Rng::with_seed(11);
        let mut at = start;
        let mut through = Vec::new();
        for _ in 0..2_000 {
            at += Duration::from_millis(rng.u64(0..120));
            if window.admit(at) {
                through.push(at);
            }
        }
        assert!(through.windows(6).all(|six| six[5] - six[0] >= WINDOW));
    }

    #[test]
    fn the_limit_itself_is_let_through() {
        let start = Instant::now();
        let mut window = Window::new(10);
        assert!((0..1_000).all(|n| window.admit(start + Duration::from_millis(n * 100))));
        assert!(!window.admit(start + Duration::from_millis(99_950)));
    }

    #[test]
    fn nothing_passes_a_limit_of_zero() {
        assert!(!Window::new(0).admit(Instant::now()));
    }
}
