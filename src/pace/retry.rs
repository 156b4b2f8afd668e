//! How long until another try: the exponential policy of `backoff`, asked with the number of tries as the store has
//! it, so that a run taken up again waits as long as one that was never stopped.
//!
//! The only module that uses that crate: it gets no fixes any more, and the policy is all that is wanted of it.

use std::time::Duration;

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff;

use crate::model::Pause;

/// When a row that failed is tried again. Pure but for the jitter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// The wait after the first try.
    pub first: Duration,
    /// What each further wait is multiplied by.
    pub multiplier: f64,
    /// The longest wait.
    pub longest: Duration,
    /// The share by which a wait is varied up or down, so that rows that failed together are not tried together.
    pub jitter: f64,
}

impl Default for RetryPolicy {
    /// 2 s, 4 s, 8 s … 5 min, a quarter up or down.
    fn default() -> Self {
        Self { first: Duration::from_secs(2), multiplier: 2.0, longest: Duration::from_secs(300), jitter: 0.25 }
    }
}

/// The steps of a short pause: 1 s, 4 s, 16 s … 1,024 s (Meta's rule for the pair limit: 4^n seconds).
const SHORT_STEPS: u32 = 6;

/// How often a recipient is put off for a short while before it uses up tries: each step once.
pub const FREE_PAUSES: u32 = SHORT_STEPS;

/// How long a recipient is put off the `times`-th time, from 1.
#[must_use]
pub fn put_off(pause: Pause, times: u32) -> Duration {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    match pause {
        Pause::Short => Duration::from_secs(4_u64.pow(times.clamp(1, SHORT_STEPS) - 1)),
        Pause::Days => DAY * times.clamp(1, 30),
    }
}

impl RetryPolicy {
    /// The wait after `tries` tries that failed, the provider's wish among the reasons to wait longer.
    #[must_use]
    pub fn wait(&self, tries: u32, wish: Option<Duration>) -> Duration {
        let steps = i32::try_from(tries.saturating_sub(1)).unwrap_or(i32::MAX);
        let grown = self.first.as_secs_f64() * self.multiplier.powi(steps.min(64));
        let mut policy = ExponentialBackoff {
            current_interval: Duration::from_secs_f64(grown.min(self.longest.as_secs_f64())),
            initial_interval: self.first,
            randomization_factor: self.jitter,
            multiplier: self.multiplier,
            max_interval: self.longest,
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        };
        let wait = policy.next_backoff().unwrap_or(self.longest);
        wish.map_or(wait, |wish| wish.max(wait))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXACT: RetryPolicy =
        RetryPolicy { first: Duration::from_secs(2), multiplier: 2.0, longest: Duration::from_secs(60), jitter: 0.0 };

    #[test]
    fn waits_double_up_to_the_longest() {
        let waits: Vec<u64> = (1..=8).map(|tries| EXACT.wait(tries, None).as_secs()).collect();
        assert_eq!(waits, [2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(EXACT.wait(u32::MAX, None).as_secs(), 60);
    }

    #[test]
    fn pauses_of_one_recipient_grow() {
        let waits = |pause| -> Vec<u64> { (1..=8).map(|times| put_off(pause, times).as_secs()).collect() };
        assert_eq!(waits(Pause::Short), [1, 4, 16, 64, 256, 1024, 1024, 1024]);
        assert_eq!(waits(Pause::Days)[..3], [86_400, 172_800, 259_200]);
        assert!(waits(Pause::Days).is_sorted());
    }

    #[test]
    fn a_wish_only_lengthens() {
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
