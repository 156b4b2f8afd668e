//! Sizes the number of requests in flight if the campaign does not set it: enough for the rate at the provider's
//! latency, with a reserve for slow answers and for rows that are claimed together. It only counts.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::halt;

/// The most requests in flight, however slow the provider is. It bounds how many rows a crash leaves in doubt, and how
/// much load a provider in trouble gets.
pub const MOST_IN_FLIGHT: usize = 1024;
/// Always allowed: the latency is unknown at first, and a low rate says little about it.
const LEAST: u64 = 16;
/// The reserve for slow answers: the rate still holds at twice the mean latency.
const ROOM: u64 = 2;
/// How long a claimed row may wait for its turn: rows are claimed together, and on a server ahead of their slots.
const TURN: Duration = Duration::from_millis(100);
/// The weight of one answer in the mean latency is one in this many.
const SHARE: u64 = 32;

/// Sizes the number of requests in flight, unless the campaign fixes it.
#[derive(Debug)]
pub(super) struct AutoConcurrency {
    /// Whether the campaign sets the number.
    fixed: bool,
    /// Mean latency in microseconds; 0 while unknown.
    latency: AtomicU64,
}

impl AutoConcurrency {
    /// Creates one; `fixed` says whether the campaign sets the number.
    pub(super) fn new(fixed: bool) -> Self {
        Self { fixed, latency: AtomicU64::new(0) }
    }

    /// Records how long an answer took.
    pub(super) fn took(&self, time: Duration) {
        if self.fixed {
            return;
        }
        let time = u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1);
        let mean = match self.latency.load(Ordering::Relaxed) {
            0 => time,
            // Rounded up, so that the mean follows even a small increase.
            mean => (mean.saturating_mul(SHARE - 1).saturating_add(time)).div_ceil(SHARE),
        };
        self.latency.store(mean, Ordering::Relaxed);
    }

    /// Returns how many requests may be in flight at `rate` requests in any `per`, as far as latency is concerned.
    pub(super) fn in_flight(&self, (rate, per): (NonZeroU32, Duration)) -> usize {
        if self.fixed {
            return halt::ALL;
        }
        let time = match self.latency.load(Ordering::Relaxed) {
            0 => 0,
            mean => u128::from(mean) * u128::from(ROOM) + TURN.as_micros(),
        };
        let wanted = (u128::from(rate.get()) * time).div_ceil(per.as_micros().max(1)).max(LEAST.into());
        usize::try_from(wanted).unwrap_or(MOST_IN_FLIGHT).min(MOST_IN_FLIGHT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sized(rate: u32, per: Duration, latency: Duration) -> usize {
        let sizing = AutoConcurrency::new(false);
        (0..500).for_each(|_| sizing.took(latency));
        sizing.in_flight((NonZeroU32::new(rate).unwrap(), per))
    }

    #[test]
    fn the_rate_is_held_at_the_latency_there_is_within_bounds() {
        let second = Duration::from_secs(1);
        assert_eq!(sized(1000, second, Duration::from_millis(300)), 700);
        assert_eq!(sized(60_000, 60 * second, Duration::from_millis(300)), 700);
        assert_eq!(sized(80, second, Duration::from_millis(50)), 16);
        assert_eq!(sized(1_000_000, second, Duration::from_secs(30)), MOST_IN_FLIGHT);
        assert_eq!(AutoConcurrency::new(false).in_flight((NonZeroU32::MAX, second)), 16, "until something is known");
    }

    #[test]
    fn a_latency_that_changes_is_followed_and_so_is_another_rate() {
        let sizing = AutoConcurrency::new(false);
        let at = |rate| sizing.in_flight((NonZeroU32::new(rate).unwrap(), Duration::from_secs(1)));
        (0..100).for_each(|_| sizing.took(Duration::from_millis(50)));
        assert_eq!((at(1000), at(400), at(10)), (200, 80, 16));
        (0..200).for_each(|_| sizing.took(Duration::from_millis(200)));
        assert!((490..=500).contains(&at(1000)), "{}", at(1000));
    }

    #[test]
    fn what_the_campaign_says_stands() {
        let sizing = AutoConcurrency::new(true);
        sizing.took(Duration::from_secs(9));
        assert_eq!(sizing.in_flight((NonZeroU32::MIN, Duration::from_secs(1))), halt::ALL);
    }
}
