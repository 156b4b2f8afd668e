//! The request bodies that the provider's document shows.

use serde_json::Value;

/// The request bodies of the document "Messages API", each with its channel and its `to`.
pub(crate) fn bodies() -> Vec<(String, Value)> {
    let shown: Vec<Value> = serde_json::from_str(include_str!("../../../src/message/tests/documented.json")).unwrap();
    shown.into_iter().map(|body| (body["channel"].as_str().unwrap().to_owned(), body["body"].clone())).collect()
}
