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

/// The word among `words` that was probably meant: the nearest, if no more than a third of it is different.
pub(crate) fn nearest<'w>(word: &str, words: &[&'w str]) -> Option<&'w str> {
    let word = word.to_lowercase();
    words
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, &candidate.to_lowercase()), *candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `a`, `b` and `c`, in code quotes.
pub(crate) fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
