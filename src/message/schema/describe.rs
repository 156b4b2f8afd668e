//! Converts each shape and rule of the tables to a [`Rule`], whose phrase appears in the reference and in the error for
//! a body that breaks it.

use std::fmt;

use serde_json::Value;

use super::types::{List, ListRule, Media, Number, ObjectRule, Shape, TextRule};
use crate::model::{Is, Rule};

/// The most characters of a value that are shown.
const SHOWN_CHARS: usize = 40;

impl From<&Shape> for Rule {
    fn from(shape: &Shape) -> Self {
        match shape {
            Shape::Text(_) => Self::Text,
            Shape::Exactly(word) => Self::Exactly((*word).to_owned()),
            Shape::Words(words) => Self::OneOf(names(words.iter().copied())),
            Shape::Flag => Self::Flag,
            Shape::Number(number) => number.into(),
            Shape::Link(media) => Self::LinkTo(media.name.to_owned()),
            Shape::Url => Self::Url,
            Shape::Texts => Self::Texts,
            Shape::Anything => Self::Anything,
            Shape::List(List { least, most, .. }) => Self::List { least: *least, most: *most },
            Shape::Object(object) => Self::Object(object.kinds.as_ref().map(|kinds| kinds.tag.to_owned())),
        }
    }
}

impl From<&Number> for Rule {
    fn from(&Number { least, most, whole, or_text }: &Number) -> Self {
        Self::Number { least, most, whole, or_text }
    }
}

impl From<&TextRule> for Rule {
    fn from(rule: &TextRule) -> Self {
        match *rule {
            TextRule::Most(most) => Self::MostChars(most),
            TextRule::MostAdvised(most) => Self::MostCharsAdvised(most),
            TextRule::Parameter => Self::Parameter,
            TextRule::LineBreaks(most) => Self::MostLineBreaks(most),
            TextRule::Alphanumeric => Self::Alphanumeric,
            TextRule::Digits => Self::Digits,
            TextRule::TemplateName => Self::TemplateName,
            TextRule::PlusDigits => Self::PlusDigits,
            TextRule::MessageId => Self::MessageId,
        }
    }
}

impl From<&ListRule> for Rule {
    fn from(rule: &ListRule) -> Self {
        match *rule {
            ListRule::Unique(keys) => Self::Unique(keys.join(".")),
            ListRule::MostInAll(key, most) => Self::MostInAll(key.to_owned(), most),
            ListRule::OnceEach { but, .. } => Self::OnceEach(but.to_owned()),
            ListRule::Counted(key) => Self::Counted(key.to_owned()),
            ListRule::CardsAlike => Self::CardsAlike,
            ListRule::AllOrNone(key) => Self::AllOrNone(key.to_owned()),
            ListRule::EachIfSeveral(key) => Self::EachIfSeveral(key.to_owned()),
            ListRule::CharactersInAll(key, most) => Self::MostCharsInAll(key.to_owned(), most),
        }
    }
}

impl From<&ObjectRule> for Rule {
    fn from(rule: &ObjectRule) -> Self {
        match *rule {
            ObjectRule::OneOf(groups) => Self::OneGroup(owned(groups)),
            ObjectRule::NotShownTogether(one, other) => Self::NotTogether(one.to_owned(), other.to_owned()),
        }
    }
}

/// Returns owned groups of keys.
pub(in crate::message) fn owned(groups: &[&[&str]]) -> Vec<Vec<String>> {
    groups.iter().map(|group| names(group.iter().copied())).collect()
}

/// Returns owned names.
pub(in crate::message) fn names<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    names.map(str::to_owned).collect()
}

impl fmt::Display for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Rule::Extensions(self.taken()).fmt(f)
    }
}

impl Media {
    /// Returns the accepted extensions.
    pub(in crate::message) fn taken(&self) -> Vec<String> {
        names(self.extensions.iter().copied())
    }

    /// Describes the limits of the file itself; empty if there are none.
    pub(in crate::message) fn limits(&self) -> String {
        let size = self.megabytes.map(|most| format!("at most {most} MB"));
        let inside = Some(self.inside.to_owned()).filter(|inside| !inside.is_empty());
        let length = self.needs_length.then(|| "its server must send `Content-Length`".to_owned());
        [size, inside, length].into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

/// Returns the type of a value.
pub(in crate::message) fn kind_of(value: &Value) -> Is {
    match value {
        Value::Null => Is::Null,
        Value::Bool(_) => Is::Bool,
        Value::Number(_) => Is::Number,
        Value::String(_) => Is::Text,
        Value::Array(_) => Is::List,
        Value::Object(_) => Is::Object,
    }
}

/// Shortens a text to one line.
pub(in crate::message) fn shortened(text: &str) -> String {
    crate::model::shortened(text, SHOWN_CHARS)
}

/// Formats names as a list: `a`, `b`, `c`.
pub(in crate::message) fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Returns the name that was probably meant, if one is similar.
pub(in crate::message) fn near<'a>(written: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = written.to_lowercase();
    // The cost is the product of the lengths, and no name is this long.
    if word.len() > 64 {
        return None;
    }
    names
        .map(|name| (strsim::damerau_levenshtein(&word, name), name))
        .filter(|(distance, name)| *distance <= (name.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
