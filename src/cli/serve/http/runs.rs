//! `GET /runs`, `GET /runs/ID`, `GET /campaigns` and `GET /workers`: the state of runs, campaigns and workers.

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

/// Runs listed.
const MAX_RUNS: u32 = 50;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/runs", get(all))
        .route("/runs/{id}", get(one))
        .route("/campaigns", get(campaigns))
        .route("/workers", get(workers))
}

async fn workers(State(app): State<App>) -> Response {
    match engine::workers(&app.store, None).await {
        Ok(workers) => answer(StatusCode::OK, &json!({"workers": workers})),
        Err(error) => failed(&error),
    }
}

async fn all(State(app): State<App>) -> Response {
    match list(&app).await {
        Ok(runs) => answer(StatusCode::OK, &json!({"runs": runs})),
        Err(error) => failed(&error),
    }
}

async fn list(app: &App) -> Result<Vec<Value>, StoreError> {
    let mut runs = Vec::new();
    for run in app.store.runs(MAX_RUNS).await? {
        runs.push(run_json(app, &run).await?);
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
        run_json(&app, &run).await
    };
    match found.await {
        Ok(run) => answer(StatusCode::OK, &run),
        Err(error) => failed(&error),
    }
}

/// Returns a run as `status --json` prints it, with the state of the service, and without the uncertain rows, which are
/// personal data.
pub(super) async fn run_json(app: &App, run: &Run) -> Result<Value, StoreError> {
    let tally = app.store.tally(run).await?;
    add_service_state(app, run, engine::status(&app.store, run, &tally).await?).await
}

/// Adds what the service is doing with a run.
pub(super) async fn add_service_state(app: &App, run: &Run, mut answer: Value) -> Result<Value, StoreError> {
    let seen = app.board.status().runs.get(&run.id.to_string()).cloned().unwrap_or_default();
    answer["due_at"] = app.store.due_of(run.key).await?.map(|due| due.to_string()).into();
    answer["work"] = seen.work.into();
    answer["halted"] = seen.halted.into();
    Ok(answer)
}

async fn campaigns(State(app): State<App>) -> Response {
    let status = app.board.status();
    let campaigns: Vec<Value> = status
        .campaigns
        .iter()
        .map(|(name, campaign)| {
            json!({
                "campaign": name, "file": campaign.file, "schedule": campaign.rule,
                "next_at": campaign.next.map(|at| at.to_string()), "trouble": campaign.trouble,
            })
        })
        .collect();
    let wrong: Vec<Value> = status.wrong.iter().map(|(file, words)| json!({"file": file, "problem": words})).collect();
    answer(StatusCode::OK, &json!({"campaigns": campaigns, "wrong": wrong}))
}
