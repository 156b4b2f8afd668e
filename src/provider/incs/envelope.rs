//! Parses the provider's envelopes leniently: unused values may be anything.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::text::escaped;

/// Deserialises only from an object. A list is not an envelope, even if its items are in the right order.
pub(super) struct ByKeys<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ByKeys<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Keys<T> {
            type Value = ByKeys<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ByKeys<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(ByKeys)
            }
        }

        deserializer.deserialize_map(Keys(PhantomData))
    }
}

/// The usual response, an accepted message, parsed in one step. Everything else is parsed as an [`Envelope`].
#[derive(Deserialize)]
pub(super) struct Success<'a> {
    status: &'a str,
    #[serde(borrow)]
    data: ByKeys<Named<'a>>,
}

#[derive(Deserialize)]
struct Named<'a> {
    msg_id: &'a str,
}

impl<'a> Success<'a> {
    /// Returns the message id, if the body is such a response.
    pub(super) fn message_id(body: &'a [u8]) -> Option<&'a str> {
        let ByKeys(Self { status, data: ByKeys(Named { msg_id }) }) =
            serde_json::from_str(str::from_utf8(body).ok()?).ok()?;
        (status == "success" && !msg_id.trim().is_empty() && msg_id != "0" && can_be_id(msg_id)).then_some(msg_id)
    }
}

/// The most bytes of a message id. Percent-encoded, it is up to three times as long, and must fit into the URL of a
/// status request; see [`super::client::LONGEST_URL`].
const LONGEST_ID: usize = 2_000;

fn can_be_id(text: &str) -> bool {
    text.len() <= LONGEST_ID && matches!(escaped(text), Cow::Borrowed(_))
}

/// The value where a message id is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum MessageId {
    /// An id: text, or the digits of a number.
    Known(String),
    /// Too long, or contains control characters.
    Unusable,
    /// None.
    None,
}

impl MessageId {
    /// Reads a JSON value. A number stays text, because two long ones could round to the same value.
    pub(super) fn read(value: &RawValue) -> Self {
        let text = value.get().trim();
        let id = match text.as_bytes().first() {
            Some(b'"') => serde_json::from_str(text).unwrap_or_default(),
            Some(b'-' | b'0'..=b'9') => text.to_owned(),
            _ => String::new(),
        };
        match id {
            id if id.trim().is_empty() || id == "0" => Self::None,
            id if !can_be_id(&id) => Self::Unusable,
            id => Self::Known(id),
        }
    }

    /// Returns the id, if it is one.
    pub(super) fn known(self) -> Option<String> {
        match self {
            Self::Known(id) => Some(id),
            Self::Unusable | Self::None => None,
        }
    }
}

/// The envelope of every response.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope<'a> {
    /// `success` or `error`.
    #[serde(borrow)]
    pub(super) status: Cow<'a, str>,
    /// 200, or the provider's error code.
    #[serde(default)]
    pub(super) code: Option<i64>,
    /// The provider's words for a failure.
    #[serde(default, borrow)]
    pub(super) message: Option<Cow<'a, str>>,
    /// The result. On failure it is `{}` or anything else; only a message id counts.
    #[serde(default, borrow)]
    data: Option<&'a RawValue>,
}

impl<'a> Envelope<'a> {
    /// Reads the body of a response.
    ///
    /// # Errors
    /// When it is anything else.
    pub(super) fn read(body: &'a [u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(body).map(|ByKeys(envelope)| envelope)
    }

    /// Returns the message id in the response to a send.
    pub(super) fn message_id(&self) -> MessageId {
        self.entry("msg_id").map_or(MessageId::None, MessageId::read)
    }

    /// Returns the entries in the response to a status request: a list in `data` in `data`. Unreadable entries are
    /// skipped.
    pub(super) fn statuses(&self) -> Option<Vec<Status>> {
        let Some(list) = self.entry("data") else { return self.entries().map(|_| Vec::new()) };
        let entries: Vec<&RawValue> = serde_json::from_str(list.get()).ok()?;
        Some(entries.into_iter().filter_map(|entry| serde_json::from_str(entry.get()).ok()).collect())
    }

    /// Returns the value of this key in `data`.
    fn entry(&self, key: &str) -> Option<&RawValue> {
        self.entries()?.remove(key)
    }

    /// Returns the entries of `data`, if it is an object.
    fn entries(&self) -> Option<HashMap<Cow<'_, str>, &RawValue>> {
        serde_json::from_str(self.data?.get()).ok()
    }
}

/// One message's status.
#[derive(Debug, Deserialize)]
pub(super) struct Status {
    /// The message's id.
    #[serde(deserialize_with = "known_id")]
    pub(super) message_id: String,
    /// The provider's word.
    pub(super) message_status: String,
    /// Unix seconds, as a number or text; 0 if not recorded.
    #[serde(default)]
    pub(super) delivered_at: Value,
    /// Unix seconds, as a number or text; 0 if not recorded.
    #[serde(default)]
    pub(super) read_at: Value,
}

/// Deserialises the message id of a status.
fn known_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let value = <&RawValue>::deserialize(deserializer)?;
    MessageId::read(value).known().ok_or_else(|| serde::de::Error::custom("no message id"))
}
