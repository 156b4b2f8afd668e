//! Answers the requests of the INCS Messages API, and applies the configured faults.
//!
//! Stores no messages: what a status answer needs is in the message ids.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::response::Response;
use percent_encoding::percent_decode_str;

use super::refusal::Refusal;
use super::responses::{self, StatusEntry};
use super::rules;
use crate::model::{Channel, Millis};
use crate::simulator::behaviour::{Behaviour, LostResponse};
use crate::simulator::counts::{Counters, count};
use crate::simulator::listener::Disconnector;
use crate::simulator::message_id::SimulatedMessage;
use crate::simulator::sends::Sends;
use crate::simulator::webhooks::WebhookScheduler;

/// Largest body that is accepted, in bytes.
const MAX_BODY: usize = 1 << 20;
/// Largest body that is read to its end, in bytes, so that a client that sends too much still gets an answer.
const MAX_READ: usize = 8 * MAX_BODY;
/// Most ids in one status request, by the documents.
const MAX_IDS: usize = 100;

const BASE: &str = "/external/messages/";
const CREDENTIAL: &str = "certification-code";

/// The simulated INCS Messages API.
pub(in crate::simulator) struct IncsServer {
    sends: Sends,
    webhooks: Option<WebhookScheduler>,
    counters: Arc<Counters>,
}

/// An accepted message, and whether its sender learns of it.
struct Accepted {
    id: String,
    lost_response: Option<LostResponse>,
}

impl IncsServer {
    pub(in crate::simulator) fn new(
        behaviour: Behaviour,
        webhooks: Option<WebhookScheduler>,
        counters: Arc<Counters>,
    ) -> Self {
        Self { sends: Sends::new(behaviour), webhooks, counters }
    }

    /// Answers one request.
    pub(in crate::simulator) async fn answer(&self, head: &Parts, body: Body, disconnector: &Disconnector) -> Response {
        let route = head.uri.path().strip_prefix(BASE).unwrap_or_default();
        match (Channel::from_name(route), &head.method) {
            (Some(channel), &Method::POST) => self.send(channel, &head.headers, body, disconnector).await,
            (None, &Method::GET) if route == "status" => self.status(&head.headers, head.uri.query()),
            _ => self.refuse(&Refusal::NOT_FOUND),
        }
    }

    async fn send(&self, channel: Channel, headers: &HeaderMap, body: Body, disconnector: &Disconnector) -> Response {
        let result = self.accept(channel, headers, body).await.inspect_err(|refusal| self.count_refusal(refusal));
        if !self.sends.behaviour.latency.is_zero() {
            tokio::time::sleep(self.sends.behaviour.latency).await;
        }
        match result {
            Err(refusal) => responses::refused(&refusal),
            Ok(Accepted { id, lost_response: None }) => responses::accepted(&id),
            Ok(Accepted { lost_response: Some(lost), .. }) => {
                if lost == LostResponse::Hung {
                    // The server cancels this wait when the client closes the connection.
                    tokio::time::sleep(Behaviour::MAX_HANG).await;
                }
                disconnector.disconnect();
                // Never sent: writing to the connection fails.
                Response::default()
            }
        }
    }

    async fn accept(&self, channel: Channel, headers: &HeaderMap, body: Body) -> Result<Accepted, Refusal> {
        // The body is read even if the request is refused, so that the connection can be used again.
        let body = axum::body::to_bytes(body, MAX_READ).await;
        check_credential(headers)?;
        let (draw, serial) = self.sends.admit().ok_or(Refusal::TOO_MANY)?;
        if draw.is_error {
            return Err(Refusal::SERVER_ERROR);
        }
        let body = body.ok().filter(|body| body.len() <= MAX_BODY);
        let body = body.ok_or_else(|| Refusal::parameter("The request body is too large."))?;
        check_content_type(headers)?;
        rules::validate(channel, &body)?;
        count(&self.counters.accepted);

        let message = self.sends.message(&draw, serial);
        let id = message.id(channel);
        if let Some(webhooks) = &self.webhooks {
            webhooks.schedule(&id, &message, &body);
        }
        match draw.lost_response {
            Some(LostResponse::Hung) => count(&self.counters.hung),
            Some(LostResponse::Dropped) => count(&self.counters.dropped),
            None => {}
        }
        Ok(Accepted { id, lost_response: draw.lost_response })
    }

    fn status(&self, headers: &HeaderMap, query: Option<&str>) -> Response {
        let ids = match check_credential(headers).and_then(|()| requested_ids(query.unwrap_or_default())) {
            Ok(ids) => ids,
            Err(refusal) => return self.refuse(&refusal),
        };
        let now = Millis::now();
        let entry = |id| Some(StatusEntry::new(id, SimulatedMessage::from_id(id)?.status_at(now)));
        let entries: Vec<StatusEntry<'_>> = ids.split(',').filter_map(entry).collect();
        count(&self.counters.polls);
        self.counters.ids_polled.fetch_add(ids.split(',').count() as u64, Ordering::Relaxed);
        responses::statuses(&entries)
    }

    fn refuse(&self, refusal: &Refusal) -> Response {
        self.count_refusal(refusal);
        responses::refused(refusal)
    }

    fn count_refusal(&self, refusal: &Refusal) {
        count(match refusal.code {
            429 => &self.counters.throttled,
            500 => &self.counters.errors,
            _ => &self.counters.refused,
        });
    }
}

/// Checks that there is a credential; any will do.
fn check_credential(headers: &HeaderMap) -> Result<(), Refusal> {
    match headers.get(CREDENTIAL) {
        Some(value) if !value.as_bytes().trim_ascii().is_empty() => Ok(()),
        _ => Err(Refusal::CREDENTIAL),
    }
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    match media_type.eq_ignore_ascii_case("application/json") {
        true => Ok(()),
        false => Err(Refusal::parameter("The Content-Type must be application/json.")),
    }
}

/// Returns the decoded `message_ids` of a query. A raw `+` is a space, as in every query: a client that does not encode
/// its ids gets no status for some of them.
fn requested_ids(query: &str) -> Result<Cow<'_, str>, Refusal> {
    let raw = query.split('&').find_map(|pair| pair.strip_prefix("message_ids=")).unwrap_or_default();
    if raw.is_empty() {
        return Err(Refusal::parameter("The message_ids field is required."));
    }
    let ids = if raw.contains('+') {
        percent_decode_str(&raw.replace('+', " ")).decode_utf8().map(|ids| Cow::Owned(ids.into_owned()))
    } else {
        percent_decode_str(raw).decode_utf8()
    };
    match ids {
        Ok(ids) if ids.split(',').count() <= MAX_IDS => Ok(ids),
        Ok(_) => Err(Refusal::parameter(format!("The message_ids field must not have more than {MAX_IDS} ids."))),
        Err(_) => Err(Refusal::parameter("The message_ids field is not UTF-8.")),
    }
}
