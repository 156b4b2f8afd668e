//! The status of a run as data: the same for a terminal, for JSON and for HTTP.

use std::time::Duration;

use serde_json::{Value, json};

use crate::engine::activity::{RunActivity, all_wait_until};
use crate::engine::job::thaw;
use crate::model::{Campaign, Dispatch, Millis, RunId, State, Tally};
use crate::provider;
use crate::store::{ProblemCount, Run, Store, StoreError, Waiting, WorkerAtWork};

/// Maximum number of error codes reported.
const MAX_ERRORS: u32 = 10;
/// The current rate is measured over this time.
const RATE_PERIOD: Duration = Duration::from_secs(10);

/// Returns the rows settled per second since dispatch started, and the time the rest takes at that rate. `None` if
/// nothing is being sent, or nothing was sent yet.
#[must_use]
pub fn speed(run: &Run, campaign: &Campaign, tally: &Tally) -> Option<(f64, Duration)> {
    let elapsed = Millis::now().since(sending_since(run)?).as_secs_f64();
    let most = f64::from(campaign.dispatch.rate.get()) / campaign.dispatch.per.as_secs_f64();
    let rate = tally.settled() as f64 / elapsed.max(0.001);
    let left = tally.unsettled() as f64;
    // The rest is sent no faster than the current rate, which may differ from the initial one.
    (rate > 0.0).then(|| (rate, Duration::from_secs_f64((left / rate.min(most)).min(1e9))))
}

/// Returns when the current sending started; `None` if nothing is being sent.
fn sending_since(run: &Run) -> Option<Millis> {
    let over = run.dispatched_at.is_some() || run.cancelled_at.is_some() || run.paused_at.is_some();
    run.started_at.filter(|_| !over)
}

/// Returns the rows settled per second over the last seconds; `None` if nothing is being sent. The cost does not depend
/// on the size of the run.
///
/// # Errors
/// When the store cannot be read.
pub async fn rate_now(store: &Store, run: &Run) -> Result<Option<f64>, StoreError> {
    let Some(began) = sending_since(run) else { return Ok(None) };
    let now = Millis::now();
    let since = began.max(now.minus(RATE_PERIOD));
    let rows = store.settled_since(run, since).await?;
    Ok(Some(rows as f64 / now.since(since).as_secs_f64().max(1.0)))
}

/// The parts of a status that need a query over the rows: problems, waiting rows and replies.
#[derive(Clone, Debug)]
pub struct Details {
    errors: Vec<Value>,
    contradicted: u64,
    double_sends: u64,
    waiting: Option<Value>,
    replies: Value,
    /// Replies to decide about, in the whole store.
    possible_opt_outs: u64,
    /// The end of the pause that the provider asked for.
    pause: Option<Millis>,
}

/// Returns the whole status of a run, without personal data.
///
/// # Errors
/// When the store cannot be read.
pub async fn status(store: &Store, run: &Run, tally: &Tally) -> Result<Value, StoreError> {
    let activity = RunActivity::of(store, run, Millis::now()).await?;
    let mut status = status_of(run, tally, &activity, &details(store, run, tally).await?, rate_now(store, run).await?)?;
    if store.can_be_joined() {
        status["workers"] = workers(store, Some(&run.id)).await?.into();
    }
    Ok(status)
}

/// Returns the workers at work as JSON: of one run, or of all.
///
/// # Errors
/// When the store cannot be read.
pub async fn workers(store: &Store, run: Option<&RunId>) -> Result<Vec<Value>, StoreError> {
    let mut workers = store.workers().await?;
    workers.retain(|worker| run.is_none_or(|run| worker.run == *run));
    let answer = |worker: &WorkerAtWork| {
        json!({
            "run": worker.run.to_string(),
            "worker": worker.worker,
            "owner": !worker.is_joined,
            "host": worker.host,
            "pid": worker.pid,
            "since": worker.since.to_string(),
            "silent_ms": u64::try_from(worker.silent_for.as_millis()).unwrap_or(u64::MAX),
            "in_flight": worker.in_flight,
            "sent": worker.claimed,
            "share_percent": worker.share(&workers).map(|share| (share * 10.0).round() / 10.0),
        })
    };
    Ok(workers.iter().map(answer).collect())
}

