//! Words about nodes and keys, for the sentences of problems.

use super::tree::{Meaning, Node, Value};

/// Whether a key has no value.
pub(crate) fn is_null(node: &Node<'_>) -> bool {
    matches!(&node.value, Value::Scalar(scalar) if scalar.meaning() == Meaning::Null)
}

/// What a node is, for a sentence.
pub(crate) fn kind(node: &Node<'_>) -> &'static str {
    match &node.value {
        Value::List(_) => "a list",
        Value::Map(_) => "a map of keys",
        Value::Broken => "a broken value",
        Value::Scalar(scalar) => match scalar.meaning() {
            Meaning::Null => "nothing",
            Meaning::Bool(_) => "true or false",
            Meaning::Number => "a number",
            Meaning::Text => "a text",
        },
    }
}
