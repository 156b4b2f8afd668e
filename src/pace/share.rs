//! One account's pace, shared by the runs that go through it.
//!
//! Each run asks for a rate. The account goes at the lowest that is asked for, and keeps each over its own length of time: a
//! campaign's rate is what its account may carry, and where two campaigns differ, both limits apply. Runs that only ask for statuses have a
//! say only where none sends.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{Pace, Rate};

/// A provider account: its pace, and what its runs ask for. Clones are the same account.
#[derive(Clone, Debug)]
pub struct Account(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pace: Pace,
    wishes: Mutex<Wishes>,
}

#[derive(Debug, Default)]
struct Wishes {
    made: u64,
    of: BTreeMap<u64, (Rate, Side)>,
}

/// What a run does with its share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// It sends.
    Sends,
    /// It asks for statuses alone.
    Polls,
}

/// A run's share in its account's pace; given back when dropped.
#[derive(Debug)]
pub struct Share {
    account: Account,
    number: u64,
}

impl Account {
    /// An account that nobody uses yet. Its rate is that of whoever comes first.
    #[must_use]
    pub fn new() -> Self {
        let pace = Pace::new(NonZeroU32::MIN, Duration::from_secs(1));
        Self(Arc::new(Inner { pace, wishes: Mutex::default() }))
    }

    /// A share for a run that asks for this rate.
    #[must_use]
    pub fn share(&self, rate: Rate, side: Side) -> Share {
        let number = self.0.change(|wishes| {
            wishes.made += 1;
            wishes.of.insert(wishes.made, (rate, side));
            wishes.made
        });
        Share { account: self.clone(), number }
    }

    /// The rate it goes at now, where it is not asked to slow down: requests, and in what time.
    #[must_use]
    pub fn rate(&self) -> Rate {
        self.0.pace.rate()
    }
}

impl Default for Account {
    fn default() -> Self {
        Self::new()
    }
}

impl Inner {
    /// Changes what is asked for, and the rate with it.
    fn change<T>(&self, change: impl FnOnce(&mut Wishes) -> T) -> T {
        // Nothing that holds the lock can panic halfway through a change.
        let mut wishes = self.wishes.lock().unwrap_or_else(PoisonError::into_inner);
        let done = change(&mut wishes);
        let side = wishes.of.values().map(|(_, side)| *side).min();
        let mut asked: Vec<Rate> =
            wishes.of.values().filter(|(_, of)| Some(*of) == side).map(|(rate, _)| *rate).collect();
        asked.sort_unstable();
        asked.dedup();
        // Kept as it is when the last one goes.
        self.pace.set_rates(&asked);
        done
    }
}

impl Share {
    /// A share in an account that nobody else uses in this process.
    #[must_use]
    pub fn alone(rate: Rate) -> Self {
        Account::new().share(rate, Side::Sends)
    }

    /// Asks for another rate.
    pub fn ask_for(&self, rate: Rate) {
        self.account.0.change(|wishes| {
            if let Some(wish) = wishes.of.get_mut(&self.number) {
                wish.0 = rate;
            }
        });
    }
}

impl Deref for Share {
    type Target = Pace;