/// Returns the waiting rows: each waits for its own time, or all wait for the send window or for another day.
///
/// # Errors
/// When the store or the stored campaign cannot be read.
pub async fn waiting(store: &Store, run: &Run, tally: &Tally) -> Result<Option<Waiting>, StoreError> {
    let now = Millis::now();
    let waiting = store.waiting(run.key, now).await?;
    if run.dispatched_at.is_some() || run.cancelled_at.is_some() {
        return Ok(waiting);
    }
    let Some((until, _)) = all_wait_until(store, run, &thaw(run)?.timing, now).await? else { return Ok(waiting) };
    let last = waiting.map_or(until, |waiting| waiting.last.max(until));
    let rows = tally.of(State::Pending);
    Ok((rows > 0).then_some(Waiting { rows, first: until, last }))
}

/// Reads what [`status_of`] needs besides the counts.
///
/// # Errors
/// When the store cannot be read.
pub async fn details(store: &Store, run: &Run, tally: &Tally) -> Result<Details, StoreError> {
    let api = thaw(run)?.api;
    let errors = store
        .problems(run, MAX_ERRORS)
        .await?
        .into_iter()
        .map(|ProblemCount { code, rows, sample, of_list }| {
            // A problem of an input row quotes the row.
            let sample = (!of_list).then(|| sample.to_string());
            json!({"code": code, "rows": rows, "sample": sample, "what_to_do": provider::advice(api, &code)})
        })
        .collect();
    let waiting = waiting(store, run, tally).await?.map(|waiting| {
        json!({"rows": waiting.rows, "first_at": waiting.first.to_string(), "last_at": waiting.last.to_string()})
    });
    let replies = store.replies_counted(run).await?;
    let contradicted = store.contradicted(run).await?;
    let double_sends = store.double_sends(run).await?;
    let possible_opt_outs = store.count_possible_opt_outs().await?;
    let pause = provider_pause(store, run).await?;
    Ok(Details { errors, contradicted, double_sends, waiting, replies: json!(replies), possible_opt_outs, pause })
}

/// Returns the end of the pause that the provider asked for, if the run still has something to send.
///
/// # Errors
/// When the store cannot be read.
pub async fn provider_pause(store: &Store, run: &Run) -> Result<Option<Millis>, StoreError> {
    match run.dispatched_at.or(run.cancelled_at) {
        Some(_) => Ok(None),
        None => store.provider_pause(&thaw(run)?.provider, Millis::now()).await,
    }
}

/// Builds the same object as [`status`] from data already read.
///
/// # Errors
/// When the stored campaign cannot be read.
pub fn status_of(
    run: &Run,
    tally: &Tally,
    activity: &RunActivity,
    details: &Details,
    rate_now: Option<f64>,
) -> Result<Value, StoreError> {
    let campaign = thaw(run)?;
    let Details { errors, contradicted, double_sends, waiting, replies, possible_opt_outs, pause } = details;
    let states: serde_json::Map<String, Value> =
        State::ALL.into_iter().map(|state| (state.to_string(), tally.of(state).into())).collect();
    let is_sending = *activity == RunActivity::Sending;
    let speed = speed(run, &campaign, tally).filter(|_| is_sending && pause.is_none());
    let rate_now = rate_now.filter(|_| is_sending);
    let time = |at: Option<Millis>| at.map(|at| at.to_string());
    Ok(json!({
        "run": run.id.to_string(), "campaign": run.id.name(), "provider": campaign.provider,
        "channel": campaign.channel.as_str(), "stage": activity.name(), "stage_details": activity.details(&run.id, "campaigner"),
        "created_at": run.created_at.to_string(), "started_at": time(run.started_at),
        "dispatched_at": time(run.dispatched_at), "finished_at": time(run.finished_at),
        "cancelled_at": time(run.cancelled_at), "paused_at": time(run.paused_at),
        "paused_by": run.paused_by, "stopped_at": time(run.stopped_at), "stopped_why": run.stopped_why,
        "provider_pause_until": time(*pause), "purged_at": time(run.purged_at), "purged_by": run.purged_by,
        "rows": tally.rows(), "states": states, "unreported": tally.unreported(), "polls": run.polls,
        "rate": speed.map(|(rate, _)| rate), "rate_now": rate_now, "eta_seconds": speed.map(|(_, left)| left.as_secs()),
        "waiting": waiting, "errors": errors, "contradicted": contradicted, "double_sends": double_sends, "replies": replies,
        "possible_opt_outs": possible_opt_outs,
    }))
}

/// Returns how long it takes to send this many rows if nothing delays them.
#[must_use]
pub fn time_to_send(rows: u64, dispatch: &Dispatch) -> Duration {
    dispatch.per.mul_f64((rows as f64 / f64::from(dispatch.rate.get())).min(1e9))
}
