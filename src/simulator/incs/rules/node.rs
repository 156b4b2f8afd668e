//! A value in a request and its path, so that a violation can show its field.
//!
//! The path is a chain of references on the stack: a valid request costs no allocation here.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;

use super::violation::{Violation, ViolationKind};
use crate::simulator::incs::json::BorrowedJson;

/// A value and its path. Displays as the path: `interactive.action.sections[1].title`.
#[derive(Clone, Copy)]
pub(super) struct JsonNode<'parent, 'json> {
    json: &'json BorrowedJson<'json>,
    step: PathStep<'parent>,
    parent: Option<&'parent Self>,
}

#[derive(Clone, Copy)]
enum PathStep<'parent> {
    Key(&'parent str),
    Index(usize),
}

impl<'parent, 'json> JsonNode<'parent, 'json> {
    /// A top-level field of the request.
    pub(super) fn root(key: &'parent str, json: &'json BorrowedJson<'json>) -> Self {
        Self { json, step: PathStep::Key(key), parent: None }
    }

    /// Returns the field `key` if this is an object that has it.
    pub(super) fn get<'s>(&'s self, key: &'s str) -> Option<JsonNode<'s, 'json>> {
        self.json.get(key).map(|json| JsonNode { json, step: PathStep::Key(key), parent: Some(self) })
    }

    /// Returns the field `key`, which is required.
    pub(super) fn require<'s>(&'s self, key: &'s str) -> Result<JsonNode<'s, 'json>, Violation> {
        self.object()?;
        self.get(key).ok_or_else(|| Violation { kind: ViolationKind::Missing, what: format!("{self}.{key}") })
    }

    /// Returns all fields of an object.
    pub(super) fn fields<'s>(&'s self) -> Result<impl Iterator<Item = JsonNode<'s, 'json>>, Violation> {
        let fields = self.object()?;
        Ok(fields.iter().map(move |(key, json)| JsonNode { json, step: PathStep::Key(key), parent: Some(self) }))
    }

    /// Returns the object that this must be.
    pub(super) fn object(&self) -> Result<&'json [(Cow<'json, str>, BorrowedJson<'json>)], Violation> {
        self.json.as_object().ok_or_else(|| self.violation(ViolationKind::Format, "must be an object"))
    }

    /// Returns the items of the list that this must be, with a length within `count`.
    pub(super) fn items<'s>(
        &'s self,
        count: RangeInclusive<usize>,
    ) -> Result<impl ExactSizeIterator<Item = JsonNode<'s, 'json>> + Clone, Violation> {
        let items = self.json.as_list().ok_or_else(|| self.violation(ViolationKind::Format, "must be a list"))?;
        let (min, max) = (*count.start(), *count.end());
        let noun = |number: usize| if number == 1 { "item" } else { "items" };
        self.check(items.len() >= min, ViolationKind::Count, format_args!("must have at least {min} {}", noun(min)))?;
        self.check(items.len() <= max, ViolationKind::Count, format_args!("must have at most {max} {}", noun(max)))?;
        let node = move |(index, json)| JsonNode { json, step: PathStep::Index(index), parent: Some(self) };
        Ok(items.iter().enumerate().map(node))
    }

    /// Returns the text that this must be. It may be empty.
    pub(super) fn string(&self) -> Result<&'json str, Violation> {
        self.json.as_text().ok_or_else(|| self.violation(ViolationKind::Format, "must be a string"))
    }

    /// Returns the text that this must be. An empty one counts as missing.
    pub(super) fn text(&self) -> Result<&'json str, Violation> {
        match self.string()? {
            "" => Err(Violation { kind: ViolationKind::Missing, what: self.to_string() }),
            text => Ok(text),
        }
    }

    /// Returns the text that this must be, of at most `max` characters. An empty one counts as missing.
    pub(super) fn text_up_to(&self, max: usize) -> Result<&'json str, Violation> {
        let text = self.text()?;
        // No text has more characters than bytes, so a short one needs no count.
        let fits = text.len() <= max || text.chars().count() <= max;
        self.check(fits, ViolationKind::Length, format_args!("must not have more than {max} characters"))?;
        Ok(text)
    }

    /// Checks the text under `key`, if there is one: at most `max` characters, possibly none.
    pub(super) fn optional_text(&self, key: &str, max: usize) -> Result<(), Violation> {
        match self.get(key) {
            Some(text) if !text.string()?.is_empty() => text.text_up_to(max).map(drop),
            _ => Ok(()),
        }
    }

    /// Returns the word under `key`, which must be one of `words`.
    pub(super) fn word(&self, key: &str, words: &[&'static str]) -> Result<&'static str, Violation> {
        self.matching_word(key, words, |one, other| one == other)
    }

    /// Returns the word under `key`, which must be one of `words` in upper or lower case.
    pub(super) fn word_in_any_case(&self, key: &str, words: &[&'static str]) -> Result<&'static str, Violation> {
        self.matching_word(key, words, str::eq_ignore_ascii_case)
    }

    fn matching_word(
        &self,
        key: &str,
        words: &[&'static str],
        is_same: impl Fn(&str, &str) -> bool,
    ) -> Result<&'static str, Violation> {
        let node = self.require(key)?;
        let text = node.text()?;
        let word = words.iter().copied().find(|word| is_same(word, text));
        word.ok_or_else(|| node.violation(ViolationKind::Value, format_args!("must be one of {}", words.join(", "))))
    }

    /// Returns the number that this must be.
    pub(super) fn number(&self) -> Result<f64, Violation> {
        match self.json {
            BorrowedJson::Number(number) => Ok(*number),
            _ => Err(self.violation(ViolationKind::Format, "must be a number")),
        }
    }

    /// Returns the number that this must be, as a JSON number or as text.
    pub(super) fn number_or_text(&self) -> Result<f64, Violation> {
        match self.json {
            BorrowedJson::Text(_) => {
                self.text()?.parse().map_err(|_| self.violation(ViolationKind::Format, "must be a number"))
            }
            _ => self.number(),
        }
    }

    /// Returns `number`, which is the value of this node, as an index below `count`.
    pub(super) fn index(&self, number: f64, count: usize) -> Result<usize, Violation> {
        (0..count).find(|index| *index as f64 == number).ok_or_else(|| {
            let max = count.saturating_sub(1);
            self.violation(ViolationKind::Value, format_args!("must be a whole number from 0 to {max}"))
        })
    }

    /// Reports a violation unless `holds`.
    pub(super) fn check(&self, holds: bool, kind: ViolationKind, must: impl fmt::Display) -> Result<(), Violation> {
        if holds { Ok(()) } else { Err(self.violation(kind, must)) }
    }

    /// A violation by this value. `must` says what the value must be and never repeats it: it is private.
    pub(super) fn violation(&self, kind: ViolationKind, must: impl fmt::Display) -> Violation {
        Violation { kind, what: format!("{self} {must}") }
    }
}

impl fmt::Display for JsonNode<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            PathStep::Key(key) if self.parent.is_none() => f.write_str(key),
            PathStep::Key(key) => write!(f, ".{key}"),
            PathStep::Index(index) => write!(f, "[{index}]"),
        }
    }
}