    fn deref(&self) -> &Pace {
        &self.account.0.pace
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.account.0.change(|wishes| wishes.of.remove(&self.number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(requests: u32, seconds: u64) -> Rate {
        (NonZeroU32::new(requests).unwrap(), Duration::from_secs(seconds))
    }

    #[test]
    fn an_account_goes_at_the_lowest_rate_that_is_asked_for() {
        let account = Account::new();
        let first = account.share(rate(80, 1), Side::Sends);
        assert_eq!(account.rate(), rate(80, 1));
        let second = account.share(rate(1000, 60), Side::Sends);
        assert_eq!(account.rate(), rate(1000, 60), "16.7 a second are fewer than 80");
        second.ask_for(rate(200, 1));
        assert_eq!(account.rate(), rate(80, 1));
        first.ask_for(rate(10, 1));
        assert_eq!(account.rate(), rate(10, 1));
        drop(first);
        assert_eq!(account.rate(), rate(200, 1));
    }

    #[test]
    fn whoever_only_polls_has_a_say_only_where_nobody_sends() {
        let account = Account::new();
        let polls = account.share(rate(2, 1), Side::Polls);
        assert_eq!(account.rate(), rate(2, 1));
        let sends = account.share(rate(80, 1), Side::Sends);
        assert_eq!(account.rate(), rate(80, 1));
        drop(sends);
        assert_eq!(account.rate(), rate(2, 1));
        drop(polls);
        assert_eq!(account.rate(), rate(2, 1), "nobody asks for another one");
    }

    #[tokio::test(start_paused = true)]
    async fn two_runs_of_one_account_share_its_rate_and_neither_starves() {
        use tokio::time::Instant;
        let account = Account::new();
        let end = Instant::now() + Duration::from_secs(5);
        let run = |account: &Account| {
            let share = account.share(rate(20, 1), Side::Sends);
            tokio::spawn(async move {
                let mut times = Vec::new();
                while Instant::now() < end {
                    let turn = share.turn().await;
                    assert!(share.depart(turn).await);
                    times.push(Instant::now());
                }
                times
            })
        };
        let (first, second) = tokio::join!(run(&account), run(&account));
        let (first, second) = (first.unwrap(), second.unwrap());
        assert!(first.len().abs_diff(second.len()) <= 2, "{} and {}", first.len(), second.len());
        let mut all = [first, second].concat();
        all.sort_unstable();
        let second = Duration::from_secs(1);
        let most = (0..all.len()).map(|i| all[i..].iter().take_while(|t| **t < all[i] + second).count()).max();
        assert!(most.unwrap() <= 20 && all.len() >= 95, "{most:?} of {}", all.len());
    }

    /// Ten held up for ten seconds by the lower rate's account could else leave in one.
    #[tokio::test(start_paused = true)]
    async fn each_rate_is_kept_over_its_own_length_of_time() {
        use tokio::time::Instant;
        let account = Account::new();
        let [slow, quick] = [account.share(rate(60, 60), Side::Sends), account.share(rate(3, 1), Side::Sends)];
        assert_eq!(account.rate(), rate(60, 60));
        let mut turns = Vec::new();
        for _ in 0..10 {
            turns.push(slow.turn().await);
        }
        // All of them get their connections now.
        let mut left = Vec::new();
        for turn in turns {
            assert!(quick.depart(turn).await);
            left.push(Instant::now());
        }
        let second = Duration::from_secs(1);
        let most = (0..left.len()).map(|i| left[i..].iter().take_while(|t| **t < left[i] + second).count()).max();
        assert_eq!(most, Some(3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_that_is_raised_wakes_whoever_waits_and_one_that_is_lowered_holds_at_once() {
        use tokio::time::Instant;
        let share = std::sync::Arc::new(Share::alone(rate(1, 60)));
        let waits = {
            let share = share.clone();
            tokio::spawn(async move {
                let turn = share.turn().await;
                assert!(share.depart(turn).await);
                Instant::now()
            })
        };
        tokio::time::sleep(Duration::from_secs(2)).await;
        let raised = Instant::now();
        share.ask_for(rate(100, 1));
        assert!(waits.await.unwrap() - raised < Duration::from_secs(1));
        for _ in 0..100 {
            let turn = share.turn().await;
            assert!(share.depart(turn).await);
        }
        share.ask_for(rate(2, 1));
        let lowered = Instant::now();
        let mut left = Vec::new();
        while Instant::now() < lowered + Duration::from_secs(5) {
            let turn = share.turn().await;
            assert!(share.depart(turn).await);
            left.push(Instant::now());
        }
        let second = Duration::from_secs(1);
        for from in &left {
            assert!(left.iter().filter(|at| **at >= *from && **at < *from + second).count() <= 2);
        }
        assert!(left.first().is_some_and(|first| *first - lowered > second / 2), "the last second counts");
    }
}
