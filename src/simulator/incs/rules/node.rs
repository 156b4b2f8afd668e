//! A value of a request and the way to it, so that a refusal can say which field it is about.
//!
//! The way is steps on the stack: nothing is allocated for what fits. No limit of any message is here.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;

use super::violation::{Fault, Flaw};
use crate::simulator::json::Json;

/// Displayed as the way to it: `interactive.action.sections[1].title`.
#[derive(Clone, Copy)]
pub(super) struct Node<'up, 'json> {
    json: &'json Json<'json>,
    step: Step<'up>,
    up: Option<&'up Self>,
}

#[derive(Clone, Copy)]
enum Step<'up> {
    Key(&'up str),
    Item(usize),
}

impl<'up, 'json> Node<'up, 'json> {
    /// A value that stands under `key` in the request itself.
    pub(super) fn top(key: &'up str, json: &'json Json<'json>) -> Self {
        Self { json, step: Step::Key(key), up: None }
    }

    /// The field `key`, if this is an object that has it.
    pub(super) fn get<'s>(&'s self, key: &'s str) -> Option<Node<'s, 'json>> {
        self.json.get(key).map(|json| Node { json, step: Step::Key(key), up: Some(self) })
    }

    /// The field `key`, which has to be there.
    pub(super) fn need<'s>(&'s self, key: &'s str) -> Result<Node<'s, 'json>, Fault> {
        self.object()?;
        self.get(key).ok_or_else(|| Fault { flaw: Flaw::Missing, what: format!("{self}.{key}") })
    }

    /// All fields of this, which has to be an object.
    pub(super) fn fields<'s>(&'s self) -> Result<impl Iterator<Item = Node<'s, 'json>>, Fault> {
        let fields = self.object()?;
        Ok(fields.iter().map(move |(key, json)| Node { json, step: Step::Key(key), up: Some(self) }))
    }

    /// This, which has to be an object.
    pub(super) fn object(&self) -> Result<&'json [(Cow<'json, str>, Json<'json>)], Fault> {
        self.json.as_object().ok_or_else(|| self.fault(Flaw::Form, "must be an object"))
    }

    /// The items of this, which has to be a list of so many.
    pub(super) fn items<'s>(
        &'s self,
        count: RangeInclusive<usize>,
    ) -> Result<impl ExactSizeIterator<Item = Node<'s, 'json>> + Clone, Fault> {
        let items = self.json.as_list().ok_or_else(|| self.fault(Flaw::Form, "must be a list"))?;
        if items.len() < *count.start() {
            return Err(self.fault(Flaw::Count, format_args!("must have at least {} items", count.start())));
        }
        if items.len() > *count.end() {
            return Err(self.fault(Flaw::Count, format_args!("must have at most {} items", count.end())));
        }
        Ok(items.iter().enumerate().map(move |(place, json)| Node { json, step: Step::Item(place), up: Some(self) }))
    }

    /// This, which has to be a text, though it may be empty.
    pub(super) fn string(&self) -> Result<&'json str, Fault> {
        self.json.as_text().ok_or_else(|| self.fault(Flaw::Form, "must be a string"))
    }

    /// This, which has to be a text; an empty one counts as none.
    pub(super) fn text(&self) -> Result<&'json str, Fault> {
        match self.string()? {
            "" => Err(Fault { flaw: Flaw::Missing, what: self.to_string() }),
            text => Ok(text),
        }
    }

    /// The same, of at most so many characters.
    pub(super) fn text_of(&self, most: usize) -> Result<&'json str, Fault> {
        let text = self.text()?;
        // Bytes are never fewer than characters, so most texts need no count.
        if text.len() > most && text.chars().count() > most {
            return Err(self.fault(Flaw::Length, format_args!("must not have more than {most} characters")));
        }
        Ok(text)
    }

    /// The text under `key` if there is one: it may be empty, and have at most so many characters.
    pub(super) fn optional_text(&self, key: &str, most: usize) -> Result<(), Fault> {
        match self.get(key) {
            Some(text) if !text.string()?.is_empty() => text.text_of(most).map(drop),
            _ => Ok(()),
        }
    }

    /// The word under `key`, which has to be one of these.
    pub(super) fn word(&self, key: &str, words: &[&'static str]) -> Result<&'static str, Fault> {
        self.word_where(key, words, |one, other| one == other)
    }

    /// The same, in any letter case.
    pub(super) fn word_in_any_case(&self, key: &str, words: &[&'static str]) -> Result<&'static str, Fault> {
        self.word_where(key, words, str::eq_ignore_ascii_case)
    }

    fn word_where(
        &self,
        key: &str,
        words: &[&'static str],
        same: impl Fn(&str, &str) -> bool,
    ) -> Result<&'static str, Fault> {
        let node = self.need(key)?;
        let text = node.text()?;
        let word = words.iter().copied().find(|word| same(word, text));
        word.ok_or_else(|| node.fault(Flaw::Value, format_args!("must be one of {}", words.join(", "))))
    }

    /// The number that this has to be.
    pub(super) fn number(&self) -> Result<f64, Fault> {
        match self.json {
            Json::Number(number) => Ok(*number),
            _ => Err(self.fault(Flaw::Form, "must be a number")),
        }
    }

    /// The number that this has to be, or be the text of.
    pub(super) fn number_or_text(&self) -> Result<f64, Fault> {
        match self.json {
            Json::Text(_) => self.text()?.parse().map_err(|_| self.fault(Flaw::Form, "must be a number")),
            _ => self.number(),
        }
    }

    /// That there is something wrong with this: `must` says what it has to be, and never what it is.
    pub(super) fn fault(&self, flaw: Flaw, must: impl fmt::Display) -> Fault {
        Fault { flaw, what: format!("{self} {must}") }
    }
}

impl fmt::Display for Node<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(up) = self.up {
            up.fmt(f)?;
        }
        match self.step {
            Step::Key(key) if self.up.is_none() => f.write_str(key),
            Step::Key(key) => write!(f, ".{key}"),
            Step::Item(place) => write!(f, "[{place}]"),
        }
    }
}
