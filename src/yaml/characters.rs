//! Finds characters in a file's text and keys that are not allowed in messages.

use super::problem::{FileProblem, FoundProblems, Place};
use super::syntax_hints::place_at;
use super::tree::{Node, Value};
use crate::model::OddCharacter;
use crate::text::bad_character;

/// Adds the problems of the text and keys of a tree, except under the path `cells`, which is validated as cells.
pub(super) fn check(node: &Node<'_>, text: &str, cells: &[&str], problems: &mut FoundProblems) {
    match &node.value {
        Value::Broken => {}
        Value::Scalar(scalar) => check_text(&scalar.text, node.place, text, problems),
        Value::List(items) => items.iter().for_each(|item| check(item, text, &[], problems)),
        Value::Map(entries) => {
            for entry in entries {
                check_text(&entry.key, entry.key_place, text, problems);
                let below = match cells.split_first() {
                    Some((first, below)) if *first == entry.key => Some(below),
                    _ => None,
                };
                if below.is_none_or(|below| !below.is_empty()) {
                    check(&entry.node, text, below.unwrap_or_default(), problems);
                }
            }
        }
    }
}

fn check_text(words: &str, place: Place, text: &str, problems: &mut FoundProblems) {
    let Some(bad) = bad_character(words) else { return };
    let written = text.get(place.start as usize..place.end as usize).unwrap_or_default();
    // One that is written as an escape is reported at the start of its text.
    let place = written.find(bad.character).map_or(place, |at| place_at(text, place.start as usize + at));
    let bad = OddCharacter::from(bad);
    problems.push(FileProblem::new(bad.code(), place, bad.words()).hint(bad.hint()));
}
