//! Spaces calls, so that no second holds more than the provider takes.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// Between two calls: 50 a second, by the document.
const INTERVAL: Duration = Duration::from_millis(20);

/// Spaces the calls of one account.
#[derive(Debug, Default)]
pub(super) struct CallRate(Mutex<Option<Instant>>);

impl CallRate {
    /// Waits until the next call may leave.
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
