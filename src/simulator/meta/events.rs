//! The events of Meta's webhooks. Meta promises neither their order nor that each comes once, so neither holds here.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::account::ACCOUNT;
use crate::model::Millis;
use crate::simulator::message_id::{FinalStatus, SimulatedMessage};
use crate::text::hex;

/// The phone number of the business.
const BUSINESS: &str = "85230000000";

/// After how many paces an event is repeated. Most messages have been read by then.
const REPEATED_AFTER: u32 = 4;

/// Why a message failed: Meta's code, its title and its details.
type Failure = (u32, &'static str, &'static str);

const UNDELIVERABLE: Failure = (131_026, "Message undeliverable", "Message Undeliverable.");
const PAUSED: Failure =
    (132_015, "Template is paused", "Message was held, and dropped because the template is paused due to low quality.");

/// One status, reply or report about a template.
#[derive(Clone, Debug)]
pub(in crate::simulator) struct MetaEvent {
    /// What a person subscribes to.
    field: &'static str,
    value: Value,
}

impl MetaEvent {
    /// Returns the event of a template that is paused for low quality.
    pub(super) fn paused(name: &str, language: &str) -> Self {
        let info = json!({"title": "FIRST_PAUSE", "description": "Your template is paused due to low quality."});
        let value = json!({
            "event": "PAUSED", "message_template_id": 1_192_339_204_654_487_u64, "message_template_name": name,
            "message_template_language": language, "reason": null, "other_info": info,
        });
        Self { field: "message_template_status_update", value }
    }

    /// Returns the events about a message and when they are reported. Those of a held message start one pace later; if
    /// it fails, it is dropped without being sent.
    pub(super) fn all_of(
        id: &str,
        message: &SimulatedMessage,
        is_held: bool,
        phone_number_id: &str,
        body: &Value,
        gets_reply: bool,
    ) -> Vec<(Millis, Self)> {
        let metadata = json!({"display_phone_number": BUSINESS, "phone_number_id": phone_number_id});
        let event = |key: &str, value| {
            let value = json!({"messaging_product": "whatsapp", "metadata": metadata, key: [value]});
            Self { field: "messages", value }
        };
        let to = body["to"].as_str().unwrap_or_default().trim_start_matches('+');
        let pace = Duration::from_millis(message.pace_ms);
        let is_dropped = is_held && message.final_status == FinalStatus::Failed;
        let mut changes = message.status_changes();
        changes.retain(|(_, status)| !is_dropped || *status == "failed");
        let mut events = Vec::new();
        for (at, status) in changes {
            let at = if is_held { at.plus(pace) } else { at };
            let mut value = json!({
                "id": id, "status": status, "timestamp": at.0.div_euclid(1000).to_string(), "recipient_id": to,
            });
            if let Some(reference) = body.get("biz_opaque_callback_data") {
                value["biz_opaque_callback_data"] = reference.clone();
            }
            if status == "failed" {
                let (code, title, details) = if is_dropped { PAUSED } else { UNDELIVERABLE };
                let error = json!({"code": code, "title": title, "message": title, "error_data": {"details": details}});
                value["errors"] = json!([error]);
            }
            // One message in sixteen has each of its events reported again, after later ones.
            if (message.noise() >> 56) & 0xf == 0 {
                let again = at.plus(pace.saturating_mul(REPEATED_AFTER));
                events.push((again, event("statuses", value.clone())));
            }
            events.push((at, event("statuses", value)));
            if status == "read" && gets_reply {
                let is_stop = (message.noise() >> 48).is_multiple_of(8);
                let text = if is_stop { "STOP" } else { "Thank you!" };
                events.push((
                    at,
                    event(
                        "messages",
                        json!({
                            "from": to, "id": format!("wamid.reply-{:016x}", message.noise()),
                            "timestamp": at.0.div_euclid(1000).to_string(), "context": {"from": BUSINESS, "id": id},
                            "type": "text", "text": {"body": text},
                        }),
                    ),
                ));
            }
        }
        events
    }
}

/// Returns the body of one webhook call with these events, in another order.
pub(in crate::simulator) fn batch(mut events: Vec<MetaEvent>) -> String {
    events.reverse();
    let changes: Vec<Value> =
        events.into_iter().map(|MetaEvent { field, value }| json!({"field": field, "value": value})).collect();
    let time = Millis::now().0.div_euclid(1000);
    json!({
        "object": "whatsapp_business_account", "entry": [{"id": ACCOUNT, "time": time, "changes": changes}],
    })
    .to_string()
}

/// Returns the header `X-Hub-Signature-256` of a body.
pub(in crate::simulator) fn signature(app_secret: &str, body: &str) -> String {
    match Hmac::<Sha256>::new_from_slice(app_secret.as_bytes()) {
        Ok(mut mac) => {
            mac.update(body.as_bytes());
            format!("sha256={}", hex(&mac.finalize().into_bytes()))
        }
        // Never happens: HMAC takes a key of any length.
        Err(_) => String::new(),
    }
}
