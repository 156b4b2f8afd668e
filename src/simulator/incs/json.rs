//! A JSON value that borrows from the request each text without escapes. Cheaper than `serde_json::Value`, by the
//! measurement in docs/decisions.md.
//!
//! Has no `Debug`: it holds message content.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A JSON value.
pub(super) enum BorrowedJson<'a> {
    Null,
    Bool,
    Number(f64),
    Text(Cow<'a, str>),
    List(Vec<Self>),
    Object(Vec<(Cow<'a, str>, Self)>),
}

impl<'a> BorrowedJson<'a> {
    /// Returns the field `key` of an object; the last one if the key is repeated.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(fields) => fields.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    pub(super) fn as_object(&self) -> Option<&[(Cow<'a, str>, Self)]> {
        match self {
            Self::Object(fields) => Some(fields),
            _ => None,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for BorrowedJson<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = BorrowedJson<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(BorrowedJson::Null)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(BorrowedJson::Bool)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(BorrowedJson::Number(number as f64))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(BorrowedJson::Number(number as f64))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(BorrowedJson::Number(number))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(BorrowedJson::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(BorrowedJson::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(BorrowedJson::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::with_capacity(4);
        while let Some((Key(name), value)) = object.next_entry()? {
            fields.push((name, value));
        }
        Ok(BorrowedJson::Object(fields))
    }
}

/// The name of a field. A bare `Cow` never borrows.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_field_by_its_key_and_the_last_of_repeated_keys() {
        let json: BorrowedJson =
            serde_json::from_str(r#"{"a":{"b":"one","b":"t\u0077o"},"list":[1,-1,1.5,true,null],"e\n":0}"#).unwrap();
        assert_eq!(json.get("a").and_then(|a| a.get("b")).and_then(BorrowedJson::as_text), Some("two"));
        assert_eq!(json.get("list").and_then(BorrowedJson::as_list).map(<[_]>::len), Some(5));
        assert!(matches!(json.get("e\n"), Some(BorrowedJson::Number(_))));
        assert!(json.get("b").is_none() && json.get("list").is_some_and(|list| list.get("a").is_none()));
    }

    #[test]
    fn borrows_text_without_escapes() {
        let json: BorrowedJson = serde_json::from_slice(br#"{"plain":"text"}"#).unwrap();
        let fields = json.as_object().unwrap();
        assert!(matches!(&fields[0], (Cow::Borrowed("plain"), BorrowedJson::Text(Cow::Borrowed("text")))));
    }

    #[test]
    fn refuses_invalid_and_deeply_nested_json() {
        for text in ["", "{", "{'to':1}", "{\"a\":1} // comment", &"[".repeat(100_000)] {
            assert!(serde_json::from_slice::<BorrowedJson>(text.as_bytes()).is_err());
        }
        assert!(serde_json::from_slice::<BorrowedJson>(b"{\"a\":\"\xff\"}").is_err());
    }
}
