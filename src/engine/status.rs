//! How a run stands, as data: the same for a terminal, for JSON and for HTTP.

use std::time::Duration;

use serde_json::{Value, json};

use crate::campaign_file;
use crate::model::{Campaign, Dispatch, Millis, State, Tally};
use crate::provider;
use crate::store::{Run, Store, StoreError};

/// Kinds of errors told.
const ERRORS: u32 = 10;

/// The campaign a run was frozen with, at the rate that a person gave the run since, where one did.
///
/// # Errors
/// Where it cannot be read.
pub fn thaw(run: &Run) -> Result<Campaign, StoreError> {
    let mut campaign =
        campaign_file::thaw(&run.campaign).map_err(|error| StoreError::Damaged(format!("{}: {}", run.id, error)))?;
    if let Some((rate, per)) = run.rate {
        (campaign.dispatch.rate, campaign.dispatch.per) = (rate, per);
    }
    Ok(campaign)
}

/// Where a run stands in its life, in a word or three.
#[must_use]
pub fn stage(run: &Run) -> &'static str {
    match run {
        Run { planned_at: None, cancelled_at: None, .. } => "importing",
        Run { cancelled_at: Some(_), .. } => "cancelled",
        Run { finished_at: Some(_), .. } => "finished",
        Run { dispatched_at: Some(_), .. } => "awaiting statuses",
        Run { paused_at: Some(_), .. } => "paused",
        Run { started_at: Some(_), .. } => "sending",
        Run { .. } => "ready",
    }
}

/// Rows settled a second since dispatch began, and the time the rest takes at that speed; `None` when nothing is being
/// sent, or nothing was yet.
#[must_use]
pub fn speed(run: &Run, campaign: &Campaign, tally: &Tally) -> Option<(f64, Duration)> {
    if run.dispatched_at.is_some() || run.cancelled_at.is_some() || run.paused_at.is_some() {
        return None;
    }
    let elapsed = Millis::now().since(run.started_at?).as_secs_f64();
    let most = f64::from(campaign.dispatch.rate.get()) / campaign.dispatch.per.as_secs_f64();
    let rate = (tally.settled() as f64 / elapsed.max(0.001)).min(most);
    let left = (tally.of(State::Pending) + tally.of(State::Sending)) as f64;
    (rate > 0.0).then(|| (rate, Duration::from_secs_f64((left / rate).min(1e9))))
}

/// Everything about how a run stands that holds no personal data.
///
/// # Errors
/// Where the store cannot be read.
pub async fn status(store: &Store, run: &Run, tally: &Tally) -> Result<Value, StoreError> {
    let campaign = thaw(run)?;
    let states: serde_json::Map<String, Value> =
        State::ALL.into_iter().map(|state| (state.to_string(), tally.of(state).into())).collect();
    let errors: Vec<_> = store
        .problems(run, ERRORS)
        .await?
        .into_iter()
        .map(|(code, rows, sample)| {
            json!({"code": code, "rows": rows, "sample": sample, "what_to_do": provider::advice(&code)})
        })
        .collect();
    let speed = speed(run, &campaign, tally);
    let time = |at: Option<Millis>| at.map(|at| at.to_string());
    let waiting = store.waiting(run.key, Millis::now()).await?.map(|waiting| {
        json!({"rows": waiting.rows, "first_at": waiting.first.to_string(), "last_at": waiting.last.to_string()})
    });
    let replies = store.replies_counted(run).await?;
    Ok(json!({
        "run": run.id.to_string(), "campaign": run.id.name(), "provider": campaign.provider,
        "channel": campaign.channel.as_str(), "stage": stage(run),
        "created_at": run.created_at.to_string(), "started_at": time(run.started_at),
        "dispatched_at": time(run.dispatched_at), "finished_at": time(run.finished_at),
        "cancelled_at": time(run.cancelled_at), "paused_at": time(run.paused_at),
        "rows": tally.rows(), "states": states, "polls": run.polls,
        "rate": speed.map(|(rate, _)| rate), "eta_seconds": speed.map(|(_, left)| left.as_secs()),
        "waiting": waiting, "errors": errors, "replies": replies,
    }))
}

/// How long it takes to send so many rows where nothing holds them up.
#[must_use]
pub fn time_to_send(rows: u64, dispatch: &Dispatch) -> Duration {
    dispatch.per.mul_f64((rows as f64 / f64::from(dispatch.rate.get())).min(1e9))
}
