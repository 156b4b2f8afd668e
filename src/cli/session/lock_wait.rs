//! Takes a run's lock; joins the run while another process has it.

use std::sync::Arc;
use std::time::Duration;

use crate::cli::config::Account;
use crate::cli::error::{CliError, Exit};
use crate::cli::file_limit;
use crate::cli::global::Global;
use crate::cli::output::console;
use crate::cli::session::conclude::{aborted, conclude};
use crate::cli::session::join::{JoinEnd, JoinGoal, can_join, join};
use crate::cli::session::overrides::{Overrides, RunOptions};
use crate::cli::session::screen::tick;
use crate::cli::session::signals::{stopped, unless_aborted_on, unless_stopped};
use crate::engine::{self, Job, Reason, RunMode, RunResult, StopHandle};
use crate::model::{Campaign, Event, Notice};
use crate::progress;
use crate::rate_limit::RunLimiter;
use crate::store::{Run, RunLock, Store, StoreError};

/// How often to try again to lock a run while the store's server is away.
const LOCK_EVERY: Duration = Duration::from_secs(1);

/// Waits for the lock of a run that another process is working on, and sends rows of the run meanwhile.
pub(in crate::cli) struct LockWait<'w> {
    pub(in crate::cli) store: &'w Store,
    pub(in crate::cli) run: &'w Run,
    pub(in crate::cli) account: &'w Account,
    pub(in crate::cli) progress: &'w progress::Progress,
    pub(in crate::cli) stop: &'w StopHandle,
    /// Whether the summary at the end is JSON.
    pub(in crate::cli) json: bool,
}

/// How waiting for the lock ended.
pub(in crate::cli) enum LockEnd {
    /// The other process is gone, and this one takes over.
    Locked(RunLock),
    /// The command is done.
    Done(Exit),
}

impl LockWait<'_> {
    /// Takes the run's lock. If another process has it, joins the run until that process is gone or done.
    pub(in crate::cli) async fn lock(
        &self,
        RunOptions { mode, limit }: RunOptions,
        overrides: &Overrides,
        global: &Global,
    ) -> Result<LockEnd, CliError> {
        let Self { store, run, account, progress, stop, .. } = self;
        let sends = mode.sends() && limit.is_none();
        let joins = sends && can_join(store, run)?;
        let first = async {
            loop {
                let lock = if joins { store.lock_at_once(&run.id).await } else { store.lock(&run.id).await };
                match lock {
                    Err(error) if error.is_away() => tokio::time::sleep(LOCK_EVERY).await,
                    done => return done,
                }
            }
        };
        let Some(first) = unless_stopped(stop, &progress.events(), first).await else {
            progress.finish();
            return Err(stopped(run, global));
        };
        match first {
            Ok(lock) => return Ok(LockEnd::Locked(lock)),
            Err(StoreError::Held(_)) if joins => {}
            Err(error) => return Err(error.into()),
        }
        is_not_paused(run, mode, global)?;
        if !global.quiet {
            console::info(&format!("another process is working on {}; joining it", run.id));
        }
        let until = if mode == RunMode::Send { JoinGoal::Sent } else { JoinGoal::Finished };
        let own_job = async |run: &Run, lock: Arc<RunLock>, stop: StopHandle| {
            let mut campaign = engine::thaw(run)?;
            overrides.apply(&mut campaign)?;
            Ok(Job { events: progress.events(), stop, ..job(store, run, &campaign, account, &lock)? })
        };
        let whole = async {
            tokio::select! {
                end = join(store, run, (until, account.is_embedded()), stop, own_job) => end,
                never = tick(progress) => match never {},
            }
        };
        let Some(end) = unless_aborted_on(store, stop, &progress.events(), whole).await else {
            progress.finish();
            return Err(aborted(run, global));
        };
        let reason = match end? {
            JoinEnd::Taken(lock) => {
                if !global.quiet {
                    (progress.events())(Event::Notice(Notice::TakenOver(run.id.clone())));
                }
                return Ok(LockEnd::Locked(lock));
            }
            JoinEnd::Done => None,
            JoinEnd::Halted(problem) => Some(Reason::Halt(problem)),
            JoinEnd::Stopped => {
                store.stop_waiting();
                Some(Reason::Signal)
            }
        };
        self.conclude(reason, overrides, global).await.map(LockEnd::Done)
    }

    /// Ends the command after another process worked on the run.
    pub(in crate::cli) async fn conclude(
        &self,
        reason: Option<Reason>,
        overrides: &Overrides,
        global: &Global,
    ) -> Result<Exit, CliError> {
        let Self { store, run, account, progress, stop, json } = *self;
        progress.finish();
        let run = store.run(Some(&run.id)).await?;
        if run.planned_at.is_none() && run.cancelled_at.is_some() {
            let words = format!(
                "another process gave {} up before its list was read, because it started a run with other content; nothing \
                 was sent. Run the command again",
                run.id
            );
            return Err(CliError::new(Exit::Held, words));
        }
        let result = RunResult::of_another(store, &run, reason).await?;
        let (folder, is_embedded) = (overrides.folder(&run), account.is_embedded());
        // The process that ended the run calls the hook.
        let exit = conclude(store, &run, &result, &folder, (None, stop), (json, is_embedded), global).await?;
        store.close().await?;
        Ok(exit)
    }
}

/// Whether a run was sent through an account other than the job's. Each embedded simulator is another one.
pub(in crate::cli) async fn changes_account(job: &Job, is_embedded: bool) -> Result<bool, StoreError> {
    let before = job.store.sends_through(job.run.key).await?;
    Ok(!is_embedded && before.is_some_and(|account| account != job.account))
}

/// Checks that a process that does not wait for statuses has something to do: it sends nothing while a person has
/// paused the run.
pub(super) fn is_not_paused(run: &Run, mode: RunMode, global: &Global) -> Result<(), CliError> {
    let (RunMode::Send, Some(at), None, None) = (mode, run.paused_at, run.dispatched_at, run.cancelled_at) else {
        return Ok(());
    };
    let command = global.command();
    let words = format!("{0} has been paused since {at}; nothing was sent. To continue: {command} resume {0}", run.id);
    Err(CliError::new(Exit::Stopped, words))
}

/// Returns a job for this process alone, without a listener.
pub(super) fn job(
    store: &Store,
    run: &Run,
    campaign: &Campaign,
    account: &Account,
    lock: &Arc<RunLock>,
) -> Result<Job, CliError> {
    let dispatch = &campaign.dispatch;
    let concurrency = file_limit::enough_for(dispatch.concurrency.unwrap_or(engine::MOST_IN_FLIGHT));
    let limiter = RunLimiter::alone((dispatch.rate, dispatch.per));
    Ok(Job::new(store, run, campaign, &account.endpoint, concurrency, limiter, lock)?)
}
