//! Work that signals stop: the first gently, the second at once.

use std::time::Duration;

use crate::cli::error::{CliError, Exit};
use crate::engine::{Reason, StopHandle};
use crate::model::{Event, Events, Notice};
use crate::store::Run;

/// Does `what` while listening to signals: the first stops it gently, the second at once (`None`).
pub(in crate::cli) async fn unless_aborted<T>(
    stop: &StopHandle,
    events: &Events,
    what: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        done = what => Some(done),
        () = second_signal(stop, events) => None,
    }
}

/// As [`unless_aborted`], and the first signal is enough.
pub(in crate::cli) async fn unless_stopped<T>(
    stop: &StopHandle,
    events: &Events,
    what: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        done = unless_aborted(stop, events, what) => done,
        () = stop.all_ended() => None,
    }
}

/// A run that was stopped before its first message.
pub(in crate::cli) fn stopped(run: &Run) -> CliError {
    CliError::new(Exit::Stopped, format!("stopped; nothing was sent. Go on with: campaigner resume {}", run.id))
}

async fn second_signal(stop: &StopHandle, events: &Events) {
    // Without handlers a signal ends the process at once, which loses nothing either.
    let Ok(first) = Signals::from_now() else { return std::future::pending().await };
    first.one().await;
    stop.stop(Reason::Signal);
    tokio::time::sleep(SAME_SIGNAL).await;
    let Ok(second) = Signals::from_now() else { return std::future::pending().await };
    events(Event::Notice(Notice::Stopping));
    second.one().await;
}

/// Signals so close together are one: `timeout`, for one, signals the process and then its whole group.
const SAME_SIGNAL: Duration = Duration::from_millis(20);

/// SIGINT and SIGTERM, as they come after this was made.
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn from_now() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for one of either.
    async fn one(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
