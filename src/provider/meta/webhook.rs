//! Checks and parses Meta's webhook calls: up to 3 MB, with up to 1,000 events each, in any order and repeated.
//!
//! The shapes are those of "Webhooks reference: messages" and `user_preferences`; `account_events` reads the events
//! about accounts and templates. Parsing is lenient: unused values may be anything, and an unused event is not an
//! error.

use std::collections::BTreeSet;

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::Sha256;

use super::account_events;
use super::classify::words;
use super::receiver::MetaReceiver;
use crate::model::{DeliveryStatus, Millis, Problem, Reference, Reply, StatusUpdate, plain_code};
use crate::provider::lenient_json::{items, parse as parse_json};
use crate::provider::webhook::{BadCallback, Callback, people, people_in, phone, reply, seconds, user, word};

/// Parses the body of a webhook call. `signature` is the header `X-Hub-Signature-256`, which must match the raw body
/// under the app's secret. `now` is the time of a reply that has none. Events of phone numbers that are not the
/// receiver's are left out: another sender made those requests.
///
/// # Errors
/// When the signature is missing or wrong, or the body is not JSON.
pub fn signed_callback(
    body: &[u8],
    signature: Option<&str>,
    receiver: &MetaReceiver,
    now: Millis,
) -> Result<Callback, BadCallback> {
    if !is_signed(body, signature, &receiver.app_secret) {
        return Err(BadCallback::Unsigned);
    }
    parse(body, receiver, now)
}

/// Whether the header has the HMAC-SHA256 of the body under the app's secret, as `sha256=` and hexadecimal digits.
/// Takes the same time for every wrong signature of the right length.
fn is_signed(body: &[u8], signature: Option<&str>, app_secret: &SecretString) -> bool {
    let Some(digits) = signature.and_then(|signature| signature.strip_prefix("sha256=")) else { return false };
    let mut claimed = [0; 32];
    if digits.len() != 64 {
        return false;
    }
    for (byte, pair) in claimed.iter_mut().zip(digits.as_bytes().chunks(2)) {
        let Some(value) = str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()) else {
            return false;
        };
        *byte = value;
    }
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(app_secret.expose_secret().as_bytes()) else { return false };
    mac.update(body);
    mac.verify_slice(&claimed).is_ok()
}

/// Parses the body of a call whose signature was checked.
///
/// # Errors
/// When it is not JSON.
pub(super) fn parse(body: &[u8], receiver: &MetaReceiver, now: Millis) -> Result<Callback, BadCallback> {
    let body = parse_json(body).ok_or(BadCallback::NotJson)?;
    let mut callback = Callback::default();
    let mut accounts = BTreeSet::new();
    for entry in items(&body, "entry") {
        for change in items(entry, "changes") {
            let value = &change["value"];
            let number = word(&value["metadata"]["phone_number_id"]);
            let account = number.as_ref().map(|id| receiver.numbers.get(id));
            if matches!(account, Some(None)) {
                continue;
            }
            match change["field"].as_str() {
                Some("messages") => {
                    let before = callback.statuses.len();
                    messages(value, now, &mut callback);
                    // Other events do not show that statuses arrive.
                    if callback.statuses.len() > before {
                        accounts.extend(account.flatten());
                    }
                }
                Some("user_preferences") => {
                    let chosen = items(value, "user_preferences");
                    callback.people.extend(
                        chosen.iter().flat_map(|one| people(one, ["user_id", "parent_user_id"], "wa_id", None)),
                    );
                    callback.replies.extend(chosen.iter().filter_map(|one| preference(one, now)));
                }
                Some(field) => callback.events.extend(account_events::of_change(entry, field, value, receiver, now)),
                None => {}
            }
        }
    }
    callback.accounts = accounts.into_iter().cloned().collect();
    Ok(callback)
}

/// Reads statuses, replies, and who is who.
fn messages(value: &Value, now: Millis, callback: &mut Callback) {
    for one in items(value, "statuses") {
        let Some(update) = status(one) else { continue };
        let ids = ["recipient_user_id", "parent_recipient_user_id"];
        callback.people.extend(people(one, ids, "recipient_id", Some(&update.message_id)));
        callback.statuses.push(update);
    }
    callback.people.extend(people_in(value));
    let replies = items(value, "messages").iter().filter(|message| is_from_person(message));
    callback.replies.extend(replies.filter_map(|message| reply(message, now)));
}

/// Whether a person wrote the message. `system` reports a changed number, `unsupported` an unknown kind.
fn is_from_person(message: &Value) -> bool {
    !matches!(message["type"].as_str(), Some("system" | "unsupported"))
}

fn status(status: &Value) -> Option<StatusUpdate> {
    let message_id = word(&status["id"])?;
    let said = match word(&status["status"])?.as_str() {
        // A voice message that was played was read.
        "played" => DeliveryStatus::Read,
        said => DeliveryStatus::from_word(said),
    };
    let at = seconds(&status["timestamp"]);
    let has_failed = said == DeliveryStatus::Failed;
    Some(StatusUpdate {
        message_id,
        delivered_at: at.filter(|_| said == DeliveryStatus::Delivered),
        read_at: at.filter(|_| said == DeliveryStatus::Read),
        problem: items(status, "errors").first().filter(|_| has_failed).map(problem),
        reference: word(&status["biz_opaque_callback_data"]).as_deref().and_then(Reference::parse),
        status: said,
    })
}

fn problem(error: &Value) -> Problem {
    // Meta's codes are numbers, perhaps as text; a word could pass for a code of ours.
    let code = word(&error["code"]).filter(|code| code.bytes().all(|byte| byte.is_ascii_digit()));
    let code = code.as_deref().and_then(plain_code).unwrap_or("unknown").to_owned();
    let words = words(error);
    Problem::new(code, if words.is_empty() { "Meta gave a code but no reason".to_owned() } else { words })
}

/// Returns a person's choice about marketing messages as a reply of kind `user_preferences`, with the id `stop` or
/// `resume`. It has no id of its own, so it gets one from its contents: a repeat has the same.
fn preference(preference: &Value, now: Millis) -> Option<Reply> {
    let value = word(&preference["value"])?;
    let ids = ["wa_id", "user_id", "parent_user_id"];
    let who = ids.into_iter().find_map(|id| word(&preference[id]))?;
    let at = word(&preference["timestamp"]).unwrap_or_default();
    Some(Reply {
        id: format!("user_preferences:{who}:{value}:{at}"),
        from: phone(&preference["wa_id"]),
        user: user(&preference["user_id"]),
        parent: user(&preference["parent_user_id"]),
        answers: None,
        at: seconds(&preference["timestamp"]).unwrap_or(now),
        kind: Reply::SETTING.to_owned(),
        choice: Some(format!("{value}_marketing")),
        title: word(&preference["detail"]),
        text: None,
    })
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;
