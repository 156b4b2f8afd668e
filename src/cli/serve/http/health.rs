//! `GET /healthz`: whether the service is healthy, for process supervisors. Never needs a token.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde_json::json;

use super::app::App;
use super::response::{answer, refused};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/healthz", get(health))
}

async fn health(State(app): State<App>) -> Response {
    match app.board.is_healthy() {
        true => answer(StatusCode::OK, &json!({"status": "ok"})),
        false => refused(StatusCode::SERVICE_UNAVAILABLE, "the service has not checked its store for a minute"),
    }
}
