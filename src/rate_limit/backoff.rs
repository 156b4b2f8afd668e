//! How long a row waits before its next attempt: one interval of `backoff`'s exponential policy, for the number of
//! attempts that the store has recorded. So a resumed run waits as long as one that was never stopped.
//!
//! This is the only module that uses `backoff`, which is no longer maintained.

use std::time::Duration;

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff;

use crate::model::Pause;

/// The waits between attempts. Pure except for the jitter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// The wait after the first attempt.
    pub first: Duration,
    /// The factor between one wait and the next.
    pub multiplier: f64,
    /// The longest wait.
    pub max: Duration,
    /// The share by which waits vary up or down, so rows that failed together are not retried together.
    pub jitter: f64,
}

impl Default for RetryPolicy {
    /// 2 s, 4 s, 8 s … 5 min, each up to a quarter longer or shorter.
    fn default() -> Self {
        Self { first: Duration::from_secs(2), multiplier: 2.0, max: Duration::from_secs(300), jitter: 0.25 }
    }
}

/// The steps of a short deferral: 1 s, 4 s, 16 s … 1,024 s (Meta's rule for the pair limit: 4^n seconds).
const SHORT_STEPS: u32 = 6;

/// How many deferrals do not count as attempts: each step of a short one once.
pub const FREE_DEFERRALS: u32 = SHORT_STEPS;

/// Returns how long a recipient's own limits make it wait, the `times`-th time, from 1.
#[must_use]
pub fn deferral(pause: Pause, times: u32) -> Duration {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    match pause {
        Pause::Short => Duration::from_secs(4_u64.pow(times.clamp(1, SHORT_STEPS) - 1)),
        Pause::Days => DAY * times.clamp(1, 30),
    }
}

impl RetryPolicy {
    /// Returns the wait after `attempts` failed attempts; never shorter than what the provider `requested`.
    #[must_use]
    pub fn wait(&self, attempts: u32, requested: Option<Duration>) -> Duration {
        let steps = i32::try_from(attempts.saturating_sub(1)).unwrap_or(i32::MAX);
        let grown = self.first.as_secs_f64() * self.multiplier.powi(steps.min(64));
        let mut policy = ExponentialBackoff {
            current_interval: Duration::from_secs_f64(grown.min(self.max.as_secs_f64())),
            initial_interval: self.first,
            randomization_factor: self.jitter,
            multiplier: self.multiplier,
            max_interval: self.max,
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        };
        let wait = policy.next_backoff().unwrap_or(self.max);
        requested.map_or(wait, |requested| requested.max(wait))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXACT: RetryPolicy =
        RetryPolicy { first: Duration::from_secs(2), multiplier: 2.0, max: Duration::from_secs(60), jitter: 0.0 };

    #[test]
    fn waits_double_up_to_the_longest() {
        let waits: Vec<u64> = (1..=8).map(|attempts| EXACT.wait(attempts, None).as_secs()).collect();
        assert_eq!(waits, [2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(EXACT.wait(u32::MAX, None).as_secs(), 60);
    }

    #[test]
    fn deferrals_of_one_recipient_grow() {
        let waits = |pause| -> Vec<u64> { (1..=8).map(|times| deferral(pause, times).as_secs()).collect() };
        assert_eq!(waits(Pause::Short), [1, 4, 16, 64, 256, 1024, 1024, 1024]);
        assert_eq!(waits(Pause::Days)[..3], [86_400, 172_800, 259_200]);
        assert!(waits(Pause::Days).is_sorted());
    }

    #[test]
    fn the_provider_can_only_lengthen_a_wait() {
        assert_eq!(EXACT.wait(1, Some(Duration::from_secs(90))).as_secs(), 90);
        assert_eq!(EXACT.wait(3, Some(Duration::from_secs(1))).as_secs(), 8);
    }

    #[test]
    fn jitter_stays_within_its_share() {
        let policy = RetryPolicy { jitter: 0.25, ..EXACT };
        for _ in 0..1000 {
            let wait = policy.wait(2, None).as_secs_f64();
            assert!((3.0..=5.01).contains(&wait), "{wait}");
        }
    }
}
