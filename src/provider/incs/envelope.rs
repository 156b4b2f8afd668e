//! The provider's envelopes as they come over the wire. Read leniently: what is not needed may be anything.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::text::escaped;

/// What is read by its keys alone. A list is no envelope, though what one holds might stand in it in the right order.
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

/// The answer that nearly all are, read in one go: a message was accepted. Whatever cannot be read like this is an
/// [`Envelope`] or none.
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
    /// The message's id in the body of an answer, if that is such an answer.
    pub(super) fn message_id(body: &'a [u8]) -> Option<&'a str> {
        let ByKeys(Self { status, data: ByKeys(Named { msg_id }) }) =
            serde_json::from_str(str::from_utf8(body).ok()?).ok()?;
        (status == "success" && !msg_id.trim().is_empty() && can_be_id(msg_id)).then_some(msg_id)
    }
}

/// Bytes of a message id at most. Percent-encoded it is up to three times as long, and has to fit into the URL of a
/// status request; see [`super::client::LONGEST_URL`].
const LONGEST_ID: usize = 2_000;

fn can_be_id(text: &str) -> bool {
    text.len() <= LONGEST_ID && matches!(escaped(text), Cow::Borrowed(_))
}

/// What stands where a message id is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum MessageId {
    /// An id: a text, or a number digit by digit.
    Known(String),
    /// Something that is too long to be one, or holds characters that act on a screen.
    Unusable,
    /// None.
    None,
}

impl MessageId {
    /// Reads a JSON value. A number is never calculated with: two long ones would become one.
    pub(super) fn read(value: &RawValue) -> Self {
        let text = value.get().trim();
        let id = match text.as_bytes().first() {
            Some(b'"') => serde_json::from_str(text).unwrap_or_default(),
            Some(b'-' | b'0'..=b'9') => text.to_owned(),
            _ => String::new(),
        };
        match id {
            id if id.trim().is_empty() => Self::None,
            id if !can_be_id(&id) => Self::Unusable,
            id => Self::Known(id),
        }
    }

    /// The id, if it is one.
    pub(super) fn known(self) -> Option<String> {
        match self {
            Self::Known(id) => Some(id),
            Self::Unusable | Self::None => None,
        }
    }
}

/// The envelope of every answer.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope<'a> {
    /// `success` or `error`.
    #[serde(borrow)]
    pub(super) status: Cow<'a, str>,
    /// 200, or the provider's code of the failure.
    #[serde(default)]
    pub(super) code: Option<i64>,
    /// Words for a failure.
    #[serde(default, borrow)]
    pub(super) message: Option<Cow<'a, str>>,
    /// What was asked for. On failure `{}`, or whatever else: it is not looked at.
    #[serde(default, borrow)]
    data: Option<&'a RawValue>,
}

impl<'a> Envelope<'a> {
    /// Reads the body of an answer.
    ///
    /// # Errors
    /// Where it is something else.
    pub(super) fn read(body: &'a [u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(body).map(|ByKeys(envelope)| envelope)
    }

    /// The message's id in the answer to a send.
    pub(super) fn message_id(&self) -> MessageId {
        self.entry("msg_id").map_or(MessageId::None, MessageId::read)
    }

    /// The entries in the answer to a status request: a list inside `data` inside `data`. One that cannot be read says
    /// nothing of its message, and is no reason not to read the others.
    pub(super) fn statuses(&self) -> Option<Vec<Status>> {
        let Some(list) = self.entry("data") else { return self.entries().map(|_| Vec::new()) };
        let entries: Vec<&RawValue> = serde_json::from_str(list.get()).ok()?;
        Some(entries.into_iter().filter_map(|entry| serde_json::from_str(entry.get()).ok()).collect())
    }

    /// What stands under this key in `data`.
    fn entry(&self, key: &str) -> Option<&RawValue> {
        self.entries()?.remove(key)
    }

    /// What is in `data`, if it is an object.
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
    /// Unix seconds, 0 where not recorded.
    #[serde(default)]
    pub(super) delivered_at: Option<i64>,
    /// Unix seconds, 0 where not recorded.
    #[serde(default)]
    pub(super) read_at: Option<i64>,
}

/// A message id in a status.
fn known_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let value = <&RawValue>::deserialize(deserializer)?;
    MessageId::read(value).known().ok_or_else(|| serde::de::Error::custom("no message id"))
}
