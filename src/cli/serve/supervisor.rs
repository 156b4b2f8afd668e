//! Works on runs: decides which to resume, works on each in its own task, and handles the result.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::scheduler::open;
use super::state::{ActiveRun, Import, RETRY, Resting, SLOW, Service, ServiceContext, Takes};
use crate::cli::config::hook;
use crate::cli::error::{CliError, Exit};
use crate::cli::session::join::{JoinEnd, JoinGoal, can_join, join};
use crate::cli::session::{self, account_check, template_check};
use crate::engine::{self, EngineError, Job, Notifier, Reason, RunMode, RunResult, StopHandle};
use crate::model::{Event, Events, IfLate, Millis, Notice, RunId, Schedule};
use crate::provider;
use crate::rate_limit::{RetryPolicy, Use};
use crate::store::{Run, RunLock, StoreError};

/// The most runs whose statuses are polled at the same time.
const MAX_POLLING: usize = 4;
/// How long a due poll waits for other messages to fill its request.
const LINGER: Duration = Duration::from_secs(2);
/// How long until a run is checked again if its account has to pause for long.
const LONG_PAUSE: Duration = Duration::from_secs(600);

impl Service {
    /// Resumes unfinished runs: sends those that belong to the service, and collects the statuses of all.
    pub(super) async fn resume_runs(&mut self, now: Millis) -> Result<(), StoreError> {
        let unfinished = self.context.store.unfinished().await?;
        self.conclude_cancelled(&unfinished).await?;
        for (run, due) in unfinished {
            if matches!(self.resting.get(&run.key), Some(Resting::Halted)) && self.is_resumed(&run).await? {
                self.resting.remove(&run.key);
            }
            let is_open = run.dispatched_at.is_none() && run.cancelled_at.is_none();
            // Whether it is not sent now, and whether its statuses are not polled either.
            let (rests, is_quiet) = match self.resting.get(&run.key) {
                Some(Resting::Until(until)) => (Instant::now() < *until, true),
                Some(Resting::Waits { until, polls_from, .. }) => {
                    (is_open && now < *until, Instant::now() < *polls_from)
                }
                Some(Resting::Halted) => (run.dispatched_at.is_none(), true),
                None => (false, false),
            };
            if rests && is_quiet || self.active.contains_key(&run.key) {
                continue;
            }
            if !rests {
                self.resting.remove(&run.key);
            }
            let is_own = due.is_some() || self.adopted.contains(&run.key);
            if run.dispatched_at.is_some() || rests || run.paused_at.is_some() && is_own {
                self.poll_if_due(run, now).await?;
                continue;
            }
            if run.paused_at.is_some() || !(is_own || self.takes(&run)) {
                continue;
            }
            if let (None, Some(due)) = (run.started_at, due) {
                let is_late =
                    |schedule: &Schedule| schedule.if_late == IfLate::Skip && now.since(due) > schedule.not_after;
                let is_late = match self.folder.schedule(run.id.name()) {
                    Some(schedule) => is_late(schedule),
                    // Without a valid file, it is not known whether the run may still start.
                    None if self.takes == Takes::Own && !self.adopted.contains(&run.key) => continue,
                    None => false,
                };
                if is_late {
                    self.skip_late_run(&run, due, now).await?;
                    continue;
                }
            }
            match self.import_of(&run, due) {
                Ok(import) => self.send(run, import, is_own),
                Err(failure) => self.rest(run.key, &run.id, failure),
            }
        }
        Ok(())
    }

    /// Writes the reports of runs that were cancelled and are over, while they were waiting.
    async fn conclude_cancelled(&mut self, unfinished: &[(Run, Option<Millis>)]) -> Result<(), StoreError> {
        let is_over = |key: i64| unfinished.iter().all(|(run, _)| run.key != key);
        let over: Vec<(i64, RunId)> = (self.resting.iter())
            .filter_map(|(key, rest)| match rest {
                Resting::Waits { id, .. } if is_over(*key) && !self.active.contains_key(key) => {
                    Some((*key, id.clone()))
                }
                _ => None,
            })
            .collect();
        for (key, id) in over {
            self.resting.remove(&key);
            let run = self.context.store.run(Some(&id)).await?;
            self.poll(run);
        }
        Ok(())
    }

    /// Polls the statuses of a run if some are due, or if none is awaited any more and the run is over.
    async fn poll_if_due(&mut self, run: Run, now: Millis) -> Result<(), StoreError> {
        let polling = self.active.values().filter(|active| !active.sends).count();
        let is_due = match self.context.store.next_poll(run.key, Millis(i64::MIN)).await? {
            Some(next) => next.plus(LINGER) <= now,
            None => run.dispatched_at.is_some(),
        };
        if is_due && polling < MAX_POLLING {
            self.poll(run);
        }
        Ok(())
    }

