//! Reading the providers' JSON leniently: what is null or empty is not there, and what is not needed may be anything.

use serde_json::Value;

/// The text of a key; a number counts as its digits.
pub(in crate::provider) fn text(value: &Value, key: &str) -> Option<String> {
    match value.get(key)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The items of a key's list.
pub(in crate::provider) fn items<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The texts of a key's list, or of its one text.
pub(in crate::provider) fn texts(value: &Value, key: &str) -> Vec<String> {
    match value.get(key) {
        Some(Value::String(text)) if !text.is_empty() => vec![text.clone()],
        _ => items(value, key).iter().filter_map(Value::as_str).map(str::to_owned).collect(),
    }
}

/// True, false, 1, 0, or any of them as a text.
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

/// A whole number, perhaps as a text.
pub(in crate::provider) fn number(value: &Value, key: &str) -> Option<u64> {
    let value = value.get(key)?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}
