//! Works on a planned run, from taking it over to its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::crash_point::Point;
use crate::engine::dispatch::{self, Eligibility, LONGEST_WAIT, Remaining, Role};
use crate::engine::error::EngineError;
use crate::engine::job::Job;
use crate::engine::stop::Reason;
use crate::engine::store_retry::patiently;
use crate::engine::tasks::{Background, stop_on_error};
use crate::engine::{clock_skew, control, reconcile};
use crate::model::{Event, Millis, Notice, State, Tally};
use crate::store::{Owner, Run, Stage, Store, StoreError, Waiting};

/// What to do with a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunMode {
    /// Send due rows and wait for statuses.
    SendAndReconcile,
    /// Send due rows; collect statuses only while sending.
    Send,
    /// Wait for statuses.
    Reconcile,
    /// Ask once about every awaited status.
    ReconcileOnce,
    /// Ask about every status that is due.
    ReconcileDue,
}

impl RunMode {
    /// Whether it sends rows that are due.
    #[must_use]
    pub fn sends(self) -> bool {
        matches!(self, Self::SendAndReconcile | Self::Send)
    }
}

/// How the work on a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunResult {
    /// Why it stopped early, if it did.
    pub reason: Option<Reason>,
    /// The state of the rows.
    pub tally: Tally,
    /// Whether nothing is left to send and no status is awaited.
    pub finished: bool,
    /// Rows that wait for another attempt, if some of them wait longer than the process needs to.
    pub waiting: Option<Waiting>,
    /// Whether the provider asked for a pause that is too long to wait for.
    pub paused: bool,
    /// Second messages that the provider made of requests.
    pub double_sends: u64,
}

impl RunResult {
    /// Returns the result of a run that another process worked on.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn of_another(store: &Store, run: &Run, reason: Option<Reason>) -> Result<Self, StoreError> {
        let tally = store.tally(run).await?;
        let (finished, double_sends) = (run.finished_at.is_some(), store.double_sends(run).await?);
        Ok(Self { reason, tally, finished, waiting: None, paused: false, double_sends })
    }
}

/// How long counting the rows may delay the first message.
const LONGEST_COUNT: Duration = Duration::from_millis(200);
/// How often the rows are counted for the screen. If counting takes long, it happens less often.
const COUNT_EVERY: Duration = Duration::from_secs(1);
const COUNT_SHARE: u32 = 50;

/// How often the owner of a cancelled run looks whether other processes still have rows in flight.
const OTHERS: Duration = Duration::from_millis(250);

/// Why a run stopped whose process could not record it.
const KILLED: &str = "its process ended before all rows were sent";
/// The reason that a process records when a signal stops it.
const SIGNALLED: &str = "its process received a stop signal";
/// How the reason begins of a run whose remaining rows wait.
const WAITS: &str = "the next row is due at ";

/// Whether a run stopped for a reason that a person must see to before it continues: a problem, or a limit that a
/// person set.
#[must_use]
pub fn needs_a_person(run: &Run) -> bool {
    let why = run.stopped_why.as_deref();
    why.is_some_and(|why| why != KILLED && why != SIGNALLED && !why.starts_with(WAITS))
}

/// Works on a planned run until it is done or stopped.
///
/// # Errors
/// When the store fails or a row cannot be rendered. The run can be taken over again; requests whose outcome could not
/// be recorded then become `uncertain`.
pub async fn run(job: Job, mode: RunMode) -> Result<RunResult, EngineError> {
    let job = Arc::new(job);
    let (owner, uncertain) = dispatch::take_over(&job.store, &job.run, &job.campaign, job.limit).await?;
    if uncertain > 0 {
        (job.events)(Event::Notice(Notice::InDoubt { messages: uncertain as u64 }));
    }
    let sends = mode.sends() && job.run.dispatched_at.is_none();
    clock_skew::attempts(&job).await?;
    if !sends {
        clock_skew::polls(&job).await?;
    }
    control::begin(&job, sends);
    if sends {
        job.store.record_stop(owner, None, job.clock.now()).await?;
        job.store.reach(owner.run, Stage::Started, Millis::now()).await?;
        Point::SendingStarted.pass();
    } else if let Run { started_at: Some(_), dispatched_at: None, cancelled_at: None, stopped_at: None, .. } = job.run {
        // The process that sent it was killed. Without this, collecting statuses would look like sending.
        let last = job.store.last_attempt(owner.run).await?.unwrap_or_else(|| job.clock.now());
        job.store.record_stop(owner, Some(KILLED), last).await?;
    }
    let eligibility = Arc::new(Eligibility::of(&job)?);
    if let Some(until) = job.keep_pause().await? {
        (job.events)(Event::Notice(Notice::ProviderPause { until: eligibility.local(until) }));
    }
    if sends {
        eligibility.schedule_rows(&job, owner).await?;
    }
    // A pass over due statuses is not logged: a service makes one every minute.
    let is_news = mode != RunMode::ReconcileDue;
    let _counting = count_rows(&job, mode, is_news).await?;
    let waits = stages(&job, &eligibility, owner, mode, sends).await?;
    Point::StatusesOver.pass();
    let result = finish(&job, owner, sends, waits).await?;
    if let Err(error) = job.store.leave(owner).await {
        // It is removed with the process's line.
        tracing::warn!(%error, "removing the worker failed");
    }
    (job.events)(Event::Moved(result.tally));
    if is_news || result.finished {
        let stopped = job.stop.ends_sending();
        tracing::info!(run = %job.run.id, finished = result.finished, stopped, "run ended");
    }
    Ok(result)
}

