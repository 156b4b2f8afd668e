//! `GET /live` and `GET /live/ID`: the data of the page. The newest runs, without counting their rows, and one run as
//! `status` shows it, with its funnel.
//!
//! Counting the rows of a large run slows the run down. Runs that this service works on report their counts themselves.
//! Other runs are counted once for all viewers, and counting takes at most about a tenth of the time.

use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::app::{App, RunCounts, RunLook};
use super::response::{answer, failed};
use super::runs;
use crate::engine::{self, RunActivity};
use crate::model::{Millis, State as RowState, Tally};
use crate::report;
use crate::store::{Run, StoreError};

/// Runs listed.
const MAX_RUNS: u32 = 20;
/// How long an answer about a run is reused, at least.
const MIN_AGE: Duration = Duration::from_secs(1);
/// A count is reused for at least this many times as long as it took.
const COUNT_PAUSE_FACTOR: u32 = 10;
/// Runs whose answers are cached.
const MAX_CACHED: usize = 50;

pub(super) fn routes() -> Router<App> {
    let newest = |app, headers| live(app, None, headers);
    let one = |app, Path(id), headers| live(app, Some(id), headers);
    Router::new().route("/live", get(newest)).route("/live/{id}", get(one))
}

async fn live(State(app): State<App>, id: Option<String>, headers: HeaderMap) -> Response {
    let body = match newest_and_one(&app, id).await {
        Ok(body) => body,
        Err(error) => return failed(&error),
    };
    let digest: String = Sha256::digest(body.to_string()).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let etag = format!("\"{digest}\"");
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known == etag.as_str());
    let mut response = if known { StatusCode::NOT_MODIFIED.into_response() } else { answer(StatusCode::OK, &body) };
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn newest_and_one(app: &App, id: Option<String>) -> Result<Value, StoreError> {
    let newest = app.store.runs(MAX_RUNS).await?;
    let run = match id.map(|id| id.parse()) {
        None => newest.first().cloned(),
        Some(Err(_)) => None,
        Some(Ok(id)) => match app.store.run(Some(&id)).await {
            Ok(run) => Some(run),
            Err(StoreError::NoSuchRun(_)) => None,
            Err(error) => return Err(error),
        },
    };
    let shown = match &run {
        Some(run) => Some(shown(app, run).await?),
        None => None,
    };
    let line = async |run: &Run| {
        let tally = active_tally(app, run);
        let activity = RunActivity::of(&app.store, run, Millis::now()).await?;
        Ok::<_, StoreError>(json!({
            "run": run.id.to_string(), "stage": activity.name(), "created_at": run.created_at.to_string(),
            "settled": tally.map(|tally| tally.settled()), "sendable": tally.map(|tally| tally.sendable()),
        }))
    };
    let mut lines: Vec<Value> = Vec::new();
    for run in &newest {
        lines.push(line(run).await?);
    }
    Ok(json!({"runs": lines, "shown": shown}))
}

/// Returns the counts of a run that this service is working on.
fn active_tally(app: &App, run: &Run) -> Option<Tally> {
    let status = app.board.status();
    let seen = status.runs.get(&run.id.to_string())?;
    (seen.work.is_some() && seen.tally.rows() > 0).then_some(seen.tally)
}

/// Returns the counts of a run: those of this service while it works on the run, otherwise those of the store, which
/// may be a moment old.
pub(super) async fn tally(app: &App, run: &Run) -> Result<Tally, StoreError> {
    if let Some(tally) = active_tally(app, run) {
        return Ok(tally);
    }
    let answer = shown(app, run).await?;
    let mut tally = Tally::default();
    for state in RowState::ALL {
        tally.add(state, answer["states"][state.as_str()].as_u64().unwrap_or_default());
    }
    Ok(tally)
}

/// Returns one run. A request that arrives while the run is being counted waits for that count.
async fn shown(app: &App, run: &Run) -> Result<Value, StoreError> {
    let mut looks = app.looks.0.lock().await;
    let now = Instant::now();
    let activity = RunActivity::of(&app.store, run, Millis::now()).await?;
    let stage = activity.name();
    let last = looks.get(&run.key).filter(|look| look.stage == stage);
    if let Some(look) = last.filter(|look| now.duration_since(look.answered_at) < MIN_AGE) {
        return Ok(look.answer.clone());
    }
    let counts = match last.filter(|look| now < look.counts.good_until) {
        Some(look) => look.counts.clone(),
        None => {
            let tally = app.store.tally(run).await?;
            let details = engine::details(&app.store, run, &tally).await?;
            let pause = MIN_AGE.max(now.elapsed() * COUNT_PAUSE_FACTOR);
            RunCounts { tally, details, good_until: Instant::now() + pause }
        }
    };
    let tally = active_tally(app, run).unwrap_or(counts.tally);
    let rate = engine::rate_now(&app.store, run).await?;
    let answer = engine::status_of(run, &tally, &activity, &counts.details, rate)?;
    let mut answer = runs::add_service_state(app, run, answer).await?;
    answer["counts"] = json!({
        "accepted": tally.accepted(), "delivered": tally.delivered(), "read": tally.of(RowState::Read),
        "settled": tally.settled(), "sendable": tally.sendable(),
    });
    answer["over"] = (run.dispatched_at.is_some() || run.cancelled_at.is_some()).into();
    answer["funnel"] = report::funnel(&tally).map_err(|error| StoreError::Damaged(error.to_string()))?.into();
    answer["states_table"] = report::states(&tally).map_err(|error| StoreError::Damaged(error.to_string()))?.into();
    if app.store.can_be_joined() {
        answer["workers"] = engine::workers(&app.store, Some(&run.id)).await?.into();
    }
    if looks.len() >= MAX_CACHED {
        looks.clear();
    }
    looks.insert(run.key, RunLook { stage, answer: answer.clone(), answered_at: Instant::now(), counts });
    Ok(answer)
}
