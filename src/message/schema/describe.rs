//! The tables in words: each shape and rule as a phrase. The same phrase stands in the reference and in what a person
//! is told when a body breaks it.

use std::fmt;

use serde_json::Value;

use super::types::{List, ListRule, Media, Number, ObjectRule, Shape, TextRule};

/// Characters of a value that are shown.
const SHOWN_CHARS: usize = 40;

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("a text"),
            Self::Exactly(word) => write!(f, "`{word}`"),
            Self::Number(number) => number.fmt(f),
            Self::Link(media) => write!(f, "a link to {} {} on a public server", article(media.name), media.name),
            Self::Url => f.write_str("a public http or https address"),
            Self::Texts => f.write_str("texts by their names"),
            Self::Anything => f.write_str("anything"),
            Self::List(list) => list.fmt(f),
            Self::Object(object) => {
                f.write_str("an object")?;
                if let Some(kinds) = &object.kinds {
                    write!(f, " that says its kind under `{}`", kinds.tag)?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.whole { "a whole number" } else { "a number" })?;
        if self.least > i64::MIN {
            write!(f, " from {}", self.least)?;
        }
        if self.most < i64::MAX {
            write!(f, " to {}", self.most)?;
        }
        if self.or_text { f.write_str(", or a text of it") } else { Ok(()) }
    }
}

impl fmt::Display for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, extension) in self.extensions.iter().enumerate() {
            write!(f, "{}.{extension}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl Media {
    /// What holds for the file itself; empty if nothing does.
    pub(in crate::message) fn limits(&self) -> String {
        let size = self.megabytes.map(|most| format!("at most {most} MB"));
        let inside = Some(self.inside.to_owned()).filter(|inside| !inside.is_empty());
        let length = self.needs_length.then(|| "its server has to send `Content-Length`".to_owned());
        [size, inside, length].into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.least, self.most) {
            (1, Some(1)) => f.write_str("a list of exactly 1"),
            (0, Some(most)) => write!(f, "a list of at most {most}"),
            (least, Some(most)) => write!(f, "a list of {least} to {most}"),
            (least, None) => write!(f, "a list of at least {least}"),
        }
    }
}

impl fmt::Display for TextRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Most(most) => write!(f, "at most {most} characters"),
            Self::MostAdvised(most) => write!(f, "at most {most} characters, or it may be refused"),
            Self::Parameter => f.write_str("no line break, no tab, no more than 4 spaces in a row"),
            Self::LineBreaks(most) => write!(f, "at most {most} line breaks"),
            Self::Alphanumeric => f.write_str("only letters A to Z, small or not, and digits"),
            Self::Digits => f.write_str("only digits"),
            Self::TemplateName => f.write_str("only small letters a to z, digits and `_`, or it may be refused"),
        }
    }
}

impl fmt::Display for ListRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unique(keys) => write!(f, "`{}` differs from item to item", keys.join(".")),
            Self::MostInAll(key, most) => write!(f, "at most {most} items in all `{key}` together"),
            Self::OnceEach { but, .. } => write!(f, "each kind at most once, but for `{but}`"),
            Self::Counted(key) => write!(f, "`{key}` counts the items, from 0"),
            Self::CardsAlike => f.write_str("all cards have the same parts, and as many buttons of the same kinds"),
            Self::AllOrNone(key) => write!(f, "either every item has a `{key}` or none"),
            Self::CharactersInAll(key, most) => write!(f, "at most {most} characters in all `{key}` together"),
        }
    }
}

impl fmt::Display for ObjectRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneOf(groups) => {
                f.write_str("either ")?;
                for (index, group) in groups.iter().enumerate() {
                    write!(f, "{}`{}`", if index == 0 { "" } else { ", or " }, group.join("` with `"))?;
                }
                Ok(())
            }
            Self::NotShownTogether(one, other) => write!(f, "`{one}` or `{other}`: the document never shows both"),
        }
    }
}

/// What a value is, for people.
pub(in crate::message) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A text on one line, cut where it is long.
pub(in crate::message) fn shortened(text: &str) -> String {
    crate::model::shortened(text, SHOWN_CHARS)
}

/// Names as people list them: `a`, `b`, `c`.
pub(in crate::message) fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The name that was meant, if one is near.
pub(in crate::message) fn near<'a>(written: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = written.to_lowercase();
    // Comparing takes the product of the lengths, and no name is as long as this.
    if word.len() > 64 {
        return None;
    }
    names
        .map(|name| (strsim::damerau_levenshtein(&word, name), name))
        .filter(|(distance, name)| *distance <= (name.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

fn article(name: &str) -> &'static str {
    if name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}
