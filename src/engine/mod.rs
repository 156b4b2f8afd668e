//! The engine: plan, dispatch, reconcile, report. Each stage reads what it needs from the store and leaves what it did
//! there; nothing is handed from one to the next in memory. So `run` and `resume` are the same code, and after a crash
//! between any two instructions the same code goes on.
//!
//! The engine never prints, never looks at a status number, and never ends the process.

mod callbacks;
mod clock;
#[cfg(test)]
mod compare;
mod crew;
mod dispatch;
mod done;
#[cfg(test)]
mod examples;
mod forecast;
mod gate;
mod halt;
mod hold;
mod job;
mod judge;
mod links;
mod mend;
mod orders;
mod places;
mod plan;
mod reconcile;
mod recorder;
mod report;
mod scan;
mod settle;
mod sizing;
mod status;
mod stop;
#[cfg(test)]
mod week;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::crash::Point;
use crate::model::{Campaign, Event, Millis, Problem, State, Tally};
use crate::pace::RetryPolicy;
use crate::store::{Run, Stage, Store, StoreError, Waiting, Writer};

pub use callbacks::{Callbacks, Collector, Counts, Place};
pub use clock::Clock;
pub use done::Done;
pub use forecast::sent_by;
pub use hold::hold_left;
pub use job::Job;
pub use judge::{Times, Warning};
pub use links::{Link, Links, ask};
pub use orders::{Stops, cancel};
pub use plan::{Bad, Body, Checked, Plan, PlanError};
pub use report::{ReportingError, each_row, facts, write_reports};
pub use sizing::MOST_IN_FLIGHT;
pub use status::{Details, details, provider_pause, rate_now, speed, stage, status, thaw, time_to_send, told, waiting};
pub use stop::{Reason, Stop};

use dispatch::Left;
use gate::Gate;
use recorder::{Committed, Queue, Recorder, Standing, Stopping};
use settle::{Rules, Tried};

/// What is to be done with a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Send what is due, and wait for the statuses.
    SendAndReconcile,
    /// Send what is due; statuses only as long as that takes.
    Send,
    /// Wait for the statuses.
    Reconcile,
    /// Ask once about every status that is awaited.
    ReconcileOnce,
    /// Ask about every status that is due to be asked about.
    ReconcileDue,
}

/// How working on a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Why it stopped early, if it did.
    pub reason: Option<Reason>,
    /// Where the rows stand.
    pub tally: Tally,
    /// Whether nothing is left to send and no status is awaited any more.
    pub finished: bool,
    /// Rows that wait for another try, where some wait for so long that the process need not.
    pub waiting: Option<Waiting>,
    /// Whether the provider asked for a pause of the account that is too long to be waited for.
    pub paused: bool,
}

