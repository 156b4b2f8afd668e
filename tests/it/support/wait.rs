//! The one way to wait: for a condition, and not for ever. No other test code sleeps.

use std::time::{Duration, Instant};

/// How long a test waits for something that normally happens within a second.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// Waits until `condition` holds; false if it does not within `limit`.
pub(crate) fn wait_until(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