/// Counts the rows for the screen: before sending if that is quick, and from time to time afterwards.
async fn count_rows(job: &Arc<Job>, mode: RunMode, is_news: bool) -> Result<Background, EngineError> {
    // Millions of rows are counted while messages are already being sent.
    let mut counting = job.store.begin_tally(&job.run);
    let counted = tokio::time::timeout(LONGEST_COUNT, counting.done()).await.ok().transpose()?;
    if let Some(tally) = counted {
        (job.events)(Event::Planned(tally));
    }
    if is_news {
        let open = counted.map(|tally| tally.unsettled());
        tracing::info!(run = %job.run.id, ?mode, rows = counted.map(|tally| tally.rows()), open, "run started");
    }
    // The task must not hold the job, whose lock would then outlive it.
    let (store, run, events) = (job.store.clone(), job.run.clone(), job.events.clone());
    Ok(Background::spawn(async move {
        let mut pause = COUNT_EVERY;
        if counted.is_none()
            && let Ok(tally) = counting.done().await
        {
            events(Event::Planned(tally));
        }
        loop {
            tokio::time::sleep(pause).await;
            let begun = Instant::now();
            match store.tally(&run).await {
                Ok(tally) => events(Event::Moved(tally)),
                // The count is only for the screen, and is repeated.
                Err(error) => tracing::warn!(%error, "counting rows failed"),
            }
            pause = COUNT_EVERY.max(begun.elapsed() * COUNT_SHARE);
        }
    }))
}

/// Sends and reconciles in rounds; a long wait ends a round. Another round starts if statuses are awaited for longer
/// than that wait, or if the campaign makes rows wait. Returns when the remaining rows are due.
async fn stages(
    job: &Arc<Job>,
    eligibility: &Arc<Eligibility>,
    owner: Owner,
    mode: RunMode,
    sends: bool,
) -> Result<Option<Millis>, EngineError> {
    let rounds = async {
        while let Some(at) = round(job, eligibility, owner, mode, sends).await? {
            let goes_on = mode == RunMode::SendAndReconcile && job.limit.is_none() && !job.stop.ends_sending();
            if goes_on && eligibility.may_defer() {
                tokio::select! {
                    () = job.wait_until(at) => {}
                    () = job.stop.sending_ended() => {}
                }
            }
            if !goes_on || job.clock.now() < at {
                return Ok(Some(at));
            }
        }
        Ok::<_, EngineError>(None)
    };
    tokio::pin!(rounds);
    let failed = tokio::select! {
        done = &mut rounds => return done,
        failed = control::follow(job, eligibility, sends) => failed,
        failed = clock_skew::polls_meanwhile(job, sends) => failed,
    };
    // Requests in flight finish first.
    let failed = stop_on_error(&job.stop, Err(failed));
    rounds.await.and(failed)
}

