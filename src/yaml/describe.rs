//! Describes nodes and keys for problem messages.

use super::tree::{Meaning, Node, Value};

/// Whether a key has no value.
pub(crate) fn is_null(node: &Node<'_>) -> bool {
    matches!(&node.value, Value::Scalar(scalar) if scalar.meaning() == Meaning::Null)
}

/// Describes the type of a node.
pub(crate) fn kind(node: &Node<'_>) -> &'static str {
    match &node.value {
        Value::List(_) => "a list",
        Value::Map(_) => "a map of keys",
        Value::Broken => "a broken value",
        Value::Scalar(scalar) => match scalar.meaning() {
            Meaning::Null => "nothing",
            Meaning::Bool(_) => "a boolean",
            Meaning::Number => "a number",
            Meaning::Text => "text",
        },
    }
}
