//! Sends webhooks: the statuses of accepted messages, and replies from their recipients.
//!
//! Best effort. Webhooks still waiting when the simulator stops are lost, and a full queue takes no more. Status
//! requests report the same statuses.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::io;
use std::time::Duration;

use reqwest::{Client, Url};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::counts::{Counters, count};
use super::message_id::{FinalStatus, SimulatedMessage};
use super::meta::{self, MetaEvent};
use crate::base_url::BaseUrl;
use crate::model::Millis;

/// Most webhooks that wait until they are due.
const MAX_WAITING: usize = 100_000;
/// Most requests in flight.
const MAX_IN_FLIGHT: usize = 32;
/// Attempts per webhook. The first pause between them is one second; each further pause is twice as long.
const ATTEMPTS: u32 = 5;
/// The most events of Meta in one call.
const MAX_EVENTS: usize = 100;
/// The app secret under which the simulated Meta signs.
pub(super) const META_APP_SECRET: &str = "simulator-app-secret";
/// The phone number of the business.
const BUSINESS: &str = "85230000000";

/// A webhook, and when it is due.
struct ScheduledWebhook {
    at: Millis,
    content: Content,
}

/// What a webhook says.
enum Content {
    /// The body of one call of INCS.
    Incs(String),
    /// An event of Meta, which shares its call with others.
    Meta(MetaEvent),
}

impl Ord for ScheduledWebhook {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at)
    }
}

impl PartialOrd for ScheduledWebhook {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ScheduledWebhook {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for ScheduledWebhook {}

/// Schedules the webhooks about a message.
#[derive(Clone)]
pub(super) struct WebhookScheduler {
    queue: mpsc::Sender<ScheduledWebhook>,
    /// Share of read messages to which the recipient replies.
    replies: f64,
}

/// Sends each scheduled webhook when it is due.
pub(super) struct WebhookSender {
    url: Url,
    queue: mpsc::Receiver<ScheduledWebhook>,
}

/// Opens a queue of webhooks to `url`. Recipients reply to a share of `replies` of the read messages.
///
/// # Errors
/// When the URL is not on this machine.
pub(super) fn open(url: &str, replies: f64) -> io::Result<(WebhookScheduler, WebhookSender)> {
    let wrong = || {
        let words =
            format!("simulator: {url} is not a URL on this machine, such as http://127.0.0.1:8088/webhook/SECRET");
        io::Error::new(io::ErrorKind::InvalidInput, words)
    };
    let base = BaseUrl::parse(url).map_err(|_| wrong())?;
    let url = Url::parse(url).ok().filter(|_| base.is_this_machine()).ok_or_else(wrong)?;
    let (sender, receiver) = mpsc::channel(MAX_WAITING);
    Ok((WebhookScheduler { queue: sender, replies }, WebhookSender { url, queue: receiver }))
}

impl WebhookScheduler {
    /// Schedules the webhooks about an accepted message.
    pub(super) fn schedule(&self, id: &str, message: &SimulatedMessage, body: &[u8]) {
        for (at, status) in message.status_changes() {
            let error = match message.final_status {
                FinalStatus::Failed if status == "failed" => json!({"code": 131_026, "title": "Message undeliverable"}),
                _ => Value::Null,
            };
            let update = json!({
                "event": "message_status_update", "channel_id": 1, "business_phone": BUSINESS, "message_id": id,
                "message_status": status, "error": error, "received_at": at.0.div_euclid(1000),
            });
            self.enqueue(at, &update);
            if status == "read" && self.gets_reply(message) {
                let body: Value = serde_json::from_slice(body).unwrap_or_default();
                self.enqueue(at.plus(Duration::from_millis(message.pace_ms)), &reply(id, message, at, &body));
            }
        }
    }

    /// Whether the recipient replies to a message once it is read.
    pub(super) fn gets_reply(&self, message: &SimulatedMessage) -> bool {
        ((message.noise() >> 40) & 0xff) as f64 / 256.0 < self.replies
    }

    fn enqueue(&self, at: Millis, webhook: &Value) {
        // A full queue drops the webhook.
        drop(self.queue.try_send(ScheduledWebhook { at, content: Content::Incs(webhook.to_string()) }));
    }