/// What can go wrong while working on a run, beyond what the outcomes of rows say.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The store failed.
    #[error("{0}")]
    Store(#[source] StoreError),
    /// A row that was rendered when the run was planned cannot be rendered now.
    #[error("row {row} can no longer be rendered: {problem}; nothing was sent for it")]
    Render {
        /// The row's number.
        row: crate::model::RowNo,
        /// Why.
        problem: Problem,
    },
    /// The provider could not be asked.
    #[error("the provider cannot be asked for statuses: {0}")]
    Unreachable(Problem),
    /// The provider asked to pause for longer than is waited for; nothing was asked.
    #[error("the provider asked to pause until {0}; no status was asked for")]
    Paused(Millis),
    /// The run's own message cannot be compiled: it was, when the run was planned.
    #[error("the run's frozen message cannot be compiled: {0}")]
    Frozen(String),
    /// No client could be made for the provider.
    #[error("{0}")]
    Client(#[source] crate::provider::SetupError),
    /// A task of ours failed: a defect.
    #[error("a defect in campaigner: {0}")]
    Defect(String),
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What is told of a task that panicked. Its own message may hold what a recipient's row says.
const PANICKED: &str = "a task panicked";

/// How long a count of the rows may hold up the first message.
const LONGEST_COUNT: Duration = Duration::from_millis(200);

/// Works on a planned run until it is done or stopped.
///
/// # Errors
/// Where the store fails or a row cannot be rendered. The run can be taken up again: what was in flight and could not
/// be recorded is then `uncertain`.
pub async fn work(job: Job, work: Work) -> Result<Ending, EngineError> {
    let job = Arc::new(job);
    let run = job.run.key;
    let mut writer = job.store.writer().await?;
    let uncertain = close_open_intents(&job.store, &job.run, &job.campaign, &mut writer).await?;
    if uncertain > 0 {
        (job.events)(Event::Said(format!(
            "{uncertain} message{} may or may not have been accepted when the run was cut off: uncertain, not sent again",
            if uncertain == 1 { "" } else { "s" },
        )));
    }
    let sends = matches!(work, Work::SendAndReconcile | Work::Send) && job.run.dispatched_at.is_none();
    mend::tries(&job, &mut writer).await?;
    if !sends {
        mend::polls(&job).await?;
    }
    orders::begin(&job, sends);
    if sends {
        writer.reach(run, Stage::Started, Millis::now()).await?;
        Point::SendingBegun.pass();
    }
    let gate = Arc::new(Gate::open(&job)?);
    if let Some(until) = job.keep_pause().await? {
        (job.events)(Event::Said(format!("the provider asked to pause; nothing is sent before {}", gate.local(until))));
    }
    if sends {
        gate.lay_out(&job, &mut writer).await?;
    }
    // Millions of rows are counted while messages are on their way already.
    let mut counting = job.store.begin_tally(&job.run).await?;
    let counted = tokio::time::timeout(LONGEST_COUNT, counting.done()).await.ok().transpose()?;
    if let Some(tally) = counted {
        (job.events)(Event::Planned(tally));
    }
    // A pass over the statuses that are due is no news: a service makes one every minute.
    let news = work != Work::ReconcileDue;
    if news {
        let open = counted.map(|tally| tally.sendable() - tally.settled());
        tracing::info!(run = %job.run.id, ?work, rows = counted.map(|tally| tally.rows()), open, "begin");
    }

    let (recorder, queue) = Recorder::new();
    let (returned, returned_rows) = watch::channel(0);
    let recording = apart(record(job.clone(), writer, queue, Committed { returned }, Standing::new(counted, counting)));
    // Takes the recorder along: when the stages are over, no way into its queue is left, and it ends.
    let worked = &job;
    let stages = async move {
        // A long wait ends a round. Where statuses are awaited for longer than that, another one begins, and where the
        // campaign itself has rows wait for their time.
        while let Some(at) = round(worked, &gate, &recorder, returned_rows.clone(), work, sends).await? {
            let goes_on = work == Work::SendAndReconcile && worked.limit.is_none() && !worked.stop.ends_sending();
            if goes_on && gate.holds() {
                tokio::select! {
                    () = worked.wait_until(at) => {}
                    () = worked.stop.sending_ended() => {}
                }
            }
            if !goes_on || worked.clock.now() < at {
                return Ok(Some(at));
            }
        }
        Ok::<_, EngineError>(None)
    };
    let stages = async {
        tokio::pin!(stages);
        let failed = tokio::select! {
            done = &mut stages => return done,
            failed = orders::obey(worked) => unless_failed(&worked.stop, Err(failed)),
            failed = mend::polls_beside(worked, sends) => unless_failed(&worked.stop, Err(failed)),
        };
        // What is in flight comes back first.
        stages.await.and(failed)
    };
    let (recorded, worked) = tokio::join!(recording, stages);
    let mut writer = recorded??;
    let waits = worked?;
    Point::StatusesOver.pass();
    let ending = finish(&job, &mut writer, waits).await?;
    if news || ending.finished {
        let stopped = job.stop.ends_sending();
        tracing::info!(run = %job.run.id, finished = ending.finished, stopped, "end");
    }
    Ok(ending)
}

/// Sends what is due, and asks for statuses beside it and after it. Gives back until when the first of the rows waits
/// that are due so late that dispatch ended without them; then it returns at that time at the latest.
async fn round(
    job: &Arc<Job>,
    gate: &Arc<Gate>,
    recorder: &Recorder,
    returned: watch::Receiver<u64>,
    work: Work,
    sends: bool,
) -> Result<Option<Millis>, EngineError> {
    let (sending, still_sending) = watch::channel(sends);
    let (waits, mut waits_until) = watch::channel(None);
    let dispatch = async {
        let done = match sends {
            true => dispatch::dispatch(job, gate, recorder.clone(), returned).await,
            false => Ok(Left::Nothing),
        };
        if let Ok(Left::Waits(at)) = done {
            if work == Work::SendAndReconcile {
                let words = match gate.holds() {
                    true => "nothing may leave now; waiting (Ctrl-C stops, and the same command goes on)",
                    false => "what is left has to wait; it is sent then if statuses are still waited for",
                };
                (job.events)(Event::Said(format!("{words}: not before {}", gate.local(at))));
            }
            let _ = waits.send(Some(at));
        }
        (job.events)(Event::Dispatched);
        let _ = sending.send(false);
        unless_failed(&job.stop, done)
    };
    let reconcile = async {
        let done = match work {
            Work::ReconcileOnce => reconcile::once(job, recorder, false).await,
            Work::ReconcileDue => reconcile::once(job, recorder, true).await,
            _ => reconcile::reconcile(job, recorder, still_sending, work != Work::Send).await,
        };
        unless_failed(&job.stop, done)
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
        Left::Waits(at) => Some(at),
        Left::Nothing | Left::Stopped => None,
    })
}

/// Stops everything else where one part failed; the failure itself is told when all have come to an end.
fn unless_failed<T>(stop: &Stop, done: Result<T, EngineError>) -> Result<T, EngineError> {
    if done.is_err() {
        stop.stop(Reason::Halt(Problem::new("failed", "a part of campaigner failed")));
    }
    done
}

/// Works in a task of its own, so that what wakes it wakes nothing but it; ends with whoever waits for it.
///
/// # Errors
/// A panic in it.
async fn apart<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T, EngineError> {
    let mut task = JoinSet::new();
    task.spawn(work);
    let done = task.join_next().await.map(|done| done.map_err(|_| EngineError::Defect(PANICKED.to_owned())));
    done.unwrap_or_else(|| Err(EngineError::Defect("a task was never begun".to_owned())))
}

/// Runs the recorder; gives the writer back.
async fn record(
    job: Arc<Job>,
    mut writer: Writer,
    queue: Queue,
    committed: Committed,
    standing: Standing,
) -> Result<Writer, EngineError> {
    let stopping = Stopping { stop: job.stop.clone(), timeout: job.campaign.dispatch.timeout };
    let heard = (&job.events, &stopping);
    let recorded = recorder::record(&mut writer, (&job.store, &job.run), queue, committed, standing, heard).await;
    unless_failed(&job.stop, recorded.map_err(EngineError::Store))?;
    Ok(writer)
}

/// Closes the books of a crash: an intent without an outcome may or may not have been accepted. Nothing else is. Gives
/// back how many rows are uncertain for that. Only for the holder of the run's lock, before anything else is done.
///
/// # Errors
/// Where the store fails.
pub async fn close_open_intents(
    store: &Store,
    run: &Run,
    campaign: &Campaign,
    writer: &mut Writer,
) -> Result<usize, EngineError> {
    let open = store.open_intents(run.key).await?;
    if open.is_empty() {
        return Ok(0);
    }
    let now = Millis::now();
    let retry = RetryPolicy::default();
    let rules = Rules { dispatch: &campaign.dispatch, reconcile: &campaign.reconcile, retry: &retry };
    let settled = open
        .iter()
        .map(|(intent, tries, put_off)| {
            let tried = Tried { intent: *intent, tries: *tries, put_off: *put_off, doubted: true };
            rules.settle(tried, settle::interrupted(), now)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let uncertain = settled.iter().filter(|row| row.state == State::Uncertain).count();
    writer.commit(run.key, &crate::store::Batch { settled, ..Default::default() }).await?;
    Point::DoubtsCommitted.pass();
    Ok(uncertain)
}

/// Closes the sending of a run that was cancelled, and tells how it stands; `waits` is when sending goes on. Its end is
/// noted behind its reports.
async fn finish(job: &Job, writer: &mut Writer, waits: Option<Millis>) -> Result<Ending, EngineError> {
    if job.store.orders(job.run.key).await?.cancelled {
        // Nothing is in flight any more, whatever this process was doing when it was cancelled.
        writer.cancel_waiting(job.run.key).await?;
        writer.reach(job.run.key, Stage::Dispatched, Millis::now()).await?;
    }
    let run = job.store.run(Some(&job.run.id)).await?;
    let tally = job.store.tally(&run).await?;
    let sent = run.dispatched_at.is_some();
    let awaited = job.store.next_poll(run.key, Millis(i64::MIN)).await?.is_some();
    let finished = sent && !awaited;
    let mut waiting = if sent { None } else { job.store.waiting(run.key, job.clock.now()).await? };
    if let (false, Some(first)) = (sent, waits) {
        // Rows whose own time has come wait with all others for the gate.
        let last = waiting.map_or(first, |waiting| waiting.last.max(first));
        waiting = Some(Waiting { rows: tally.of(State::Pending), first, last });
    }
    let paused = job.pace.pause_beyond(dispatch::LONGEST_WAIT).is_some();
    Ok(Ending { reason: job.stop.reason(), tally, finished, waiting, paused })
}