    /// Whether another process works on a run that had stopped: a person resumed it there.
    async fn is_resumed(&self, run: &Run) -> Result<bool, StoreError> {
        let store = &self.context.store;
        Ok(store.can_be_joined()
            && !engine::needs_a_person(run)
            && store.halted(run.key).await?.is_none()
            && store.is_worked_on(&run.id).await?)
    }

    /// Whether a run of others is one to send.
    fn takes(&self, run: &Run) -> bool {
        self.takes != Takes::Own && run.planned_at.is_some() && !engine::needs_a_person(run)
    }

    /// Whether nothing is left to do, for a service that ends then.
    pub(super) async fn is_over(&self) -> Result<bool, StoreError> {
        if self.takes != (Takes::All { until_idle: true }) || !self.active.is_empty() {
            return Ok(false);
        }
        for (run, _) in self.context.store.unfinished().await? {
            let is_left = match run.dispatched_at {
                Some(_) => self.context.store.next_poll(run.key, Millis(i64::MIN)).await?.is_some(),
                None => {
                    let rests = matches!(self.resting.get(&run.key), Some(Resting::Halted));
                    run.paused_at.is_none() && self.takes(&run) && !rests
                }
            };
            if is_left {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Skips a started occurrence that sent nothing.
    async fn skip_late_run(&mut self, run: &Run, due: Millis, now: Millis) -> Result<(), StoreError> {
        let reason = format!(
            "{} was interrupted before it sent anything, and it is now too late to start (`not_after`)",
            run.id
        );
        let store = &self.context.store;
        let stopped = match run.planned_at {
            None => match store.lock_at_once(&run.id).await {
                Ok(_lock) => {
                    let owner = store.take_over(run.key, None, now).await?;
                    store.abandon_import(owner, now).await.map(|()| true)
                }
                Err(StoreError::Held(_)) => Ok(false),
                Err(error) => Err(error),
            },
            Some(_) => {
                engine::cancel(store, run, "the schedule").await.map(|result| result == engine::CancelResult::Stopped)
            }
        }?;
        if stopped {
            store.skip_started_occurrence(run.key, &reason, now).await?;
            tracing::warn!(run = %run.id, %due, %reason, "occurrence skipped");
        }
        Ok(())
    }

    /// Returns the recipients of a run whose import did not finish, from its files as they are now.
    fn import_of(&self, run: &Run, due: Option<Millis>) -> Result<Option<Import>, CliError> {
        if run.planned_at.is_some() {
            return Ok(None);
        }
        let Some(due) = due else {
            let words = format!(
                "its import did not finish, and it was not started on a schedule; to import it again: {} run FILE",
                self.context.global.command()
            );
            return Err(CliError::new(Exit::Wrong, words));
        };
        let campaigns = self.folder.campaigns();
        let name = run.id.name();
        let Some((_, loaded)) = campaigns.iter().find(|(_, loaded)| loaded.campaign.name == name) else {
            let words = format!(
                "its import did not finish, and the folder has no valid campaign `{name}`; put a valid file with \
                 `name: {name}` into the folder to import it again"
            );
            return Err(CliError::new(Exit::Wrong, words));
        };
        Ok(Some(Import::Again((*loaded).clone(), due)))
    }

    /// Sends a run in its own task. A run that is not the service's own is sent only as long as no person has to see to it.
    pub(super) fn send(&mut self, run: Run, import: Option<Import>, is_own: bool) {
        self.start_work(run, true, import, is_own);
    }

    /// Polls the due statuses of a run in its own task.
    fn poll(&mut self, run: Run) {
        self.start_work(run, false, None, true);
    }

    fn start_work(&mut self, run: Run, sends: bool, import: Option<Import>, is_own: bool) {
        let stop = StopHandle::default();
        let taken: usize = self.active.values().map(|active| active.in_flight).sum();
        let campaign = engine::thaw(&run);
        let api = campaign.as_ref().map(|campaign| campaign.api).unwrap_or_default();
        let wanted = match (sends, campaign) {
            // A quarter leaves room for other runs.
            (true, Ok(campaign)) => campaign.dispatch.concurrency.unwrap_or(self.in_flight / 4),
            _ => 8,
        };
        let in_flight = wanted.min(self.in_flight.saturating_sub(taken)).max(1);
        let key = run.key;
        self.active.insert(key, ActiveRun { id: run.id.clone(), api, stop: stop.clone(), sends, in_flight });
        self.context.board.of_run(&run.id.to_string(), |seen| {
            (seen.work, seen.halted) = (Some(if sends { "sending" } else { "polling statuses" }), None);
        });
        let task = Task { context: self.context.clone(), run, sends, import, is_own, stop, in_flight };
        self.jobs.spawn_local(async move { (key, task.work().await) });
    }

    /// Resumes a run on request of a person: one that the service did not start, or one that stopped.
    pub(super) async fn resume_run(&mut self, id: &RunId) {
        match self.context.store.run(Some(id)).await {
            Ok(run) => {
                tracing::info!(run = %id, "run resumed on request");
                self.resting.remove(&run.key);
                self.adopted.insert(run.key);
            }
            Err(error) => tracing::warn!(run = %id, %error, "cannot resume the run"),
        }
    }

    /// Handles the end of a task.
    pub(super) async fn ended(&mut self, done: Result<(i64, Result<RunResult, CliError>), tokio::task::JoinError>) {
        let (key, done) = match done {
            Ok(done) => done,
            Err(_) => return tracing::error!("internal error: a task panicked; please report it"),
        };
        let Some(ActiveRun { id, api, sends, .. }) = self.active.remove(&key) else { return };
        self.context.board.of_run(&id.to_string(), |seen| seen.work = None);
        if let (false, Some(Resting::Waits { polls_from, .. })) = (sends, self.resting.get_mut(&key)) {
            // The run still waits, whatever became of the polls.
            match done {
                Ok(RunResult { reason: None, paused: false, .. }) => {}
                Ok(_) => *polls_from = Instant::now() + LONG_PAUSE,
                Err(failure) => {
                    if failure.exit != Exit::Held {
                        tracing::warn!(run = %id, "polling statuses failed: {}", failure.words);
                    }
                    *polls_from = Instant::now() + 3 * RETRY;
                }
            }
            return;
        }
        let ending = match done {
            Ok(ending) => ending,
            Err(failure) => return self.rest(key, &id, failure),
        };
        match &ending.reason {
            Some(Reason::Halt(problem)) => {
                let advice =
                    provider::advice(api, &problem.code).unwrap_or("fix the problem that the provider reports");
                let command = self.context.global.command();
                tracing::error!(run = %id, %problem, %advice, "run stopped; to continue: {command} resume {id}");
                self.context.board.of_run(&id.to_string(), |seen| seen.halted = Some(problem.to_string()));
                let rest = if sends { Resting::Halted } else { Resting::Until(Instant::now() + RETRY) };
                self.resting.insert(key, rest);
            }
            Some(Reason::Limit) => {
                let command = self.context.global.command();
                tracing::info!(run = %id, "a person limited this run; to send the rest: {command} resume {id}");
                self.resting.insert(key, Resting::Halted);
            }
            Some(Reason::Signal) => tracing::info!(run = %id, "run stopped; the next `serve` continues it"),
            _ if ending.finished => {
                tracing::info!(run = %id, states = ?ending.tally.iter().collect::<Vec<_>>(), "run finished");
                self.context.board.status().runs.remove(&id.to_string());
            }
            _ if sends => {
                let (accepted, of) = (ending.tally.accepted(), ending.tally.sendable());
                if ending.waiting.is_none() {
                    tracing::info!(run = %id, accepted, of, "sending finished");
                }
                if let Some(waiting) = &ending.waiting {
                    let lock = self.context.store.lock_wait(&id).await.unwrap_or_else(|error| {
                        tracing::warn!(run = %id, %error, "cannot mark the run as waiting");
                        None
                    });
                    tracing::info!(run = %id, rows = waiting.rows, until = %waiting.first, "rows waiting for their time");
                    let (id, until) = (id.clone(), waiting.first);
                    let waits = Resting::Waits { id, until, lock, polls_from: Instant::now() };
                    self.resting.insert(key, waits);
                }
            }
            // The run is still checked from time to time, because webhooks may finish it.
            _ if ending.paused => drop(self.resting.insert(key, Resting::Until(Instant::now() + LONG_PAUSE))),
            _ => {}
        }
    }

    /// Waits before the next try of a run that failed.
    fn rest(&mut self, key: i64, id: &RunId, failure: CliError) {
        let words = failure.words;
        let rest = match failure.exit {
            // Another process is working on it, or the service is stopping: not logged.
            Exit::Held | Exit::Stopped => Resting::Until(Instant::now() + RETRY),
            _ => {
                let new = self
                    .context
                    .board
                    .status()
                    .runs
                    .get(&id.to_string())
                    .is_none_or(|seen| seen.halted.as_ref() != Some(&words));
                if new {
                    tracing::error!(run = %id, "the run failed; retrying every {} s: {words}", (3 * RETRY).as_secs());
                }
                self.context.board.of_run(&id.to_string(), |seen| seen.halted = Some(words));
                Resting::Until(Instant::now() + 3 * RETRY)
            }
        };
        self.resting.insert(key, rest);
    }
}

/// Work on one run.
struct Task {
    context: Rc<ServiceContext>,
    run: Run,
    sends: bool,
    import: Option<Import>,
    is_own: bool,
    stop: StopHandle,
    in_flight: usize,
}

impl Task {
    async fn work(self) -> Result<RunResult, CliError> {
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
        let done = hook.map(|hook| Notifier { hook, retry: RetryPolicy::default(), events: notices, stop: stops });
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
