//! The events of Meta's webhooks. Meta promises neither their order nor that each comes once, so neither holds here.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::model::Millis;
use crate::simulator::message_id::{FinalStatus, SimulatedMessage};
use crate::text::hex;

/// The phone number of the business.
const BUSINESS: &str = "85230000000";

/// One status or reply.
#[derive(Clone, Debug)]
pub(in crate::simulator) struct MetaEvent {
    /// The id of the phone number that sent the message.
    phone_number_id: String,
    /// Its key in `value`: `statuses` or `messages`.
    key: &'static str,
    value: Value,
}

impl MetaEvent {
    /// Returns the events about a message and when they happen.
    pub(super) fn all_of(
        id: &str,
        message: &SimulatedMessage,
        phone_number_id: &str,
        body: &Value,
        gets_reply: bool,
    ) -> Vec<(Millis, Self)> {
        let event = |key, value| Self { phone_number_id: phone_number_id.to_owned(), key, value };
        let to = body["to"].as_str().unwrap_or_default().trim_start_matches('+');
        let mut events = Vec::new();
        for (at, status) in message.status_changes() {
            let mut value = json!({
                "id": id, "status": status, "timestamp": at.0.div_euclid(1000).to_string(), "recipient_id": to,
            });
            if let Some(reference) = body.get("biz_opaque_callback_data") {
                value["biz_opaque_callback_data"] = reference.clone();
            }
            if status == "failed" && message.final_status == FinalStatus::Failed {
                value["errors"] = json!([{
                    "code": 131_026, "title": "Message undeliverable", "message": "Message undeliverable",
                    "error_data": {"details": "Message Undeliverable."},
                }]);
            }
            // One event in sixteen comes twice.
            if (message.noise() >> 56) & 0xf == 0 {
                events.push((at, event("statuses", value.clone())));
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
    let changes: Vec<Value> = events
        .into_iter()
        .map(|MetaEvent { phone_number_id, key, value }| {
            let metadata = json!({"display_phone_number": BUSINESS, "phone_number_id": phone_number_id});
            json!({
                "field": "messages",
                "value": {"messaging_product": "whatsapp", "metadata": metadata, key: [value]},
            })
        })
        .collect();
    json!({"object": "whatsapp_business_account", "entry": [{"id": "102290129340398", "changes": changes}]}).to_string()
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
