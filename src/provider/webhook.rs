//! Webhook calls, and the parts that providers share because they pass on WhatsApp's own shapes.

use serde_json::Value;

use crate::model::{AccountEvent, KnownPerson, Millis, Phone, Reply, StatusUpdate, UserId};
use crate::provider::lenient_json::items;

/// A webhook call, as far as it is used. Empty for events that are not used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Callback {
    /// Statuses of messages.
    pub statuses: Vec<StatusUpdate>,
    /// Replies of people.
    pub replies: Vec<Reply>,
    /// What it says about who is who.
    pub people: Vec<KnownPerson>,
    /// What the provider reports about accounts and their templates.
    pub events: Vec<AccountEvent>,
    /// The fingerprints of the accounts that it is about, if they are known.
    pub accounts: Vec<String>,
}

impl Callback {
    /// Whether nothing in the call is used.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.statuses.is_empty() && self.replies.is_empty() && self.people.is_empty() && self.events.is_empty()
    }
}

/// Why a webhook call cannot be read. It quotes nothing, because the content is personal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCallback {
    /// It is not JSON at all.
    #[error("the body is not JSON")]
    NotJson,
    /// The provider's signature is missing or wrong.
    #[error("the signature is missing or wrong")]
    Unsigned,
    /// A required value of the event is missing.
    #[error("`{0}` is missing or not valid")]
    Lacks(&'static str),
}

/// Returns the reply in one of WhatsApp's inbound messages, which INCS passes on; `None` without an id. `now` is the
/// time of a reply that has none.
pub(super) fn reply(message: &Value, now: Millis) -> Option<Reply> {
    let kind = word(&message["type"]).unwrap_or_else(|| "unknown".to_owned());
    let interactive = &message["interactive"];
    let (kind, choice, title, text) = match kind.as_str() {
        "interactive" => {
            let kind = word(&interactive["type"]).unwrap_or(kind);
            let choice = &interactive[&kind];
            let (id, title) = (word(&choice["id"]), word(&choice["title"]));
            (kind, id, title, None)
        }
        // A quick reply to a template.
        "button" => (kind, word(&message["button"]["payload"]), word(&message["button"]["text"]), None),
        "text" => (kind, None, None, word(&message["text"]["body"])),
        "reaction" => (kind, word(&message["reaction"]["emoji"]), None, None),
        _ => (kind, None, None, None),
    };
    Some(Reply {
        id: word(&message["id"])?,
        from: phone(&message["from"]),
        user: user(&message["from_user_id"]),
        parent: user(&message["from_parent_user_id"]),
        answers: word(&message["context"]["id"]).or_else(|| word(&message["reaction"]["message_id"])),
        at: seconds(&message["timestamp"]).unwrap_or(now),
        kind,
        choice,
        title,
        text,
    })
}

/// Returns the ids of a person with what shows the number: the number itself, or a message to the person.
pub(super) fn people<'v>(
    value: &'v Value,
    ids: [&'v str; 2],
    number: &str,
    message_id: Option<&'v str>,
) -> impl Iterator<Item = KnownPerson> + use<'v> {
    let phone = phone(&value[number]);
    let known = phone.is_some() || message_id.is_some();
    ids.into_iter().filter(move |_| known).filter_map(move |id| {
        Some(KnownPerson { user: user(&value[id])?, phone, message_id: message_id.map(str::to_owned) })
    })
}

/// Returns who is who by the contacts and the messages in one of WhatsApp's own objects.
pub(super) fn people_in(value: &Value) -> impl Iterator<Item = KnownPerson> + use<'_> {
    let contacts = items(value, "contacts").iter();
    let contacts = contacts.flat_map(|contact| people(contact, ["user_id", "parent_user_id"], "wa_id", None));
    let messages = items(value, "messages").iter();
    contacts.chain(messages.flat_map(|message| people(message, ["from_user_id", "from_parent_user_id"], "from", None)))
}

/// Returns a phone number, with or without `+` and spaces.
pub(super) fn phone(value: &Value) -> Option<Phone> {
    let number = word(value)?.trim_start_matches('+').replace([' ', '-'], "");
    Phone::from_digits(&number)
}

/// Returns a person's id.
pub(super) fn user(value: &Value) -> Option<UserId> {
    UserId::parse(value.as_str()?)
}

/// Returns a non-empty text, or a number as text.
pub(super) fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Returns Unix seconds from a number or text; `None` for 0 and less.
pub(super) fn seconds(value: &Value) -> Option<Millis> {
    // Some senders write whole seconds as `1.7739E9` or `1773907751.0`.
    let word = word(value)?;
    #[expect(clippy::cast_possible_truncation, reason = "it saturates, and what is far off is no time")]
    let whole = || word.parse::<f64>().ok().map(|seconds| seconds as i64);
    Millis::from_provider_seconds(word.parse().ok().or_else(whole)?)
}
