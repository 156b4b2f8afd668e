//! Works on runs: decides which to resume, and handles the result of each task.

use std::time::Duration;

use tokio::time::Instant;

use super::state::{ActiveRun, Import, RETRY, Resting, Service, Takes};
use super::task::Task;
use crate::cli::error::{CliError, Exit};
use crate::engine::{self, Reason, RunResult, StopHandle};
use crate::model::{IfLate, Millis, RunId};
use crate::provider;
use crate::store::{Run, StoreError};

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
        // Other processes finish runs too.
        self.context
            .board
            .status()
            .runs
            .retain(|id, seen| seen.work.is_some() || unfinished.iter().any(|(run, _)| run.id.to_string() == *id));
        self.conclude_cancelled(&unfinished).await?;
        let is_ahead = Millis::ahead_of_clock().is_some();
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
            let is_own = due.is_some() || run.is_served;
            let is_paused = run.paused_at.is_some() && run.cancelled_at.is_none();
            if run.dispatched_at.is_some() || rests || is_paused && is_own {
                self.poll_if_due(run, now).await?;
                continue;
            }
            if is_paused || is_ahead || !(is_own || self.takes(&run)) {
                continue;
            }
            if let (None, None, Some(due)) = (run.started_at, run.cancelled_at, due) {
                match self.may_start(&run, due, now) {
                    MayStart::Yes => {}
                    MayStart::TooLate => {
                        self.skip_late_run(&run, due, now).await?;
                        continue;
                    }
                    MayStart::Unknown if !self.folder.is_read() => continue,
                    MayStart::Unknown => {
                        let words = format!(
                            "it has not started, and its campaign file is missing or has a mistake, so it is not known how late it \
                             may start; put a valid file with `name: {}` into the folder",
                            run.id.name()
                        );
                        self.rest(run.key, &run.id, CliError::new(Exit::Wrong, words));
                        continue;
                    }
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
            let run = self.context.store.run(Some(&id)).await?;
            self.resting.remove(&key);
            self.poll(run);
        }
        Ok(())
    }

    /// Returns whether an occurrence that sent nothing may start.
    fn may_start(&self, run: &Run, due: Millis, now: Millis) -> MayStart {
        let schedule = match self.folder.campaign(run.id.name()) {
            Some(loaded) => loaded.campaign.schedule.as_ref(),
            None if self.takes == Takes::Own && !run.is_served => return MayStart::Unknown,
            None => None,
        };
        match schedule {
            Some(schedule) if schedule.if_late == IfLate::Skip && now.since(due) > schedule.not_after => {
                MayStart::TooLate
            }
            _ => MayStart::Yes,
        }
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

    /// Sends a run in its own task. A run that is not the service's own is sent only as long as no person has to see to
    /// it.
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
            // The run still waits, whatever became of the polls. If it is over, it was cancelled meanwhile.
            match done {
                Ok(RunResult { finished: true, .. }) => drop(self.resting.remove(&key)),
                Ok(RunResult { reason: None, paused: false, .. }) => {}
                Ok(RunResult { reason: Some(Reason::Halt(problem)), .. }) => {
                    tracing::error!(run = %id, %problem, "polling statuses failed");
                    *polls_from = Instant::now() + LONG_PAUSE;
                }
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
                let rest = if sends {
                    let command = self.context.global.command();
                    tracing::error!(run = %id, %problem, %advice, "run stopped; to continue: {command} resume {id}");
                    Resting::Halted
                } else {
                    let seconds = LONG_PAUSE.as_secs();
                    tracing::error!(run = %id, %problem, %advice, "polling statuses failed; retrying every {seconds} s");
                    Resting::Until(Instant::now() + LONG_PAUSE)
                };
                self.context.board.of_run(&id.to_string(), |seen| seen.halted = Some(problem.to_string()));
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

/// Whether a started occurrence that sent nothing may still start.
enum MayStart {
    Yes,
    TooLate,
    /// Its campaign file is not valid.
    Unknown,
}
