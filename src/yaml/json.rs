//! Converts the tree to JSON without a change of meaning, and keeps the place of each value.
//!
//! Numbers that YAML and JSON write differently are refused, because one of the two would be wrong.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::{Map, Number};

use super::problem::{FileProblem, FoundProblems, Place};
use super::tree::{Meaning, Node, Scalar, Value};

/// The place of each value of a block in the file.
///
/// A path leads from the top of the block to a value: `template.components[0].parameters[1].text`. A key with other
/// characters than letters, digits, `_` and `-` is in brackets as JSON: `["a key"]`. The empty path is the block
/// itself.
#[derive(Clone, Debug, Default)]
pub struct Places {
    by_path: HashMap<String, Place>,
    keys: HashMap<String, Place>,
}

impl Places {
    /// Returns the place of the value at `path`. For a missing value, returns the place of the nearest existing parent.
    #[must_use]
    pub fn of(&self, path: &str) -> Place {
        let mut path = path;
        loop {
            if let Some(place) = self.by_path.get(path) {
                return *place;
            }
            let Some(cut) = path.rfind(['.', '[']) else {
                return self.by_path.get("").copied().unwrap_or_default();
            };
            path = &path[..cut];
        }
    }

    /// Returns the place of the key whose value is at `path`, or that of [`Places::of`] if there is none.
    #[must_use]
    pub fn of_key(&self, path: &str) -> Place {
        self.keys.get(path).copied().unwrap_or_else(|| self.of(path))
    }
}

/// Returns the JSON of a node and the places of its values; `top` is the place of the whole. The value is complete only
/// if no problem was added.
pub(crate) fn json(node: &Node<'_>, top: Place, problems: &mut FoundProblems) -> (serde_json::Value, Places) {
    let mut reader = Reader { path: String::new(), places: Places::default(), problems };
    let value = reader.value(node);
    reader.places.by_path.insert(String::new(), top);
    (value, reader.places)
}

struct Reader<'p> {
    path: String,
    places: Places,
    problems: &'p mut FoundProblems,
}

impl Reader<'_> {
    fn value(&mut self, node: &Node<'_>) -> serde_json::Value {
        self.places.by_path.insert(self.path.clone(), node.place);
        match &node.value {
            Value::Broken => serde_json::Value::Null,
            Value::Scalar(scalar) => self.scalar(scalar, node.place),
            Value::List(items) => {
                let item = |(index, item)| {
                    let parent = self.path.len();
                    // Writing to a `String` cannot fail.
                    let _ = write!(self.path, "[{index}]");
                    let value = self.value(item);
                    self.path.truncate(parent);
                    value
                };
                serde_json::Value::Array(items.iter().enumerate().map(item).collect())
            }
            Value::Map(entries) => {
                let mut map = Map::with_capacity(entries.len());
                for entry in entries {
                    let parent = self.path.len();
                    push_key(&mut self.path, &entry.key);
                    self.places.keys.insert(self.path.clone(), entry.key_place);
                    map.insert(entry.key.clone().into_owned(), self.value(&entry.node));
                    self.path.truncate(parent);
                }
                serde_json::Value::Object(map)
            }
        }
    }

    fn scalar(&mut self, scalar: &Scalar<'_>, place: Place) -> serde_json::Value {
        match scalar.meaning() {
            Meaning::Null => serde_json::Value::Null,
            Meaning::Bool(value) => serde_json::Value::Bool(value),
            Meaning::Text => serde_json::Value::String(scalar.text.clone().into_owned()),
            Meaning::Number => exact_number(&scalar.text).map_or_else(
                || {
                    let text = &scalar.text;
                    let message = format!("the number {text} would not be sent exactly as written");
                    self.problems.push(
                        FileProblem::new("inexact_number", place, message)
                            .hint(format!("for text, put it in quotes: \"{text}\"; for a number, use JSON notation")),
                    );
                    serde_json::Value::Null
                },
                serde_json::Value::Number,
            ),
        }
    }
}

/// Returns the number that a text stands for, if JSON writes it the same way and it survives a round trip: no leading
/// zeros (a code), no `+` (a phone number), no hexadecimal, no NaN, not too many digits.
fn exact_number(text: &str) -> Option<Number> {
    let number: Number = serde_json::from_str(text).ok()?;
    let whole = text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if whole && number.is_f64() {
        return None;
    }
    let again: Number = serde_json::from_str(&number.to_string()).ok()?;
    (again == number).then_some(number)
}

fn push_key(path: &mut String, key: &str) {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if !plain {
        // Writing to a `String` cannot fail.
        let _ = write!(path, "[{}]", serde_json::Value::from(key));
    } else {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(key);
    }
}
