//! The idle connections.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::connection::Connection;

/// How long a connection may be idle before it is no longer used. Shorter than the idle limit of common gateways (60 s
/// and more), because a connection that the other side closes during a write leaves that request in doubt.
pub(in crate::provider) const IDLE: Duration = Duration::from_secs(15);
/// A connection used within this time is assumed to be open.
pub(super) const LATELY: Duration = Duration::from_secs(1);

/// The idle connections, the most recently used one on top.
pub(super) struct IdlePool {
    pub(super) most: usize,
    pub(super) kept: Mutex<Kept>,
}

#[derive(Default)]
pub(super) struct Kept {
    /// Each with its expiry time, the oldest first.
    pub(super) lines: Vec<(Instant, Connection)>,
    /// The task that closes expired connections while nothing is sent.
    pub(super) closing: Option<JoinHandle<()>>,
}

impl IdlePool {
    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the most recently used connection, if it is still usable.
    pub(super) fn take(&self) -> Option<Connection> {
        loop {
            let (end, mut line) = self.kept().lines.pop()?;
            let now = Instant::now();
            if now >= end {
                return None;
            }
            // A connection that was idle for a while may be closed. Detecting it here avoids a second `leave` call.
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
        // A task whose runtime has stopped is finished too.
        if kept.closing.as_ref().is_none_or(JoinHandle::is_finished) {
            kept.closing = Some(tokio::spawn(close(Arc::downgrade(self), end)));
        }
    }
}

/// Closes expired connections, starting at `next`, until there are none.
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
