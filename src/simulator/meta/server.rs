//! Answers the requests of Meta's Cloud API, and applies the configured faults.

use std::sync::Arc;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use super::account::{Admission, MetaAccountState};
use super::events::MetaEvent;
use crate::model::{Channel, Millis};
use crate::simulator::behaviour::{Behaviour, LostResponse};
use crate::simulator::counts::{Counters, count};
use crate::simulator::listener::Disconnector;
use crate::simulator::sends::Sends;
use crate::simulator::webhooks::WebhookScheduler;

/// Largest body that is read, in bytes.
const MAX_BODY: usize = 1 << 20;

/// The simulated Cloud API.
pub(in crate::simulator) struct MetaServer {
    sends: Sends,
    account: MetaAccountState,
    webhooks: Option<WebhookScheduler>,
    counters: Arc<Counters>,
}

/// A refusal: the HTTP status, Meta's code and its words.
type Refusal = (u16, u32, &'static str);

const TOKEN: Refusal = (401, 190, "Error validating access token");
const PARAMETER: Refusal = (400, 100, "Invalid parameter");
const THROTTLED: Refusal = (400, 130_429, "(#130429) Rate limit hit");
const PAUSED: Refusal = (400, 132_015, "(#132015) Template is paused");
const FAILED: Refusal = (500, 131_000, "(#131000) Something went wrong");

/// Whether a request is for the Graph API: `/NUMBER_ID`, `/NUMBER_ID/messages`, `/NUMBER_ID/marketing_messages`,
/// `/ACCOUNT_ID/message_templates`, or the same below a version.
pub(in crate::simulator) fn is_meta_request(head: &Parts) -> bool {
    number_and_edge(head.uri.path()).is_some()
}

/// Returns the id of the phone number in a path, and what follows it.
fn number_and_edge(path: &str) -> Option<(&str, &str)> {
    let path = path.strip_prefix('/')?;
    let is_version =
        |part: &str| part.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let path = match path.split_once('/') {
        Some((version, rest)) if is_version(version) => rest,
        _ => path,
    };
    let (number, edge) = path.split_once('/').unwrap_or((path, ""));
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some((number, edge))
}

impl MetaServer {
    pub(in crate::simulator) fn new(
        behaviour: Behaviour,
        webhooks: Option<WebhookScheduler>,
        counters: Arc<Counters>,
    ) -> Self {
        Self { sends: Sends::new(behaviour), account: MetaAccountState::default(), webhooks, counters }
    }

    /// Sets the status of every template called `name`.
    pub(in crate::simulator) fn review(&self, name: &str, status: &str) {
        self.account.review(name, status);
    }

    /// Answers one request.
    pub(in crate::simulator) async fn answer(&self, head: &Parts, body: Body, disconnector: &Disconnector) -> Response {
        // The body is read even if the request is refused, so that the connection can be used again.
        let body = axum::body::to_bytes(body, MAX_BODY).await.unwrap_or_default();
        let query = head.uri.query().unwrap_or_default();
        let (number, edge) = match (number_and_edge(head.uri.path()), &head.method) {
            _ if !has_token(head) => return self.refuse(TOKEN),
            (Some((number, edge @ ("messages" | "marketing_messages"))), &Method::POST) => (number, edge),
            (Some((number, "")), &Method::GET) => return json_answer(200, &MetaAccountState::number(number, query)),
            (Some((_, "message_templates")), &Method::GET) => return json_answer(200, &self.account.templates(query)),
            _ => return self.refuse(PARAMETER),
        };
        let accepted = self.accept(number, edge, &body);
        if !self.sends.behaviour.latency.is_zero() {
            tokio::time::sleep(self.sends.behaviour.latency).await;
        }
        let (answer, lost_response) = match accepted {
            Ok(accepted) => accepted,
            Err(refusal) => return self.refuse(refusal),
        };
        let Some(lost) = lost_response else { return json_answer(200, &answer) };
        if lost == LostResponse::Hung {
            // The server cancels this wait when the client closes the connection.
            tokio::time::sleep(Behaviour::MAX_HANG).await;
        }
        disconnector.disconnect();
        // Never sent: writing to the connection fails.
        Response::default()
    }

    fn accept(&self, number: &str, edge: &str, body: &[u8]) -> Result<(Value, Option<LostResponse>), Refusal> {
        let (draw, serial) = self.sends.admit().ok_or(THROTTLED)?;
        if draw.is_error {
            return Err(FAILED);
        }
        let body: Value = serde_json::from_slice(body).map_err(|_| PARAMETER)?;
        let text = |key: &str| body[key].as_str();
        // Without a `+`, Meta may take the number for one of the business's own country.
        let to = text("to")
            .filter(|to| to.strip_prefix('+').is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit())));
        let kind = text("type").unwrap_or("text");
        if edge == "marketing_messages" && kind != "template" {
            return Err(PARAMETER);
        }
        let (Some(to), Some("whatsapp"), true) = (to, text("messaging_product"), body.get(kind).is_some()) else {
            return Err(PARAMETER);
        };
        if kind == "template" {
            self.admit_template(&body["template"])?;
        }
        count(&self.counters.accepted);
        let message = self.sends.message(&draw, serial);
        let id = message.id(Channel::Whatsapp);
        if let Some(webhooks) = &self.webhooks {
            let gets_reply = webhooks.gets_reply(&message);
            for (at, event) in MetaEvent::all_of(&id, &message, draw.is_held, number, &body, gets_reply) {
                webhooks.enqueue_event(at, event);
            }
        }
        if draw.is_held {
            count(&self.counters.held);
        }
        match draw.lost_response {
            Some(LostResponse::Hung) => count(&self.counters.hung),
            Some(LostResponse::Dropped) => count(&self.counters.dropped),
            None => {}
        }
        let wa_id = to.trim_start_matches('+');
        let status = if draw.is_held { "held_for_quality_assessment" } else { "accepted" };
        let answer = json!({
            "messaging_product": "whatsapp", "contacts": [{"input": to, "wa_id": wa_id}],
            "messages": [{"id": id, "message_status": status}],
        });
        Ok((answer, draw.lost_response))
    }

    /// Refuses a message whose template is paused, and reports a new pause.
    fn admit_template(&self, template: &Value) -> Result<(), Refusal> {
        let name = template["name"].as_str().ok_or(PARAMETER)?;
        let admission = self.account.admit(name, self.sends.behaviour.paused_after);
        if let (Admission::NewlyPaused, Some(webhooks)) = (admission, &self.webhooks) {
            let language = template["language"]["code"].as_str().unwrap_or_default();
            webhooks.enqueue_event(Millis::now(), MetaEvent::paused(name, language));
        }
        if admission == Admission::Sent { Ok(()) } else { Err(PAUSED) }
    }

    fn refuse(&self, (status, code, message): Refusal) -> Response {
        count(match code {
            130_429 => &self.counters.throttled,
            131_000 => &self.counters.errors,
            _ => &self.counters.refused,
        });
        let error = json!({"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "simulated"});
        json_answer(status, &json!({"error": error}))
    }
}

/// Whether there is an access token; any will do.
fn has_token(head: &Parts) -> bool {
    let given = head.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    given.and_then(|value| value.strip_prefix("Bearer ")).is_some_and(|token| !token.trim().is_empty())
}

fn json_answer(status: u16, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
