//! Tasks that end together.

use tokio::task::JoinSet;

use crate::engine::error::{EngineError, PANICKED};
use crate::engine::stop::{Reason, StopHandle};

/// Stops everything else if one part failed. The failure itself is reported once all parts have ended.
pub(super) fn stop_on_error<T>(stop: &StopHandle, done: Result<T, EngineError>) -> Result<T, EngineError> {
    if done.is_err() {
        stop.stop(Reason::Failed);
    }
    done
}

/// Runs `work` in its own task to its end, whatever happens to the caller's other work.
///
/// # Errors
/// When the task panics.
pub(super) async fn spawn_joined<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, EngineError> {
    tokio::spawn(work).await.map_err(|_| EngineError::Defect(PANICKED.to_owned()))
}

/// A task that ends when this value is dropped.
pub(super) struct Background(#[expect(dead_code, reason = "held for its drop")] JoinSet<()>);

impl Background {
    /// Starts the task.
    pub(super) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Self {
        let mut task = JoinSet::new();
        task.spawn(work);
        Self(task)
    }
}
