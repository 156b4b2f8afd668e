//! Calls back: what becomes of a message, and what its recipient answers, at the webhook of whoever tries things out.
//!
//! Not to be relied on: what was not called when the simulator ends never is, and where too much waits, more is not taken
//! on. Status requests tell the same.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::time::Duration;

use reqwest::{Client, Url};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::counts::{Counters, count};
use super::message_id::End;
use super::message_id::Ticket;
use crate::base_url::BaseUrl;
use crate::model::Millis;

/// Calls that wait for their time at most.
const WAITING: usize = 100_000;
/// Calls under way at the same time.
const AT_ONCE: usize = 32;
/// Tries of one call, a second apart and then ever more.
const TRIES: u32 = 5;
/// The number of the business.
const BUSINESS: &str = "85230000000";

/// A call and when it is due.
type Call = (Millis, String);

/// The way of calls into the queue.
pub(super) struct Caller {
    queue: mpsc::Sender<Call>,
    replies: f64,
}

/// Makes the calls.
pub(super) struct Calls {
    url: Url,
    queue: mpsc::Receiver<Call>,
}

/// Who calls `url`; a share of `replies` of the messages that are read are answered.
///
/// # Errors
/// Where the URL is none of this machine.
pub(super) fn caller(url: &str, replies: f64) -> io::Result<(Caller, Calls)> {
    let wrong = || {
        let words = format!("simulator: {url} is no URL on this machine, such as http://127.0.0.1:8088/webhook/SECRET");
        io::Error::new(io::ErrorKind::InvalidInput, words)
    };
    let base = BaseUrl::parse(url).map_err(|_| wrong())?;
    let parsed = Url::parse(url).ok().filter(|_| base.is_this_machine()).ok_or_else(wrong)?;
    let (sender, queue) = mpsc::channel(WAITING);
    Ok((Caller { queue: sender, replies }, Calls { url: parsed, queue }))
}

impl Caller {
    /// Takes on the calls about an accepted message.
    pub(super) fn tell(&self, id: &str, ticket: &Ticket, body: &[u8]) {
        for (at, word) in ticket.changes() {
            let seconds = at.0.div_euclid(1000);
            let error = match ticket.end {
                End::Failed if word == "failed" => json!({"code": 131_026, "title": "Message undeliverable"}),
                _ => Value::Null,
            };
            let status = json!({
                "event": "message_status_update", "channel_id": 1, "business_phone": BUSINESS, "message_id": id,
                "message_status": word, "error": error, "received_at": seconds,
            });
            self.take_on(at, &status);
            if word == "read" && self.is_answered(ticket) {
                let body: Value = serde_json::from_slice(body).unwrap_or_default();
                self.take_on(at.plus(Duration::from_millis(ticket.pace)), &reply(id, ticket, at, &body));
            }
        }
    }

    fn is_answered(&self, ticket: &Ticket) -> bool {
        ((ticket.noise() >> 40) & 0xff) as f64 / 256.0 < self.replies
    }

    fn take_on(&self, at: Millis, call: &Value) {
        // Too much waits already.
        drop(self.queue.try_send((at, call.to_string())));
    }
}

/// What the recipient sends: a button or a row that the message has, or a few words; some have had enough.
fn reply(id: &str, ticket: &Ticket, at: Millis, body: &Value) -> Value {
    let lot = (ticket.noise() >> 48) as usize;
    let action = &body["interactive"]["action"];
    let inner = |key: &str, of: &Value| of[key].as_array().cloned().unwrap_or_default();
    let buttons: Vec<Value> = inner("buttons", action).iter().map(|button| button["reply"].clone()).collect();
    let rows: Vec<Value> = inner("sections", action).iter().flat_map(|section| inner("rows", section)).collect();
    let tapped = |kind: &str, choices: &[Value]| json!({"type": "interactive", "interactive": {"type": kind, kind: choices[lot % choices.len()]}});
    let mut message = match (buttons.as_slice(), rows.as_slice()) {
        ([], []) if lot.is_multiple_of(8) => json!({"type": "text", "text": {"body": "STOP"}}),
        ([], []) => json!({"type": "text", "text": {"body": "Thank you!"}}),
        ([], rows) => tapped("list_reply", rows),
        (buttons, _) => tapped("button_reply", buttons),
    };
    let to = &body["to"];
    message["context"] = json!({"from": BUSINESS, "id": id});
    message["from"] = to.clone();
    message["id"] = format!("wamid.reply-{:016x}", ticket.noise()).into();
    message["timestamp"] = at.0.div_euclid(1000).to_string().into();
    json!({
        "event": "new_message", "channel_id": 1, "business_phone": BUSINESS,
        "message": {"messaging_product": "whatsapp", "contacts": [{"wa_id": to}], "messages": [message]},
    })
}

impl Calls {
    /// Makes each call when it is due, until nobody can bring another.
    pub(super) async fn work(mut self, counters: &Counters) {
        // Needed once a process, though nothing here is encrypted; whoever was first has set the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let Ok(client) = Client::builder().no_proxy().timeout(Duration::from_secs(15)).build() else { return };
        let mut waiting = BinaryHeap::new();
        let mut under_way = JoinSet::new();
        loop {
            let now = Millis::now();
            while under_way.len() < AT_ONCE && waiting.peek().is_some_and(|Reverse((at, _))| *at <= now) {
                if let Some(Reverse((_, body))) = waiting.pop() {
                    under_way.spawn(call(client.clone(), self.url.clone(), body));
                }
            }
            let next = waiting.peek().map_or(Duration::from_secs(1), |Reverse((at, _)): &Reverse<Call>| at.since(now));
            tokio::select! {
                taken_on = self.queue.recv(), if waiting.len() < WAITING => match taken_on {
                    Some(call) => waiting.push(Reverse(call)),
                    None => return,
                },
                Some(taken) = under_way.join_next() => count(match taken {
                    Ok(true) => &counters.called,
                    _ => &counters.uncalled,
                }),
                () = tokio::time::sleep(next), if under_way.len() < AT_ONCE => {}
            }
        }
    }
}

/// Whether the call was taken in the end.
async fn call(client: Client, url: Url, body: String) -> bool {
    for tried in 0..TRIES {
        let request = client.post(url.clone()).header("content-type", "application/json").body(body.clone());
        if request.send().await.is_ok_and(|answer| answer.status().is_success()) {
            return true;
        }
        tokio::time::sleep(Duration::from_secs(1 << tried)).await;
    }
    false
}
