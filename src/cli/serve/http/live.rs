//! `GET /live` and `GET /live/ID`: what the page shows. The newest runs, by what the store says of them without
//! counting, and one of them as `status` has it, with its funnel.
//!
//! Counting the rows of a large run takes its time, which is the run's. So what this service is at work on it knows
//! from the work itself; the rest is counted once for all who watch, and at most a tenth of the time.

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
use crate::engine;
use crate::model::{State as RowState, Tally};
use crate::report;
use crate::store::{Run, StoreError};

/// Runs that are listed.
const LISTED: u32 = 20;
/// What is told of a run is at most so old, where counting is quick.
const EVERY: Duration = Duration::from_secs(1);
/// Between two counts there is so many times as long as one takes.
const LEISURE: u32 = 10;
/// Runs that are kept in mind.
const KEPT: usize = 50;

pub(super) fn routes() -> Router<App> {
    let newest = |app, headers| live(app, None, headers);
    let one = |app, Path(id), headers| live(app, Some(id), headers);
    Router::new().route("/live", get(newest)).route("/live/{id}", get(one))
}

async fn live(State(app): State<App>, id: Option<String>, headers: HeaderMap) -> Response {
    let body = match told(&app, id).await {
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

async fn told(app: &App, id: Option<String>) -> Result<Value, StoreError> {
    let newest = app.store.runs(LISTED).await?;
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
    let line = |run: &Run| {
        let tally = active_tally(app, run);
        json!({
            "run": run.id.to_string(), "stage": engine::stage(run), "created_at": run.created_at.to_string(),
            "settled": tally.map(|tally| tally.settled()), "sendable": tally.map(|tally| tally.sendable()),
        })
    };
    Ok(json!({"runs": newest.iter().map(line).collect::<Vec<_>>(), "shown": shown}))
}

/// How the rows of a run stand that this service is at work on.
fn active_tally(app: &App, run: &Run) -> Option<Tally> {
    let words = app.board.words();
    let seen = words.runs.get(&run.id.to_string())?;
    (seen.work.is_some() && seen.tally.rows() > 0).then_some(seen.tally)
}

/// One run. Who asks while it is counted waits for that count.
async fn shown(app: &App, run: &Run) -> Result<Value, StoreError> {
    let mut looks = app.looks.0.lock().await;
    let (now, stage) = (Instant::now(), engine::stage(run));
    let last = looks.get(&run.key).filter(|look| look.stage == stage);
    if let Some(look) = last.filter(|look| now.duration_since(look.told_at) < EVERY) {
        return Ok(look.told.clone());
    }
    let counts = match last.filter(|look| now < look.counts.good_until) {
        Some(look) => look.counts.clone(),
        None => {
            let tally = app.store.tally(run).await?;
            let details = engine::details(&app.store, run, &tally).await?;
            let pause = EVERY.max(now.elapsed() * LEISURE);
            RunCounts { tally, details, good_until: Instant::now() + pause }
        }
    };
    let tally = active_tally(app, run).unwrap_or(counts.tally);
    let told = engine::told(run, &tally, &counts.details, engine::rate_now(&app.store, run).await?)?;
    let mut told = runs::with_the_service(app, run, told).await?;
    told["counts"] = json!({
        "accepted": tally.accepted(), "delivered": tally.delivered(), "read": tally.of(RowState::Read),
        "settled": tally.settled(), "sendable": tally.sendable(),
    });
    told["over"] = (run.dispatched_at.is_some() || run.cancelled_at.is_some()).into();
    told["funnel"] = report::funnel(&tally).map_err(|error| StoreError::Damaged(error.to_string()))?.into();
    told["states_table"] = report::states(&tally).map_err(|error| StoreError::Damaged(error.to_string()))?.into();
    if looks.len() >= KEPT {
        looks.clear();
    }
    looks.insert(run.key, RunLook { stage, told: told.clone(), told_at: Instant::now(), counts });
    Ok(told)
}
