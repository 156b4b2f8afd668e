//! HTTP responses, shared by all routes.

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use crate::model::BadRunId;
use crate::store::StoreError;
use crate::text::escaped_json;

pub(super) fn no_such_page() -> Response {
    refused(StatusCode::NOT_FOUND, "no such page")
}

/// Returns a JSON response.
pub(super) fn answer(status: StatusCode, body: &Value) -> Response {
    text(status, "application/json", format!("{}\n", escaped_json(&body.to_string())))
}

pub(super) fn refused(status: StatusCode, words: &str) -> Response {
    answer(status, &json!({"error": words}))
}

pub(super) fn text(status: StatusCode, kind: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}

/// Returns the response for an error of the store.
pub(super) fn failed(error: &StoreError) -> Response {
    let status = match error {
        StoreError::NoSuchRun(_) | StoreError::NoRun => StatusCode::NOT_FOUND,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    refused(status, &error.to_string())
}

/// Returns the response for a path with an invalid run id.
pub(super) fn no_such_run(bad: &BadRunId) -> Response {
    refused(StatusCode::NOT_FOUND, &bad.to_string())
}
