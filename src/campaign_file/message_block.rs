//! The `message` block: the provider's request body, converted from YAML to JSON without a change of meaning.
//!
//! Only `to` and `type` are interpreted here. The place of each value is kept, so that problems of a rendered body can
//! be shown in the file.

use crate::yaml::{self, Entry, FileProblem, FoundProblems, Meaning, Node, Place, Places, Value, kind};

/// Reads the `message` block. The value is complete only if no problem was added.
pub(super) fn read(
    (node, key_place): (&Node<'_>, Place),
    problems: &mut FoundProblems,
) -> Option<(serde_json::Value, Places)> {
    let entries = match &node.value {
        Value::Map(entries) => entries,
        Value::Broken => return None,
        _ => {
            let message = format!("`message` must be the provider's request body, not {}", kind(node));
            problems.push(
                FileProblem::new("wrong_type", key_place, message)
                    .hint("start with `type: template` on a line of its own, indented"),
            );
            return None;
        }
    };
    check_to(entries, problems);
    check_type(entries, key_place, problems);
    Some(yaml::json(node, key_place, problems))
}

fn check_to(entries: &[Entry<'_>], problems: &mut FoundProblems) {
    if let Some(to) = entries.iter().find(|entry| entry.key == "to") {
        problems.push(
            FileProblem::new("to_in_message", to.key_place, "`to` is filled in from each recipient's row")
                .hint("remove it, and set `recipients.to` to the phone number column"),
        );
    }
}

/// Parts of a body that do not depend on its kind.
const OTHER_PARTS: [&str; 4] = ["context", "messaging_product", "recipient_type", "recipient_identity_key_hash"];

fn check_type(entries: &[Entry<'_>], key_place: Place, problems: &mut FoundProblems) {
    const HINT: &str = "set the kind of message, such as `type: template` or `type: text`";
    let Some(entry) = entries.iter().find(|entry| entry.key == "type") else {
        // Some of Meta's samples have no `type`, but a single part with keys: its check knows the kind.
        let mut parts = entries.iter().filter(|entry| !OTHER_PARTS.contains(&&*entry.key));
        let has_keys = |part: &Entry<'_>| matches!(part.node.value, Value::Map(_) | Value::List(_) | Value::Broken);
        if !parts.next().is_some_and(has_keys) || parts.next().is_some() {
            let words = "the key `type` of `message` is missing";
            problems.push(FileProblem::new("missing_key", key_place, words).hint(HINT));
        }
        return;
    };
    let is_text = match &entry.node.value {
        Value::Scalar(scalar) => scalar.meaning() == Meaning::Text && !scalar.text.trim().is_empty(),
        Value::Broken => true,
        Value::List(_) | Value::Map(_) => false,
    };
    if !is_text {
        let message = match &entry.node.value {
            Value::Scalar(scalar) if scalar.text.trim().is_empty() => "`type` of `message` is empty".to_owned(),
            _ => format!("`type` of `message` must be a word, not {}", kind(&entry.node)),
        };
        problems.push(FileProblem::new("wrong_type", entry.key_place, message).hint(HINT));
    }
}
