//! Turns of calls, so that no second holds more than the provider takes.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// Between two calls: 50 a second, by the document.
const APART: Duration = Duration::from_millis(20);

/// Hands out turns.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<Option<Instant>>);

impl Turns {
    /// Waits for the next turn.
    pub(super) async fn take(&self) {
        let mut last = self.0.lock().await;
        if let Some(last) = *last {
            sleep_until(last + APART).await;
        }
        *last = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_second_holds_more_than_fifty_turns() {
        let turns = Turns::default();
        let mut taken = Vec::new();
        for _ in 0..200 {
            turns.take().await;
            taken.push(Instant::now());
        }
        for window in taken.windows(51) {
            assert!(window[50] - window[0] >= Duration::from_secs(1));
        }
        assert!(taken[199] - taken[0] < Duration::from_secs(5));
    }
}
