//! `/webhook/meta/NAME`: the webhooks of Meta. GET answers the verification that Meta asks for when a person enters the
//! URL in its settings; POST takes events.
//!
//! A call is believed only with Meta's signature over its raw bytes. It may have up to 3 MB, so few are read at once.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use percent_encoding::percent_decode_str;
use secrecy::ExposeSecret;
use tokio::sync::Semaphore;

use super::body;
use super::response::{no_such_page, refused, text};
use super::token::Token;
use super::webhook::{keep, send_again};
use crate::cli::config::meta::MetaWebhook;
use crate::engine::WebhookQueue;
use crate::model::Millis;
use crate::provider;

/// The largest body, in bytes: Meta's limit is 3 MB ("Webhooks overview").
const MAX_BYTES: usize = 3 << 20;
/// The most calls being read at once, and the most large ones that wait to be stored.
const MAX_AT_ONCE: usize = 64;
/// A call of at most this many bytes leaves its place to others while it waits to be stored. The queue bounds these.
const SMALL: usize = 64 << 10;
/// The longest challenge. Meta's have ten digits.
const LONGEST_CHALLENGE: usize = 200;

/// Receives the webhooks of accounts at Meta.
#[derive(Clone)]
pub(in crate::cli) struct MetaWebhooks {
    accounts: Arc<[MetaWebhook]>,
    callbacks: WebhookQueue,
    reading: Arc<Semaphore>,
}

impl MetaWebhooks {
    pub(in crate::cli) fn new(accounts: Vec<MetaWebhook>, callbacks: WebhookQueue) -> Self {
        Self { accounts: accounts.into(), callbacks, reading: Arc::new(Semaphore::new(MAX_AT_ONCE)) }
    }

    fn account(&self, name: &str) -> Option<usize> {
        self.accounts.iter().position(|account| account.name == name)
    }
}

pub(super) fn routes(webhooks: MetaWebhooks) -> Router {
    Router::new().route("/webhook/meta/{name}", get(verify).post(take)).with_state(webhooks)
}

/// Answers `hub.challenge` if `hub.verify_token` is the account's.
async fn verify(State(webhooks): State<MetaWebhooks>, Path(name): Path<String>, request: Request) -> Response {
    let Some(account) = webhooks.account(&name).and_then(|place| webhooks.accounts.get(place)) else {
        return no_such_page();
    };
    let query = request.uri().query().unwrap_or_default();
    let value = |key: &str| {
        let pair = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(known, _)| *known == key);
        pair.map(|(_, value)| percent_decode_str(&value.replace('+', " ")).decode_utf8_lossy().into_owned())
    };
    let is_right = value("hub.verify_token")
        .is_some_and(|token| Token::of(account.verify_token.expose_secret().trim()).is(token.trim()));
    match value("hub.challenge") {
        _ if value("hub.mode").as_deref() != Some("subscribe") => no_such_page(),
        _ if !is_right => refused(StatusCode::FORBIDDEN, "the verify token is wrong"),
        Some(challenge) if challenge.len() <= LONGEST_CHALLENGE => text(StatusCode::OK, "text/plain", challenge),
        _ => refused(StatusCode::BAD_REQUEST, "`hub.challenge` is missing or too long"),
    }
}

async fn take(State(webhooks): State<MetaWebhooks>, Path(name): Path<String>, request: Request) -> Response {
    let Some(account) = webhooks.account(&name) else { return no_such_page() };
    let counts = &webhooks.callbacks.counts;
    // The place is taken before the body is read, so that the bodies being read are limited too.
    let (Ok(reading), Some(place)) = (webhooks.reading.try_acquire(), webhooks.callbacks.place()) else {
        counts.turned_away.fetch_add(1, Ordering::Relaxed);
        return send_again();
    };
    let signature = request.headers().get("x-hub-signature-256").and_then(|value| value.to_str().ok());
    let signature = signature.map(str::to_owned);
    let body = match body::read(request, MAX_BYTES).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let (accounts, bytes) = (webhooks.accounts.clone(), body.len());
    // A large body takes tens of milliseconds, during which other requests go on.
    let parsed = tokio::task::spawn_blocking(move || {
        let account = accounts.get(account)?;
        Some(provider::signed_callback(&body, signature.as_deref(), &account.receiver, Millis::now()))
    });
    let Ok(Some(parsed)) = parsed.await else { return send_again() };
    // What was parsed is about as large as the body.
    let _large = (bytes > SMALL).then_some(reading);
    keep(counts, place, bytes, parsed).await
}
