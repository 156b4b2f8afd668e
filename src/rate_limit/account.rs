//! The limiter of one account, shared by the runs that use it.
//!
//! Each run requests a rate: what its campaign says the account can carry. The account uses the lowest of them and
//! keeps each over its own length of time, so if two campaigns differ, both limits apply. Runs that only poll statuses
//! count only while no run sends.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::limiter::RateLimiter;
use crate::model::Rate;

/// Limits the requests of one provider account. Clones are the same account.
#[derive(Clone, Debug)]
pub struct AccountLimiter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limiter: RateLimiter,
    requested: Mutex<Requested>,
}

/// The rates that runs request, by the number of their [`RunLimiter`].
#[derive(Debug, Default)]
struct Requested {
    last_number: u64,
    by_number: BTreeMap<u64, (Rate, Use)>,
}

/// What a run does with its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// It sends messages.
    Sending,
    /// It only polls statuses.
    Polling,
}

/// The limiter of an account as one run uses it. The run's rate no longer counts once this is dropped.
#[derive(Debug)]
pub struct RunLimiter {
    account: AccountLimiter,
    number: u64,
}

impl AccountLimiter {
    /// Returns an account without runs. Its rate will be that of its first run.
    #[must_use]
    pub fn new() -> Self {
        let limiter = RateLimiter::new(NonZeroU32::MIN, Duration::from_secs(1));
        Self(Arc::new(Inner { limiter, requested: Mutex::default() }))
    }

    /// Adds a run that requests this rate.
    #[must_use]
    pub fn add_run(&self, rate: Rate, usage: Use) -> RunLimiter {
        let number = self.0.change(|requested| {
            requested.last_number += 1;
            requested.by_number.insert(requested.last_number, (rate, usage));
            requested.last_number
        });
        RunLimiter { account: self.clone(), number }
    }

    /// Returns the rate in use, without throttling.
    #[must_use]
    pub fn rate(&self) -> Rate {
        self.0.limiter.rate()
    }
}

impl Default for AccountLimiter {
    fn default() -> Self {
        Self::new()
    }
}

impl Inner {
    /// Changes what is requested, and the rate with it.
    fn change<T>(&self, change: impl FnOnce(&mut Requested) -> T) -> T {
        // No code that holds the lock panics halfway through a change.
        let mut requested = self.requested.lock().unwrap_or_else(PoisonError::into_inner);
        let done = change(&mut requested);
        let all = requested.by_number.values();
        let first = all.clone().map(|(_, usage)| *usage).min();
        let mut rates: Vec<Rate> = all.filter(|(_, usage)| Some(*usage) == first).map(|(rate, _)| *rate).collect();
        rates.sort_unstable();
        rates.dedup();
        // The rate stays when the last run goes.
        self.limiter.set_rates(&rates);
        done
    }
}

impl RunLimiter {
    /// Returns the limiter of a run that has its account to itself in this process.
    #[must_use]
    pub fn alone(rate: Rate) -> Self {
        AccountLimiter::new().add_run(rate, Use::Sending)
    }

    /// Requests another rate.
    pub fn request(&self, rate: Rate) {
        self.account.0.change(|requested| {
            if let Some(of_run) = requested.by_number.get_mut(&self.number) {
                of_run.0 = rate;
            }
        });
    }
}

impl Deref for RunLimiter {
    type Target = RateLimiter;

    fn deref(&self) -> &RateLimiter {
        &self.account.0.limiter
    }
}

