//! The work on one run in its own task: takes its lock or joins it, sends or polls, and writes the reports.

use std::rc::Rc;
use std::sync::Arc;

use tokio::time::Instant;

use super::scheduler::open;
use super::state::{Import, SLOW, ServiceContext};
use crate::cli::config::hook;
use crate::cli::error::{CliError, Exit};
use crate::cli::session::join::{JoinEnd, JoinGoal, can_join, join};
use crate::cli::session::{self, account_check, template_check};
use crate::engine::{self, EngineError, Job, Notifier, Reason, RunMode, RunResult, StopHandle};
use crate::model::{Event, Events, Millis, Notice, RunId};
use crate::rate_limit::Use;
use crate::store::{Run, RunLock, StoreError};

/// Work on one run.
pub(super) struct Task {
    pub(super) context: Rc<ServiceContext>,
    pub(super) run: Run,
    pub(super) sends: bool,
    pub(super) import: Option<Import>,
    pub(super) is_own: bool,
    pub(super) stop: StopHandle,
    pub(super) in_flight: usize,
}

impl Task {
    pub(super) async fn work(self) -> Result<RunResult, CliError> {
        let (context, sends, stop) = (self.context.clone(), self.sends, self.stop.clone());
        let lock = match self.lock().await? {
            JoinEnd::Taken(lock) => Arc::new(lock),
            JoinEnd::Halted(problem) => return self.ended(Some(Reason::Halt(problem))).await,
            JoinEnd::Done => return self.ended(None).await,
            JoinEnd::Stopped => return self.ended(Some(Reason::Signal)).await,
        };
        if sends && !self.is_own {
            // The process that had the lock may have met a problem or the limit that a person set.
            let run = context.store.run(Some(&self.run.id)).await?;
            if let Some(problem) = context.store.halted(run.key).await? {
                return self.ended(Some(Reason::Halt(problem))).await;
            }
            if run.is_limited {
                return self.ended(Some(Reason::Limit)).await;
            }
            if run.paused_at.is_some() || engine::needs_a_person(&run) {
                return self.ended(None).await;
            }
        }
        let (job, done, _lock) = tokio::select! {
            prepared = self.prepare(lock) => prepared?,
            () = stop.all_ended() => return Err(CliError::new(Exit::Stopped, "stopped before the run started")),
        };
        let (store, campaign, id) = (&context.store, job.campaign.clone(), job.run.id.clone());
        let ending = engine::run(job, if sends { RunMode::Send } else { RunMode::ReconcileDue }).await?;
        let halted = matches!(ending.reason, Some(Reason::Signal | Reason::Halt(_)));
        if !halted && (sends || ending.finished) {
            let run = store.run(Some(&id)).await?;
            let folder = context.reports.join(run.id.to_string());
            let done = done.as_ref();
            let paths = engine::write_reports(store, &run, &campaign, &folder, ending.finished, done, &stop).await?;
            tracing::info!(run = %run.id, folder = %folder.display(), csv = %paths.csv.display(), "reports written");
        }
        Ok(ending)
    }

    /// Takes the run's lock. If another process has it, joins the run until that process is gone or done.
    async fn lock(&self) -> Result<JoinEnd, CliError> {
        let store = &self.context.store;
        match store.lock_at_once(&self.run.id).await {
            Ok(lock) => return Ok(JoinEnd::Taken(lock)),
            Err(StoreError::Held(_)) if self.sends && can_join(store, &self.run)? => {}
            Err(error) => return Err(error.into()),
        }
        tracing::info!(run = %self.run.id, "another process is working on the run; joining it");
        let job = async |run: &Run, lock: Arc<RunLock>, stop: StopHandle| {
            let job = self.job(run, &lock).await?;
            Ok(Job { events: events(&self.context, &run.id), stop, ..job })
        };
        let provider = engine::thaw(&self.run)?.provider;
        let is_embedded = self.context.accounts.get(&provider).await?.account.is_embedded();
        join(store, &self.run, (JoinGoal::Sent, is_embedded), &self.stop, job).await
    }

