//! `POST /webhook/SECRET`: the webhooks of INCS. Also `POST /webhook` with `Authorization: Bearer SECRET`.
//! `meta_webhook` has those of Meta.
//!
//! 200 means that the webhook is stored durably, or not needed. 503 means that the provider must send it again. The
//! content of a webhook is never logged.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::post;
use serde_json::json;

use super::body;
use super::response::{answer, no_such_page, refused};
use super::token::Token;
use crate::engine::{QueuePlace, WebhookCounts, WebhookQueue};
use crate::model::Millis;
use crate::provider::{self, BadCallback, Callback};

/// Receives webhooks.
#[derive(Clone)]
pub(in crate::cli) struct Webhook {
    pub(in crate::cli) secret: Token,
    pub(in crate::cli) callbacks: WebhookQueue,
}

/// The largest body, in bytes. The webhooks in the documents of INCS have less than 2,000.
const MAX_BYTES: usize = 256 * 1024;

/// How long a webhook waits to be stored before the provider is asked to send it again.
const STORE_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) fn routes(webhook: Webhook) -> Router {
    Router::new().route("/webhook/{secret}", post(by_path)).route("/webhook", post(by_header)).with_state(webhook)
}

async fn by_path(State(webhook): State<Webhook>, Path(secret): Path<String>, request: Request) -> Response {
    match webhook.secret.is(&secret) {
        true => webhook.take(request).await,
        // A wrong secret looks like a page that does not exist.
        false => no_such_page(),
    }
}

async fn by_header(State(webhook): State<Webhook>, request: Request) -> Response {
    match webhook.secret.is_in(request.headers()) {
        true => webhook.take(request).await,
        false => {
            let words = "the secret is missing or wrong; send it as `Authorization: Bearer SECRET`";
            refused(StatusCode::UNAUTHORIZED, words)
        }
    }
}

impl Webhook {
    async fn take(&self, request: Request) -> Response {
        let counts = &self.callbacks.counts;
        // The place is taken before the body is read, so that the bodies being read are limited too.
        let Some(place) = self.callbacks.place() else {
            counts.turned_away.fetch_add(1, Ordering::Relaxed);
            return send_again();
        };
        match body::read(request, MAX_BYTES).await {
            Ok(body) => keep(counts, place, body.len(), provider::callback(&body, Millis::now())).await,
            Err(refused) => refused,
        }
    }
}

/// Answers a webhook once what it says is on the disk.
pub(super) async fn keep(
    counts: &WebhookCounts,
    place: QueuePlace<'_>,
    bytes: usize,
    parsed: Result<Callback, BadCallback>,
) -> Response {
    let callback = match parsed {
        Ok(callback) if callback.is_empty() => {
            counts.unused.fetch_add(1, Ordering::Relaxed);
            return taken();
        }
        Ok(callback) => callback,
        Err(bad) => {
            counts.unreadable.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(%bad, bytes, "unreadable webhook");
            let status = if bad == BadCallback::Unsigned { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
            return refused(status, &bad.to_string());
        }
    };
    match tokio::time::timeout(STORE_TIMEOUT, place.take(callback)).await {
        Ok(Ok(())) => taken(),
        _ => {
            counts.turned_away.fetch_add(1, Ordering::Relaxed);
            send_again()
        }
    }
}

fn taken() -> Response {
    answer(StatusCode::OK, &json!({"status": "taken"}))
}

/// Asks the provider to send the webhook again.
pub(super) fn send_again() -> Response {
    let mut response = refused(StatusCode::SERVICE_UNAVAILABLE, "too many webhooks at once; send this one again");
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}
