//! Names as people list them, and the one that was probably meant.

/// Longer words are compared with nothing: that takes the product of both lengths, and no name is as long.
const MAX_COMPARED: usize = 64;

/// The word among `words` that was probably meant: the nearest, if no more than a third of it is different.
#[must_use]
pub fn nearest<'w>(word: &str, words: &[&'w str]) -> Option<&'w str> {
    let word = word.to_lowercase();
    if word.len() > MAX_COMPARED {
        return None;
    }
    words
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, &candidate.to_lowercase()), *candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `a`, `b` and `c`, in code quotes.
#[must_use]
pub fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