impl Drop for RunLimiter {
    fn drop(&mut self) {
        self.account.0.change(|requested| requested.by_number.remove(&self.number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate_limit::tests::max_in_any;

    fn rate(requests: u32, seconds: u64) -> Rate {
        (NonZeroU32::new(requests).unwrap(), Duration::from_secs(seconds))
    }

    #[test]
    fn an_account_uses_the_lowest_requested_rate() {
        let account = AccountLimiter::new();
        let first = account.add_run(rate(80, 1), Use::Sending);
        assert_eq!(account.rate(), rate(80, 1));
        let second = account.add_run(rate(1000, 60), Use::Sending);
        assert_eq!(account.rate(), rate(1000, 60), "16.7 a second are fewer than 80");
        second.request(rate(200, 1));
        assert_eq!(account.rate(), rate(80, 1));
        first.request(rate(10, 1));
        assert_eq!(account.rate(), rate(10, 1));
        drop(first);
        assert_eq!(account.rate(), rate(200, 1));
    }

    #[test]
    fn a_run_that_only_polls_counts_only_while_none_sends() {
        let account = AccountLimiter::new();
        let polls = account.add_run(rate(2, 1), Use::Polling);
        assert_eq!(account.rate(), rate(2, 1));
        let sends = account.add_run(rate(80, 1), Use::Sending);
        assert_eq!(account.rate(), rate(80, 1));
        drop(sends);
        assert_eq!(account.rate(), rate(2, 1));
        drop(polls);
        assert_eq!(account.rate(), rate(2, 1), "no run requests another one");
    }

    #[tokio::test(start_paused = true)]
    async fn two_runs_of_one_account_share_its_rate_and_neither_starves() {
        use tokio::time::Instant;
        let account = AccountLimiter::new();
        let end = Instant::now() + Duration::from_secs(5);
        let start = |account: &AccountLimiter| {
            let run = account.add_run(rate(20, 1), Use::Sending);
            tokio::spawn(async move {
                let mut times = Vec::new();
                while Instant::now() < end {
                    let reservation = run.reserve().await;
                    assert!(run.admit(reservation).await);
                    times.push(Instant::now());
                }
                times
            })
        };
        let (first, second) = tokio::join!(start(&account), start(&account));
        let (first, second) = (first.unwrap(), second.unwrap());
        assert!(first.len().abs_diff(second.len()) <= 2, "{} and {}", first.len(), second.len());
        let mut all = [first, second].concat();
        all.sort_unstable();
        let max = max_in_any(&all, Duration::from_secs(1));
        assert!(max <= 20 && all.len() >= 95, "{max} of {}", all.len());
    }

    /// Otherwise ten requests that the lower rate delayed by ten seconds could leave in one.
    #[tokio::test(start_paused = true)]
    async fn each_rate_is_kept_over_its_own_length_of_time() {
        use tokio::time::Instant;
        let account = AccountLimiter::new();
        let [slow, quick] = [account.add_run(rate(60, 60), Use::Sending), account.add_run(rate(3, 1), Use::Sending)];
        assert_eq!(account.rate(), rate(60, 60));
        let mut reservations = Vec::new();
        for _ in 0..10 {
            reservations.push(slow.reserve().await);
        }
        // All of them get their connections now.
        let mut left = Vec::new();
        for reservation in reservations {
            assert!(quick.admit(reservation).await);
            left.push(Instant::now());
        }
        assert_eq!(max_in_any(&left, Duration::from_secs(1)), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_raised_rate_wakes_waiting_callers_and_a_lowered_one_applies_at_once() {
        use tokio::time::Instant;
        let run = std::sync::Arc::new(RunLimiter::alone(rate(1, 60)));
        let waits = {
            let run = run.clone();
            tokio::spawn(async move {
                let reservation = run.reserve().await;
                assert!(run.admit(reservation).await);
                Instant::now()
            })
        };
        tokio::time::sleep(Duration::from_secs(2)).await;
        let raised = Instant::now();
        run.request(rate(100, 1));
        assert!(waits.await.unwrap() - raised < Duration::from_secs(1));
        for _ in 0..100 {
            let reservation = run.reserve().await;
            assert!(run.admit(reservation).await);
        }
        run.request(rate(2, 1));
        let lowered = Instant::now();
        let mut left = Vec::new();
        while Instant::now() < lowered + Duration::from_secs(5) {
            let reservation = run.reserve().await;
            assert!(run.admit(reservation).await);
            left.push(Instant::now());
        }
        let second = Duration::from_secs(1);
        assert!(max_in_any(&left, second) <= 2);
        assert!(left.first().is_some_and(|first| *first - lowered > second / 2), "the last second counts");
    }
}
