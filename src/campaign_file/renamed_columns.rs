//! Reads `recipients.columns`: the names that the campaign uses for columns of the list.

use std::collections::BTreeMap;

use crate::text::{composed, trimmed};
use crate::yaml::{Entry, FileProblem, FoundProblems, Node, Place, Value, kind};

use super::section;

const HINT: &str = "write `first_name: \"Vorname\"`; the name that the list uses is on the right";

/// Returns the names in the list by the names in the campaign. `None` if there was a problem.
pub(super) fn read(
    (node, key_place): (&Node<'_>, Place),
    problems: &mut FoundProblems,
) -> Option<BTreeMap<String, String>> {
    let entries = match &node.value {
        Value::Map(entries) => entries,
        Value::Broken => return None,
        _ => {
            let message =
                format!("`columns` must be a map from new names to the names in the list, not {}", kind(node));
            problems.push(FileProblem::new("wrong_type", key_place, message).hint(HINT));
            return None;
        }
    };
    let mut columns = BTreeMap::new();
    let mut seen: Vec<(String, Place)> = Vec::new();
    for Entry { key, key_place, node } in entries {
        let name = composed(trimmed(key)).into_owned();
        if name.is_empty() {
            problems.push(FileProblem::new("bad_key", *key_place, "this column has no name").hint(HINT));
            continue;
        }
        let Some(text) = section::text(key, (node, *key_place), problems) else { continue };
        let of_list = composed(trimmed(text)).split_whitespace().collect::<Vec<_>>().join(" ");
        if of_list.is_empty() {
            let message = format!("`{key}` does not say which column of the list it renames");
            problems.push(FileProblem::new("missing_value", *key_place, message).hint(HINT));
            continue;
        }
        if let Some((_, first)) = seen.iter().find(|(other, _)| *other == of_list) {
            let message = format!("`columns` gives `{}` two names", trimmed(text));
            let problem = FileProblem::new("bad_value", node.place, message);
            problems.push(problem.hint("remove one of the two").related(*first, "the first is here"));
            continue;
        }
        if columns.contains_key(&name) {
            let message = format!("`columns` has the name `{name}` twice");
            problems.push(FileProblem::new("bad_key", *key_place, message).hint("remove one of the two"));
            continue;
        }
        seen.push((of_list, node.place));
        columns.insert(name, trimmed(text).to_owned());
    }
    // A report has the new names, so it could not be read as a list of the same campaign.
    let chained = |name: &String| columns.keys().find(|new| *new == name && columns.get(*new) != Some(name));
    for (name, place) in seen.iter().filter(|(name, _)| chained(name).is_some()) {
        let message = format!("`columns` renames `{name}`, but gives this name to another column");
        problems.push(FileProblem::new("bad_value", *place, message).hint("choose another name on the left"));
    }
    let whole = columns.len() == entries.len() && !seen.iter().any(|(name, _)| chained(name).is_some());
    whole.then_some(columns)
}
