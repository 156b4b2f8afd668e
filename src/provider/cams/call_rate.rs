//! Spaces calls, to stay within the provider's limit per second.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// The time between two calls: the documented limit is 50 per second.
const INTERVAL: Duration = Duration::from_millis(20);

/// Spaces the calls of one account.
#[derive(Debug, Default)]
pub(super) struct CallRate(Mutex<Option<Instant>>);

impl CallRate {
    /// Waits until the next call is allowed.
    pub(super) async fn wait(&self) {
        let mut last = self.0.lock().await;
        if let Some(last) = *last {
            sleep_until(last + INTERVAL).await;
        }
        *last = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_second_holds_more_than_fifty_calls() {
        let rate = CallRate::default();
        let mut taken = Vec::new();
        for _ in 0..200 {
            rate.wait().await;
            taken.push(Instant::now());
        }
        for window in taken.windows(51) {
            assert!(window[50] - window[0] >= Duration::from_secs(1));
        }
        assert!(taken[199] - taken[0] < Duration::from_secs(5));
    }
}
