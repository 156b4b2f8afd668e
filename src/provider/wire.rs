//! The provider's envelopes as they come over the wire. Read leniently: what is not needed may be anything.

use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde_json::Value;

/// The envelope of every answer.
#[derive(Debug, Deserialize)]
#[serde(remote = "Self")]
pub(super) struct Envelope {
    /// `success` or `error`.
    pub(super) status: String,
    /// 200, or the provider's code of the failure.
    #[serde(default)]
    pub(super) code: Option<i64>,
    /// Words for a failure.
    #[serde(default)]
    pub(super) message: Option<String>,
    /// What was asked for. On failure `{}`, or whatever else: it is not looked at.
    #[serde(default)]
    pub(super) data: Value,
}

/// By its keys alone: a list is no envelope, though what an envelope holds might stand in it in the right order.
impl<'de> Deserialize<'de> for Envelope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;

        impl<'de> Visitor<'de> for Keys {
            type Value = Envelope;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the provider's envelope")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Envelope, A::Error> {
                Envelope::deserialize(MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_map(Keys)
    }
}

impl Envelope {
    /// The message's id in the answer to a send.
    pub(super) fn message_id(&self) -> Option<String> {
        match self.data.get("msg_id")? {
            Value::String(id) if !id.trim().is_empty() => Some(id.clone()),
            Value::Number(id) => Some(id.to_string()),
            _ => None,
        }
    }

    /// The entries in the answer to a status request: a list inside `data` inside `data`.
    pub(super) fn statuses(self) -> Option<Vec<Status>> {
        match self.data {
            Value::Object(mut data) => match data.remove("data") {
                None => Some(Vec::new()),
                Some(list) => serde_json::from_value(list).ok(),
            },
            _ => None,
        }
    }
}

/// One message's status.
#[derive(Debug, Deserialize)]
pub(super) struct Status {
    /// The message's id.
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
