//! Joins a run that another process is working on, if the store is on a server. This process sends rows too, until it
//! can take over the run or nothing is left to do.

use std::sync::Arc;
use std::time::Duration;

use crate::cli::error::{CliError, Exit};
use crate::engine::{self, EngineError, Job, Reason, StopHandle};
use crate::model::Problem;
use crate::store::{Run, RunLock, Store, StoreError};

/// How often to check whether the run's owner is gone or done.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How joining a run ended.
pub(in crate::cli) enum JoinEnd {
    /// The other process is gone, and this one has the run's lock.
    Taken(RunLock),
    /// The other process has done everything that this one waited for.
    Done,
    /// A worker stopped the run for all processes.
    Halted(Problem),
    /// This process was stopped.
    Stopped,
}

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum JoinGoal {
    /// All rows are sent.
    Sent,
    /// All statuses are final too.
    Finished,
}

/// Whether this process can join the run instead of giving up: the run is being imported or sent.
pub(in crate::cli) fn can_join(store: &Store, run: &Run) -> Result<bool, StoreError> {
    Ok(store.can_be_joined() && engine::can_join(run)?)
}

/// Sends rows while another process has the run's lock. `job` creates this process's job for the run, with its own lock
/// and stop handle. `is_embedded` says whether the account is an embedded simulator.
pub(in crate::cli) async fn join(
    store: &Store,
    run: &Run,
    (until, is_embedded): (JoinGoal, bool),
    stop: &StopHandle,
    job: impl AsyncFn(&Run, Arc<RunLock>, StopHandle) -> Result<Job, CliError>,
) -> Result<JoinEnd, CliError> {
    loop {
        // Stops only this process's sending, not the whole command.
        let joined = StopHandle::default();
        let sending = send(store, run, is_embedded, &joined, &job);
        tokio::pin!(sending);
        let end = tokio::select! {
            // Sending ends on its own only because of an error.
            sent = &mut sending => return sent.map(|()| JoinEnd::Stopped),
            end = wait(store, run, until, stop) => end?,
        };
        joined.stop(Reason::Signal);
        sending.await?;
        // An outcome that this process recorded late may have reopened the run.
        if !matches!(end, JoinEnd::Done) || is_done(store, run, until).await? {
            return Ok(end);
        }
    }
}

/// Whether the command's goal is reached.
async fn is_done(store: &Store, run: &Run, until: JoinGoal) -> Result<bool, StoreError> {
    let now = store.run(Some(&run.id)).await?;
    Ok(match until {
        JoinGoal::Sent => now.dispatched_at.is_some(),
        JoinGoal::Finished => now.finished_at.is_some(),
    })
}

/// Waits until this process can take over the run, or until there is nothing to wait for.
async fn wait(store: &Store, run: &Run, until: JoinGoal, stop: &StopHandle) -> Result<JoinEnd, CliError> {
    while !stop.ends_all() {
        if let Some(problem) = store.halted(run.key).await? {
            return Ok(JoinEnd::Halted(problem));
        }
        if is_done(store, run, until).await? {
            return Ok(JoinEnd::Done);
        }
        if !store.is_worked_on(&run.id).await? {
            match store.lock_at_once(&run.id).await {
                Ok(lock) => {
                    // The previous process may have stopped the run just before it ended.
                    return Ok(match store.halted(run.key).await? {
                        Some(problem) => JoinEnd::Halted(problem),
                        None => JoinEnd::Taken(lock),
                    });
                }
                // The server may also be unavailable.
                Err(error) if matches!(error, StoreError::Held(_)) || error.is_away() => {}
                Err(error) => return Err(error.into()),
            }
        }
        tokio::select! {
            () = stop.all_ended() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
    Ok(JoinEnd::Stopped)
}

/// Returns the error for a run that is sent through the simulator inside another process.
fn own_simulator(run: &Run) -> CliError {
    let words = format!(
        "cannot join {}: it is sent through the embedded simulator, and each process has its own; to try several processes, \
         start `campaigner simulator`, and send through an account whose `base_url` is the address of that simulator",
        run.id
    );
    CliError::new(Exit::Environment, words)
}

/// Sends rows of the run until it is stopped. Joins again each time the others have considered this process dead.
async fn send(
    store: &Store,
    run: &Run,
    is_embedded: bool,
    stop: &StopHandle,
    job: &impl AsyncFn(&Run, Arc<RunLock>, StopHandle) -> Result<Job, CliError>,
) -> Result<(), CliError> {
    while !stop.ends_all() {
        let now = store.run(Some(&run.id)).await?;
        if now.planned_at.is_some() && engine::can_join(&now)? {
            // A new handle each time, because an error stops it.
            let own = StopHandle::default();
            let sending = async {
                let lock = match store.lock_joined(&run.id).await {
                    Ok(lock) => Arc::new(lock),
                    Err(error) => return Ok(Err(EngineError::Store(error))),
                };
                Ok::<_, CliError>(engine::join(job(&now, lock, own.clone()).await?).await)
            };
            tokio::pin!(sending);
            let sent = tokio::select! {
                sent = &mut sending => sent,
                () = stop.all_ended() => {
                    own.stop(Reason::Signal);
                    sending.await
                }
            };
            match sent? {
                Err(EngineError::Store(error)) if matches!(error, StoreError::NotOwner(_)) || error.is_away() => {}
                Err(EngineError::OtherAccount(_)) if is_embedded => return Err(own_simulator(run)),
                sent => sent?,
            }
        }
        tokio::select! {
            () = stop.all_ended() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
    Ok(())
}
