//! The connections without a request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::connection::Connection;

/// Connections that idle for longer are not used again. Shorter than the idle limit of common gateways (60 s and
/// more), since a connection that the other side closes while a request is being written leaves that request in doubt.
pub(in crate::provider) const IDLE: Duration = Duration::from_secs(15);
/// A connection that was used within this time is taken to be open.
pub(super) const LATELY: Duration = Duration::from_secs(1);

/// The connections without a request, the one that was used last on top.
pub(super) struct IdlePool {
    pub(super) most: usize,
    pub(super) kept: Mutex<Kept>,
}

#[derive(Default)]
pub(super) struct Kept {
    /// Each with the time at which it becomes too old, the oldest first.
    pub(super) lines: Vec<(Instant, Connection)>,
    /// Closes what has become too old also when nothing is sent.
    pub(super) closing: Option<JoinHandle<()>>,
}

impl IdlePool {
    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one that was used last, if it still can be.
    pub(super) fn take(&self) -> Option<Connection> {
        loop {
            let (end, mut line) = self.kept().lines.pop()?;
            let now = Instant::now();
            if now >= end {
                return None;
            }
            // One that idled for a while may have been closed. Who learns it here need not leave a second time.
            if end - now > IDLE - LATELY || line.is_open() {
                return Some(line);
            }
        }
    }

    pub(super) fn put(self: &Arc<Self>, line: Connection) {
        let mut kept = self.kept();
        if kept.lines.len() >= self.most || !line.is_free() {
            return;
        }
        let end = Instant::now() + IDLE;
        kept.lines.push((end, line));
        // One whose runtime is gone is finished too.
        if kept.closing.as_ref().is_none_or(JoinHandle::is_finished) {
            kept.closing = Some(tokio::spawn(close(Arc::downgrade(self), end)));
        }
    }
}

/// Closes connections that have become too old, from `next` on until there are none.
async fn close(idle: Weak<IdlePool>, mut next: Instant) {
    loop {
        sleep_until(next).await;
        let Some(idle) = idle.upgrade() else { return };
        let mut kept = idle.kept();
        let now = Instant::now();
        kept.lines.retain(|(end, _)| now < *end);
        match kept.lines.first() {
            Some((end, _)) => next = *end,
            None => {
                kept.closing = None;
                return;
            }
        }
    }
}
