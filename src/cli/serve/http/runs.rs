//! `GET /runs`, `GET /runs/ID` and `GET /campaigns`: how everything stands.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use super::app::App;
use super::response::{answer, failed, no_such_run};
use crate::engine;
use crate::model::RunId;
use crate::store::{Run, StoreError};

/// Runs that are listed.
const LISTED: u32 = 50;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/runs", get(all)).route("/runs/{id}", get(one)).route("/campaigns", get(campaigns))
}

async fn all(State(app): State<App>) -> Response {
    match list(&app).await {
        Ok(runs) => answer(StatusCode::OK, &json!({"runs": runs})),
        Err(error) => failed(&error),
    }
}

async fn list(app: &App) -> Result<Vec<Value>, StoreError> {
    let mut runs = Vec::new();
    for run in app.store.runs(LISTED).await? {
        runs.push(told(app, &run).await?);
    }
    Ok(runs)
}

async fn one(State(app): State<App>, Path(id): Path<String>) -> Response {
    let id: RunId = match id.parse() {
        Ok(id) => id,
        Err(bad) => return no_such_run(&bad),
    };
    let found = async {
        let run = app.store.run(Some(&id)).await?;
        told(&app, &run).await
    };
    match found.await {
        Ok(run) => answer(StatusCode::OK, &run),
        Err(error) => failed(&error),
    }
}

/// A run as `status --json` tells it, with what the service does with it, and without its uncertain rows, which are
/// personal data.
pub(super) async fn told(app: &App, run: &Run) -> Result<Value, StoreError> {
    let tally = app.store.tally(run).await?;
    with_the_service(app, run, engine::status(&app.store, run, &tally).await?).await
}

/// Adds what the service does with a run.
pub(super) async fn with_the_service(app: &App, run: &Run, mut told: Value) -> Result<Value, StoreError> {
    let seen = app.board.words().runs.get(&run.id.to_string()).cloned().unwrap_or_default();
    told["due_at"] = app.store.due_of(run.key).await?.map(|due| due.to_string()).into();
    told["work"] = seen.work.into();
    told["halted"] = seen.halted.into();
    Ok(told)
}

async fn campaigns(State(app): State<App>) -> Response {
    let words = app.board.words();
    let campaigns: Vec<Value> = words
        .campaigns
        .iter()
        .map(|(name, campaign)| {
            json!({
                "campaign": name, "file": campaign.file, "schedule": campaign.rule,
                "next_at": campaign.next.map(|at| at.to_string()), "trouble": campaign.trouble,
            })
        })
        .collect();
    let wrong: Vec<Value> = words.wrong.iter().map(|(file, words)| json!({"file": file, "problem": words})).collect();
    answer(StatusCode::OK, &json!({"campaigns": campaigns, "wrong": wrong}))
}
