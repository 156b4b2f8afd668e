//! Reads the providers' JSON leniently: null and empty values count as missing, and unused values may be anything.

use serde_json::Value;

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