    /// Schedules an event of Meta.
    pub(super) fn enqueue_event(&self, at: Millis, event: MetaEvent) {
        drop(self.queue.try_send(ScheduledWebhook { at, content: Content::Meta(event) }));
    }
}

/// Returns the webhook with the recipient's reply: one of the message's buttons or list rows, else a short text. One
/// text in eight is `STOP`.
fn reply(id: &str, message: &SimulatedMessage, at: Millis, body: &Value) -> Value {
    let random = (message.noise() >> 48) as usize;
    let action = &body["interactive"]["action"];
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let buttons: Vec<Value> = list(&action["buttons"]).iter().map(|button| button["reply"].clone()).collect();
    let rows: Vec<Value> = list(&action["sections"]).iter().flat_map(|section| list(&section["rows"])).collect();
    let choice = |kind: &str, choices: &[Value]| json!({"type": "interactive", "interactive": {"type": kind, kind: choices[random % choices.len()]}});
    let mut answer = match (buttons.as_slice(), rows.as_slice()) {
        ([], []) if random.is_multiple_of(8) => json!({"type": "text", "text": {"body": "STOP"}}),
        ([], []) => json!({"type": "text", "text": {"body": "Thank you!"}}),
        ([], rows) => choice("list_reply", rows),
        (buttons, _) => choice("button_reply", buttons),
    };
    let to = &body["to"];
    answer["context"] = json!({"from": BUSINESS, "id": id});
    answer["from"] = to.clone();
    answer["id"] = format!("wamid.reply-{:016x}", message.noise()).into();
    answer["timestamp"] = at.0.div_euclid(1000).to_string().into();
    json!({
        "event": "new_message", "channel_id": 1, "business_phone": BUSINESS,
        "message": {"messaging_product": "whatsapp", "contacts": [{"wa_id": to}], "messages": [answer]},
    })
}

impl WebhookSender {
    /// Sends webhooks until every [`WebhookScheduler`] is dropped.
    pub(super) async fn run(mut self, counters: &Counters) {
        // reqwest needs a TLS provider even without TLS. It may be installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let Ok(client) = Client::builder().no_proxy().timeout(Duration::from_secs(15)).build() else { return };
        let mut waiting = BinaryHeap::new();
        let mut in_flight = JoinSet::new();
        loop {
            let now = Millis::now();
            while in_flight.len() < MAX_IN_FLIGHT
                && let Some(call) = next_call(&mut waiting, now)
            {
                in_flight.spawn(send(client.clone(), self.url.clone(), call));
            }
            let until_due = |Reverse(webhook): &Reverse<ScheduledWebhook>| webhook.at.since(now);
            let pause = waiting.peek().map_or(Duration::from_secs(1), until_due);
            tokio::select! {
                received = self.queue.recv(), if waiting.len() < MAX_WAITING => match received {
                    Some(webhook) => waiting.push(Reverse(webhook)),
                    None => return,
                },
                Some(sent) = in_flight.join_next() => count(match sent {
                    Ok(true) => &counters.webhooks_accepted,
                    _ => &counters.webhooks_failed,
                }),
                () = tokio::time::sleep(pause), if in_flight.len() < MAX_IN_FLIGHT => {}
            }
        }
    }
}

/// One call: its body, and Meta's signature.
struct Call {
    body: String,
    signature: Option<String>,
}

/// Takes the next call that is due: one webhook of INCS, or all due events of Meta, up to a limit.
fn next_call(waiting: &mut BinaryHeap<Reverse<ScheduledWebhook>>, now: Millis) -> Option<Call> {
    let mut events = Vec::new();
    while events.len() < MAX_EVENTS
        && let Some(Reverse(first)) = waiting.peek()
        && first.at <= now
    {
        if !events.is_empty() && matches!(first.content, Content::Incs(_)) {
            break;
        }
        match waiting.pop()?.0.content {
            Content::Incs(body) => return Some(Call { body, signature: None }),
            Content::Meta(event) => events.push(event),
        }
    }
    if events.is_empty() {
        return None;
    }
    let body = meta::batch(events);
    let signature = Some(meta::signature(META_APP_SECRET, &body));
    Some(Call { body, signature })
}

/// Sends one call, with retries. Returns whether the receiver accepted it.
async fn send(client: Client, url: Url, call: Call) -> bool {
    for attempt in 0..ATTEMPTS {
        let mut request = client.post(url.clone()).header("content-type", "application/json").body(call.body.clone());
        if let Some(signature) = &call.signature {
            request = request.header("x-hub-signature-256", signature);
        }
        if request.send().await.is_ok_and(|answer| answer.status().is_success()) {
            return true;
        }
        tokio::time::sleep(Duration::from_secs(1 << attempt)).await;
    }
    false
}
