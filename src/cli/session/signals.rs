//! Stops work on signals: the first signal stops it gently, the second at once.

use std::sync::LazyLock;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::engine::{Reason, StopHandle};
use crate::model::{Event, Events, Notice};
use crate::store::{Run, Store};

/// Runs `what` until it ends or a second signal arrives (`None`). The first signal stops it gently.
pub(in crate::cli) async fn unless_aborted<T>(
    stop: &StopHandle,
    events: &Events,
    what: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        done = what => Some(done),
        () = second_signal(stop, events, None) => None,
    }
}

/// Like [`unless_aborted`]. Soon after the first signal, a store whose server is away is no longer waited for.
pub(in crate::cli) async fn unless_aborted_on<T>(
    store: &Store,
    stop: &StopHandle,
    events: &Events,
    what: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        done = what => Some(done),
        () = second_signal(stop, events, Some(store)) => None,
    }
}

/// Like [`unless_aborted`], but the first signal is enough.
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

/// Returns the error for a command that was stopped before it sent a message of the run.
pub(in crate::cli) fn stopped(run: &Run, global: &Global) -> CliError {
    let next = match run.planned_at {
        Some(_) => format!("To continue: {} resume {}", global.command(), run.id),
        None => "To continue, run the same command again".to_owned(),
    };
    let words = format!("stopped before sending. {next}");
    CliError::new(Exit::Stopped, words)
}

/// Waits for the second signal. Some time after the first, `store` is no longer waited for.
async fn second_signal(stop: &StopHandle, events: &Events, store: Option<&Store>) {
    // Without handlers a signal ends the process at once, which loses no data either.
    let Ok(first) = Signals::from_now(!ignores_hangup()) else { return std::future::pending().await };
    first.one().await;
    stop.stop(Reason::Signal);
    tokio::time::sleep(SAME_SIGNAL).await;
    // A terminal that is closed after the first signal asks for no more than that.
    let Ok(second) = Signals::from_now(false) else { return std::future::pending().await };
    events(Event::Notice(Notice::Stopping));
    let second = second.one();
    tokio::pin!(second);
    tokio::select! {
        () = &mut second => return,
        () = tokio::time::sleep(PATIENCE) => store.into_iter().for_each(Store::stop_waiting),
    }
    second.await;
}

/// How long reads still wait after the first signal.
const PATIENCE: Duration = Duration::from_secs(5);

/// Signals this close together count as one: `timeout`, for example, signals the process and then its whole group.
const SAME_SIGNAL: Duration = Duration::from_millis(20);

/// SIGINT, SIGTERM and perhaps SIGHUP (the terminal was closed) that arrive after this was created.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Option<Signal>,
}

impl Signals {
    fn from_now(with_hangup: bool) -> std::io::Result<Self> {
        let hangup = if with_hangup { Some(signal(SignalKind::hangup())?) } else { None };
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())?, hangup })
    }

    /// Waits for one of the signals.
    async fn one(mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hangup => {}
        }
    }
}

/// Whether the process was started with SIGHUP ignored, as `nohup` does. A handler would end that, so where it cannot
/// be found out, there is none.
fn ignores_hangup() -> bool {
    static IGNORES: LazyLock<bool> = LazyLock::new(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_none_or(|mask| mask & 1 != 0)
    });
    *IGNORES
}