    /// Returns the result of a run that another process works on.
    async fn ended(&self, reason: Option<Reason>) -> Result<RunResult, CliError> {
        let store = &self.context.store;
        let run = store.run(Some(&self.run.id)).await?;
        Ok(RunResult::of_another(store, &run, reason).await?)
    }

    /// Returns a job of the run, without a listener and with its own stop handle.
    async fn job(&self, run: &Run, lock: &Arc<RunLock>) -> Result<Job, CliError> {
        let context = &self.context;
        let campaign = engine::thaw(run)?;
        session::same_api(&campaign, &context.global).await?;
        let open = context.accounts.get(&campaign.provider).await?;
        let purpose = if self.sends { Use::Sending } else { Use::Polling };
        let limiter = open.limiter.add_run((campaign.dispatch.rate, campaign.dispatch.per), purpose);
        Ok(Job::new(&context.store, run, &campaign, &open.account.endpoint, self.in_flight, limiter, lock)?)
    }

    /// Prepares a run: imports its rows, opens its account and its hook.
    async fn prepare(mut self, lock: Arc<RunLock>) -> Result<(Job, Option<Notifier>, Arc<RunLock>), CliError> {
        let (context, sends, import, stop) = (self.context.clone(), self.sends, self.import.take(), self.stop.clone());
        let (store, run) = (&context.store, &self.run);
        let events = events(&context, &run.id);
        // Another process that held the lock until now may have changed the run.
        let mut run = store.run(Some(&run.id)).await?;
        if let (None, Some(import)) = (run.planned_at, import) {
            let started = Instant::now();
            let (plan, digest) = match import {
                Import::Opened(plan, digest) => (*plan, digest),
                Import::Again(loaded, due) => {
                    let (plan, new) = open(&loaded, due, &context).await?;
                    store.replace_content(run.key, &new).await?;
                    (plan, new.recipients_hash)
                }
            };
            let owner = store.take_over(run.key, None, Millis::now()).await?;
            plan.only_new(run.only_new).import(store, owner, &digest, &events).await?;
            run = store.run(Some(&run.id)).await?;
            if started.elapsed() >= SLOW {
                // It may be later than `not_after` by now. That is checked before the run is resumed.
                return Err(CliError::new(Exit::Stopped, "reading the recipients is taking too long"));
            }
        }
        let job = self.job(&run, &lock).await?;
        let account = context.accounts.get(&job.campaign.provider).await?;
        if sends && session::changes_account(&job, account.account.is_embedded()).await? {
            // Only a person may continue the run of others through another account.
            if !self.is_own {
                return Err(EngineError::OtherAccount(job.campaign.provider.clone()).into());
            }
            events(Event::Notice(Notice::OtherAccount(run.id.clone())));
        }
        if let (Some(renderer), true, None) = (&job.renderer, sends, run.cancelled_at) {
            let checked = async {
                template_check::before_sending(store, &run, renderer, &stop, &events, &context.global).await?;
                account_check::before_sending(&job, &stop, &events, &context.global).await
            };
            // Unlike a run that the service stops, one that may not start is logged, shown and tried again.
            checked.await.map_err(|failure| match failure.exit {
                Exit::Stopped if !stop.ends_all() => CliError { exit: Exit::Environment, ..failure },
                _ => failure,
            })?;
        }
        let hook = hook::hook(&context.global).await?;
        let (notices, stops) = (events.clone(), stop.clone());
        let done = hook.map(|hook| Notifier { hook, events: notices, stop: stops });
        Ok((Job { events, stop, ..job }, done, lock))
    }
}

/// Returns a receiver of a run's events that writes them to the log and to the status board.
fn events(context: &ServiceContext, id: &RunId) -> Events {
    let (board, run) = (context.board.clone(), id.to_string());
    Arc::new(move |event| match event {
        Event::Notice(notice) => tracing::info!(%run, "{notice}"),
        Event::Planned(tally) | Event::Moved(tally) => board.of_run(&run, |seen| seen.tally = tally),
        _ => {}
    })
}
