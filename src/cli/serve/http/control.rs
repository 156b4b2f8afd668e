//! `POST /runs/ID/pause`, `resume`, `cancel` and `rate`: what people want of a run, through the store, as the commands
//! of these names do it.

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
use crate::engine::{self, EngineError};
use crate::model::{Millis, RunId};
use crate::store::{Rate, Run, StoreError};

/// Something that is wanted of a run.
enum Order {
    Pause,
    Resume,
    Cancel,
    Rate(Rate),
}

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/runs/{id}/pause", post(|app, id| order(app, id, Order::Pause)))
        .route("/runs/{id}/resume", post(|app, id| order(app, id, Order::Resume)))
        .route("/runs/{id}/cancel", post(|app, id| order(app, id, Order::Cancel)))
        .route("/runs/{id}/rate", post(rate))
}

/// The body is `{"rate": "40/s"}`.
async fn rate(app: State<App>, id: Path<String>, request: Request) -> Response {
    let body = match body::read(request).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    match body["rate"].as_str().map(campaign_file::parse_rate) {
        Some(Ok(rate)) => order(app, id, Order::Rate(rate)).await,
        Some(Err(bad)) => refused(StatusCode::BAD_REQUEST, &bad.to_string()),
        None => refused(StatusCode::BAD_REQUEST, "send `{\"rate\": \"40/s\"}`"),
    }
}

async fn order(State(app): State<App>, Path(id): Path<String>, order: Order) -> Response {
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
        follow(&app, &run, order).await?;
        runs::told(&app, &app.store.run(Some(&id)).await?).await
    };
    match done.await {
        Ok(told) => answer(StatusCode::OK, &told),
        Err(error) => failed(&error),
    }
}

async fn follow(app: &App, run: &Run, order: Order) -> Result<(), StoreError> {
    match order {
        Order::Pause => app.store.pause(run.key, who::OVER_HTTP, Millis::now()).await?,
        Order::Rate(rate) => app.store.set_rate(run.key, rate, who::OVER_HTTP, Millis::now()).await?,
        Order::Resume => {
            app.store.lift_pause(run.key).await?;
            // A service that is too busy for the request finds the run on its own.
            let _ = app.resume_request.try_send(run.id.clone());
        }
        Order::Cancel => match engine::cancel(&app.store, run, who::OVER_HTTP).await {
            Ok(_) => {}
            Err(EngineError::Store(error)) => return Err(error),
            Err(error) => return Err(StoreError::Damaged(error.to_string())),
        },
    }
    Ok(())
}
