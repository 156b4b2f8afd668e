//! The clock that dispatch uses. It is passed in so that a test can simulate a week in a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::model::Millis;

/// The system clock, or one set by hand.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// Creates a clock that advances only through [`Clock::go_on`] and through waits.
    #[must_use]
    pub fn set(at: Millis) -> Self {
        Self(Some(Arc::new(AtomicI64::new(at.0))))
    }

    /// Returns the current time.
    #[must_use]
    pub fn now(&self) -> Millis {
        match &self.0 {
            Some(set) => Millis(set.load(Ordering::Acquire)),
            None => Millis::now(),
        }
    }

    /// Returns how far it is ahead of the system clock, if that was set back by more than a minute.
    pub(super) fn ahead(&self) -> Option<Duration> {
        match &self.0 {
            Some(_) => None,
            None => Millis::ahead_of_clock(),
        }
    }

    /// Advances a clock that was set by hand.
    pub fn go_on(&self, time: Duration) {
        if let Some(set) = &self.0 {
            set.fetch_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX), Ordering::AcqRel);
        }
    }

    /// Waits while there is nothing else to do. A clock set by hand skips the wait.
    pub(super) async fn idle(&self, time: Duration) {
        match &self.0 {
            Some(_) => {
                self.go_on(time);
                tokio::task::yield_now().await;
            }
            None => tokio::time::sleep(time).await,
        }
    }
}
