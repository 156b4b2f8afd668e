//! The time that dispatch goes by. It is passed in, so that a test can let a week go by in a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::model::Millis;

/// A clock: the system's, or one that is set.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// A clock that stands still but for [`Clock::go_on`] and for whoever waits.
    #[must_use]
    pub fn set(at: Millis) -> Self {
        Self(Some(Arc::new(AtomicI64::new(at.0))))
    }

    /// The present.
    #[must_use]
    pub fn now(&self) -> Millis {
        match &self.0 {
            Some(set) => Millis(set.load(Ordering::Acquire)),
            None => Millis::now(),
        }
    }

    /// Lets a clock that is set go on by so much.
    pub fn go_on(&self, time: Duration) {
        if let Some(set) = &self.0 {
            set.fetch_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX), Ordering::AcqRel);
        }
    }

    /// Waits while nothing else goes on. Where the clock is set, that time is over at once.
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
