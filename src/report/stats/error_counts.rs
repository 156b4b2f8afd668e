//! Counts errors by code, each with a sample message, without the phone numbers that a provider may quote.
//!
//! The number of codes and the length of their texts are bounded.

use std::collections::HashMap;

use serde::Serialize;

use crate::model::{ProviderText, RowNumber};
use crate::text::grouped;

/// The most codes counted one by one. A provider has a few hundred. More than this means that the code holds something
/// else, such as an id or a time, which must not fill the memory.
const MAX_CODES: usize = 1_000;

/// The longest code and the longest sample message, in characters.
const MAX_CODE_CHARS: usize = 100;
const MAX_MESSAGE_CHARS: usize = 500;

/// One code with its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(in crate::report) struct ErrorCount {
    /// The code; `other` for all codes after the first thousand.
    pub(in crate::report) code: String,
    /// Rows with this code.
    pub(in crate::report) count: u64,
    /// The message of the first row that has one.
    pub(in crate::report) message: String,
    /// The number of that row, or of the first row if none has a message; `None` for `other`.
    pub(in crate::report) row: Option<u64>,
}

#[derive(Clone, Debug)]
struct Known {
    count: u64,
    message: String,
    row: RowNumber,
}

/// Counts rows by error code.
#[derive(Clone, Debug, Default)]
pub(in crate::report) struct Errors {
    by_code: HashMap<String, Known>,
    other: u64,
}

impl Errors {
    /// Counts a row with this code and message.
    pub(in crate::report) fn add(&mut self, row: RowNumber, code: &str, message: &str) {
        let code = first_chars(code, MAX_CODE_CHARS);
        if let Some(known) = self.by_code.get_mut(code) {
            known.count += 1;
            if known.message.is_empty() && !message.is_empty() {
                (known.message, known.row) = (cut(message), row);
            }
        } else if self.by_code.len() < MAX_CODES {
            self.by_code.insert(code.to_owned(), Known { count: 1, message: cut(message), row });
        } else {
            self.other += 1;
        }
    }

    /// Returns all codes, the most frequent first, ties by code; `other` comes last.
    pub(in crate::report) fn sorted(&self) -> Vec<ErrorCount> {
        let mut all: Vec<ErrorCount> = self
            .by_code
            .iter()
            .map(|(code, Known { count, message, row })| ErrorCount {
                code: code.clone(),
                count: *count,
                message: message.clone(),
                row: Some(row.0),
            })
            .collect();
        all.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.code.cmp(&b.code)));
        if self.other > 0 {
            let message = format!("all other codes (only {} are counted separately)", grouped(MAX_CODES as u64));
            all.push(ErrorCount { code: "other".to_owned(), count: self.other, message, row: None });
        }
        all
    }
}

fn first_chars(text: &str, chars: usize) -> &str {
    text.char_indices().nth(chars).map_or(text, |(end, _)| &text[..end])
}

fn cut(message: &str) -> String {
    let kept = first_chars(message, MAX_MESSAGE_CHARS);
    let shown = ProviderText::shown(kept);
    if kept.len() == message.len() { shown.into_owned() } else { format!("{shown}…") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_code_comes_first_then_the_lower_one() {
        let mut errors = Errors::default();
        let rows =
            [("b", "bee"), ("a", ""), ("c", "sea"), ("c", "see"), ("a", "ay 85268411234"), ("b", "be"), ("c", "C")];
        for ((code, message), row) in rows.into_iter().zip(1..) {
            errors.add(RowNumber(row), code, message);
        }
        let sorted: Vec<_> = errors.sorted().into_iter().map(|e| (e.code, e.count, e.message, e.row)).collect();
        let expected = [("c", 3, "sea", 3), ("a", 2, "ay …34", 5), ("b", 2, "bee", 1)];
        assert_eq!(
            sorted,
            expected.map(|(code, count, message, row)| (code.to_owned(), count, message.to_owned(), Some(row)))
        );
    }

    #[test]
    fn endless_codes_do_not_fill_the_memory() {
        let mut errors = Errors::default();
        for number in 0..5_000 {
            errors.add(RowNumber(number), &format!("{number}"), &"€".repeat(10_000));
        }
        errors.add(RowNumber(5_000), "7", "again");
        let sorted = errors.sorted();
        assert_eq!(sorted.len(), MAX_CODES + 1);
        assert_eq!((sorted[0].code.as_str(), sorted[0].count), ("7", 2));
        assert_eq!(sorted[0].message.chars().count(), MAX_MESSAGE_CHARS + 1);
        let last = sorted.last().unwrap();
        assert_eq!((last.code.as_str(), last.count), ("other", 4_000));
    }
}
