//! `POST /runs/ID/pause`, `resume`, `cancel` and `rate`: control a run through the store, like the commands with these
//! names.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;

use super::app::App;
use super::response::{answer, failed, no_such_run, refused};
use super::{body, runs};
use crate::campaign_file;
use crate::cli::who;
use crate::engine;
use crate::model::{Millis, Rate, RunId};
use crate::store::{Run, StoreError};

/// The largest body of a request, in bytes.
const MAX_BYTES: usize = 4 * 1024;

/// A request to control a run.
enum Control {
    Pause,
    Resume,
    Cancel,
    Rate(Rate),
}

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/runs/{id}/pause", post(|app, id| control(app, id, Control::Pause)))
        .route("/runs/{id}/resume", post(|app, id| control(app, id, Control::Resume)))
        .route("/runs/{id}/cancel", post(|app, id| control(app, id, Control::Cancel)))
        .route("/runs/{id}/rate", post(rate))
}

/// The body is `{"rate": "40/s"}`.
async fn rate(app: State<App>, id: Path<String>, request: Request) -> Response {
    let body = match body::read(request, MAX_BYTES).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    match body["rate"].as_str().map(campaign_file::parse_rate) {
        Some(Ok(rate)) => control(app, id, Control::Rate(rate)).await,
        Some(Err(bad)) => refused(StatusCode::BAD_REQUEST, &bad.to_string()),
        None => refused(StatusCode::BAD_REQUEST, "`rate` is missing; send `{\"rate\": \"40/s\"}`"),
    }
}

async fn control(State(app): State<App>, Path(id): Path<String>, action: Control) -> Response {
    let id: RunId = match id.parse() {
        Ok(id) => id,
        Err(bad) => return no_such_run(&bad),
    };
    let run = match app.store.run(Some(&id)).await {
        Ok(run) => run,
        Err(error) => return failed(&error),
    };
    if run.dispatched_at.is_some() {
        return refused(StatusCode::CONFLICT, &format!("{id} has nothing left to send"));
    }
    let done = async {
        follow(&app, &run, action).await?;
        runs::run_json(&app, &app.store.run(Some(&id)).await?).await
    };
    match done.await {
        Ok(run) => answer(StatusCode::OK, &run),
        Err(error) => failed(&error),
    }
}

async fn follow(app: &App, run: &Run, action: Control) -> Result<(), StoreError> {
    match action {
        Control::Pause => app.store.pause(run.key, who::OVER_HTTP, Millis::now()).await?,
        Control::Rate(rate) => app.store.set_rate(run.key, rate, who::OVER_HTTP, Millis::now()).await?,
        Control::Resume => {
            app.store.entrust_to_service(run.key).await?;
            app.store.lift_pause(run.key).await?;
            // If the queue is full, the service still finds the run when it checks the store.
            let _ = app.resume_request.try_send(run.id.clone());
        }
        Control::Cancel => {
            engine::cancel(&app.store, run, who::OVER_HTTP).await?;
        }
    }
    Ok(())
}
