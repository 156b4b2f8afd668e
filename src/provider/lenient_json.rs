//! Reads the providers' JSON leniently: null and empty values count as missing, and unused values may be anything.

use serde_json::Value;

/// Parses a text, even if it has half of a surrogate pair: someone's broken emoji must not lose what else is in it.
pub(in crate::provider) fn parse(body: &[u8]) -> Option<Value> {
    let parsed = serde_json::from_slice(body).ok();
    parsed.or_else(|| serde_json::from_slice(&without_lone_surrogates(body)).ok())
}

/// Replaces escapes of half a surrogate pair by U+FFFD.
fn without_lone_surrogates(body: &[u8]) -> Vec<u8> {
    let escape = |at: usize| -> Option<u32> {
        let digits = body.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u32::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
    };
    let mut whole = Vec::with_capacity(body.len());
    let mut at = 0;
    while let Some(byte) = body.get(at) {
        let length = match (byte, escape(at)) {
            (b'\\', Some(0xD800..=0xDBFF)) if matches!(escape(at + 6), Some(0xDC00..=0xDFFF)) => 12,
            (b'\\', Some(0xD800..=0xDFFF)) => {
                whole.extend(b"\\ufffd");
                at += 6;
                continue;
            }
            (b'\\', _) => 2,
            _ => 1,
        };
        let end = (at + length).min(body.len());
        whole.extend(&body[at..end]);
        at = end;
    }
    whole
}

/// Returns the text of a key; a number becomes its digits.
pub(in crate::provider) fn text(value: &Value, key: &str) -> Option<String> {
    match value.get(key)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Returns the items of a key's list.
pub(in crate::provider) fn items<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Returns the texts of a key's list, or its single text.
pub(in crate::provider) fn texts(value: &Value, key: &str) -> Vec<String> {
    match value.get(key) {
        Some(Value::String(text)) if !text.is_empty() => vec![text.clone()],
        _ => items(value, key).iter().filter_map(Value::as_str).map(str::to_owned).collect(),
    }
}

/// Returns a boolean: true, false, 1, 0, or any of them as text.
pub(in crate::provider) fn boolean(value: &Value, key: &str) -> Option<bool> {
    match value.get(key)? {
        Value::Bool(value) => Some(*value),
        Value::Number(number) => number.as_u64().map(|number| number != 0),
        Value::String(text) => match text.as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// Returns a whole number, also from text.
pub(in crate::provider) fn number(value: &Value, key: &str) -> Option<u64> {
    let value = value.get(key)?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_a_surrogate_pair_loses_nothing_else() {
        let text = |json: &str| parse(json.as_bytes()).map(|value| value["a"].as_str().unwrap().to_owned());
        assert_eq!(text(r#"{"a": "x \ud83d y"}"#).as_deref(), Some("x \u{fffd} y"));
        assert_eq!(text(r#"{"a": "\ude00\ud83d"}"#).as_deref(), Some("\u{fffd}\u{fffd}"));
        assert_eq!(text(r#"{"a": "\ud83d\ude00 \ud83d", "b": 1}"#).as_deref(), Some("\u{1f600} \u{fffd}"));
        // An escaped backslash before `ud83d` is no escape.
        assert_eq!(text(r#"{"a": "\\ud83d \ud83d"}"#).as_deref(), Some("\\ud83d \u{fffd}"));
        for bad in ["", "{", r#"{"a": "\ud8"#, r#"{"a": "\"#, r#"{"a": "\uXXXX"}"#] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