/// Sends due rows, and asks for statuses during and after that. Returns when the first remaining row is due, if
/// dispatch ended before all rows were sent; it then returns at that time at the latest.
async fn round(
    job: &Arc<Job>,
    eligibility: &Arc<Eligibility>,
    owner: Owner,
    mode: RunMode,
    sends: bool,
) -> Result<Option<Millis>, EngineError> {
    let (sending, still_sending) = watch::channel(sends);
    let (waits, mut waits_until) = watch::channel(None);
    let dispatch = async {
        let done = match sends {
            true => dispatch::dispatch(job, eligibility, owner, Role::Owner).await,
            false => Ok(Remaining::Nothing),
        };
        if let Ok(Remaining::Waits(at)) = done {
            if mode == RunMode::SendAndReconcile {
                let (until, in_any_case) = (eligibility.local(at), eligibility.may_defer());
                (job.events)(Event::Notice(Notice::Waiting { until, in_any_case }));
            }
            let _ = waits.send(Some(at));
        }
        if sends {
            match job.store.tally(&job.run).await {
                Ok(tally) => (job.events)(Event::Moved(tally)),
                Err(error) => tracing::warn!(%error, "counting rows failed"),
            }
        }
        (job.events)(Event::Dispatched);
        if sends && job.stop.reason() == Some(Reason::Limit) {
            // Statuses are still collected, but nothing more is sent.
            let why = why_stopped(Some(&Reason::Limit), None);
            patiently(job, async || job.store.record_stop(owner, Some(&why), job.clock.now()).await).await?;
        }
        let _ = sending.send(false);
        stop_on_error(&job.stop, done)
    };
    let reconcile = async {
        let done = match mode {
            RunMode::ReconcileOnce => reconcile::once(job, false).await,
            RunMode::ReconcileDue => reconcile::once(job, true).await,
            _ => reconcile::reconcile(job, still_sending, mode != RunMode::Send).await,
        };
        stop_on_error(&job.stop, done)
    };
    let time_is_up = async {
        // The sender lives as long as this future.
        let at = waits_until.wait_for(Option::is_some).await.ok().and_then(|at| *at).unwrap_or(Millis(i64::MAX));
        job.wait_until(at).await;
    };
    let reconcile = async {
        tokio::select! {
            done = reconcile => done,
            () = time_is_up => Ok(()),
        }
    };
    let (dispatched, reconciled) = tokio::join!(dispatch, reconcile);
    reconciled?;
    Ok(match dispatched? {
        Remaining::Waits(at) => Some(at),
        Remaining::Nothing | Remaining::Stopped => None,
    })
}

/// Returns in words why rows are left.
fn why_stopped(reason: Option<&Reason>, waiting: Option<&Waiting>) -> String {
    match (reason, waiting) {
        (Some(Reason::Signal), _) => SIGNALLED.to_owned(),
        (Some(Reason::Halt(problem)), _) => problem.to_string(),
        (Some(Reason::Limit), _) => "the limit set by `--limit` was reached".to_owned(),
        (_, Some(waiting)) => format!("{WAITS}{}", waiting.first),
        _ => KILLED.to_owned(),
    }
}

/// Ends the sending of a cancelled run and returns the result; `waits` is when sending continues. The run is marked
/// finished only after its reports.
async fn finish(job: &Job, owner: Owner, sends: bool, waits: Option<Millis>) -> Result<RunResult, EngineError> {
    if job.store.orders(job.run.key).await?.cancelled {
        // Nothing of this process is in flight any more, whatever it was doing when the run was cancelled.
        loop {
            let others = job.store.others_are_sending(owner).await?;
            dispatch::settle_ended(&job.store, owner, &job.campaign, Millis::now()).await?;
            patiently(job, async || job.store.cancel_waiting(owner).await).await?;
            let reach = async || job.store.reach(job.run.key, Stage::Dispatched, Millis::now()).await;
            let is_over = patiently(job, reach).await?;
            if is_over || !others || job.stop.ends_all() {
                break;
            }
            tokio::time::sleep(OTHERS).await;
        }
    }
    let run = job.store.run(Some(&job.run.id)).await?;
    let tally = job.store.tally(&run).await?;
    let sent = run.dispatched_at.is_some();
    let awaited = job.store.next_poll(run.key, Millis(i64::MIN)).await?.is_some();
    let finished = sent && !awaited;
    let mut waiting = if sent { None } else { job.store.waiting(run.key, job.clock.now()).await? };
    if let (false, Some(first)) = (sent, waits) {
        // Rows whose own time has come still wait for the window.
        let last = waiting.map_or(first, |waiting| waiting.last.max(first));
        waiting = Some(Waiting { rows: tally.of(State::Pending), first, last });
    }
    let paused = job.limiter.pause_beyond(LONGEST_WAIT).is_some();
    if sends && !sent && run.cancelled_at.is_none() && run.paused_at.is_none() && run.stopped_at.is_none() {
        let why = why_stopped(job.stop.reason().as_ref(), waiting.as_ref());
        patiently(job, async || job.store.record_stop(owner, Some(&why), job.clock.now()).await).await?;
    }
    let double_sends = job.store.double_sends(&run).await?;
    Ok(RunResult { reason: job.stop.reason(), tally, finished, waiting, paused, double_sends })
}
