//! Describes the differences between two definitions.
//!
//! Both sides are first converted to the keys of a definition file, so that places refer to the file. The caller must
//! first remove from both sides what a provider does not keep.

use std::fmt;

use serde_json::Value;

use super::definition::Definition;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The place, in words such as `BODY text` or `button 2 url`.
    pub what: String,
    /// The provider's value, if any.
    pub before: Option<String>,
    /// The file's value, if any.
    pub after: Option<String>,
}

/// Displayed as `-` and `+` lines under the place.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        for (sign, side) in [('-', &self.before), ('+', &self.after)] {
            for line in side.iter().flat_map(|text| text.lines()) {
                write!(f, "\n  {sign} {line}")?;
            }
        }
        Ok(())
    }
}

/// What an update would change: from what the provider has to what the file says.
#[must_use]
pub fn diff(before: &Definition, after: &Definition) -> Vec<Difference> {
    let mut changes = Vec::new();
    let json = |definition: &Definition| serde_json::to_value(definition).unwrap_or_default();
    compare("", Some(&json(before)), Some(&json(after)), &mut changes);
    changes
}

fn compare(what: &str, before: Option<&Value>, after: Option<&Value>, changes: &mut Vec<Difference>) {
    match (before, after) {
        (Some(before), Some(after)) if before == after => {}
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let keys = old.keys().chain(new.keys().filter(|key| !old.contains_key(*key)));
            for key in keys.filter(|key| *key != "type" || what.contains("button")) {
                compare(&join(what, key), old.get(key), new.get(key), changes);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) if what.ends_with("components") => {
            let prefix = what.trim_end_matches("components").trim_end();
            let kind = |component: &Value| component["type"].as_str().unwrap_or_default().to_owned();
            for component in old {
                let other = new.iter().find(|other| kind(other) == kind(component));
                compare(&join(prefix, &kind(component)), Some(component), other, changes);
            }
            for component in new.iter().filter(|new| !old.iter().any(|old| kind(old) == kind(new))) {
                compare(&join(prefix, &kind(component)), None, Some(component), changes);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            let (prefix, one) = match what {
                what if what.ends_with("buttons") => (what.trim_end_matches("BUTTONS buttons").trim_end(), "button"),
                what if what.ends_with("cards") => (what.trim_end_matches("CAROUSEL cards").trim_end(), "card"),
                what => (what, ""),
            };
            for index in 0..old.len().max(new.len()) {
                let place = format!("{one} {}", index + 1);
                compare(&join(prefix, place.trim()), old.get(index), new.get(index), changes);
            }
        }
        (before, after) => {
            changes.push(Difference { what: what.to_owned(), before: before.map(words), after: after.map(words) });
        }
    }
}

fn join(what: &str, part: &str) -> String {
    if what.is_empty() { part.to_owned() } else { format!("{what} {part}") }
}

/// Formats a value.
fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(map) => {
            let parts = map.iter().filter(|(key, _)| *key != "type").map(|(key, value)| match value {
                Value::String(text) => format!("{key}: {text}"),
                other => format!("{key}: {other}"),
            });
            let kind = map.get("type").and_then(Value::as_str).map(str::to_owned);
            kind.into_iter().chain(parts).collect::<Vec<_>>().join("\n")
        }
        other => other.to_string(),
    }
}
