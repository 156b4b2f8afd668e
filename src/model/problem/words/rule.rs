//! The rules of messages as phrases. The reference and the error for a message that breaks a rule use the same phrase.

use std::fmt;

use crate::model::problem::message::{Is, LinkFlaw};
use crate::model::problem::rule::Rule;

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("text"),
            Self::Exactly(word) => write!(f, "`{word}`"),
            Self::Flag => f.write_str("`true` or `false`"),
            Self::Number { least, most, whole, or_text } => {
                f.write_str(if *whole { "a whole number" } else { "a number" })?;
                match (*least, *most) {
                    (i64::MIN, i64::MAX) => {}
                    (least, i64::MAX) => write!(f, " of at least {least}")?,
                    (i64::MIN, most) => write!(f, " of at most {most}")?,
                    (least, most) => write!(f, " from {least} to {most}")?,
                }
                if *or_text { f.write_str(", or that number as text") } else { Ok(()) }
            }
            Self::LinkTo(media) => write!(f, "a link to {} {media} on a public server", article(media)),
            Self::Url => f.write_str("a public http or https URL"),
            Self::Texts => f.write_str("an object with text values"),
            Self::Anything => f.write_str("anything"),
            Self::List { least, most } => match (least, most) {
                (1, Some(1)) => f.write_str("a list of exactly 1 item"),
                (0, Some(1)) => f.write_str("a list of at most 1 item"),
                (0, Some(most)) => write!(f, "a list of at most {most} items"),
                (least, Some(most)) => write!(f, "a list of {least} to {most} items"),
                (0, None) => f.write_str("a list"),
                (1, None) => f.write_str("a list of at least 1 item"),
                (least, None) => write!(f, "a list of at least {least} items"),
            },
            Self::Object(None) => f.write_str("an object"),
            Self::Object(Some(tag)) => write!(f, "an object with its kind in `{tag}`"),
            Self::OneOf(names) => {
                let one_of = if names.len() == 1 { "" } else { "one of " };
                write!(f, "{one_of}{}", quoted(names))
            }
            Self::NotEmpty => f.write_str("not empty"),
            Self::PlainCharacters => {
                f.write_str("no control characters except line breaks and tabs, and no unclosed text-direction marks")
            }
            Self::MostChars(most) => write!(f, "at most {most} characters"),
            Self::MostCharsAdvised(most) => write!(f, "more than {most} characters may be refused"),
            Self::Parameter => f.write_str("no line breaks, no tabs and at most 4 spaces in a row"),
            Self::MostLineBreaks(most) => write!(f, "at most {most} line breaks"),
            Self::Alphanumeric => f.write_str("only letters A to Z (upper or lower case) and digits"),
            Self::Digits => f.write_str("only digits"),
            Self::PlusDigits => f.write_str("`+` and digits"),
            Self::MessageId => {
                f.write_str("the id of a WhatsApp message, which starts with `wamid.` and contains no spaces")
            }
            Self::TemplateName => {
                f.write_str("only lowercase letters a to z, digits and `_` (other names may be refused)")
            }
            Self::Extensions(extensions) => {
                for (index, extension) in extensions.iter().enumerate() {
                    write!(f, "{}.{extension}", if index == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
            Self::Unique(keys) => write!(f, "no two items have the same `{keys}`"),
            Self::MostInAll(key, most) => write!(f, "at most {most} items across all `{key}`"),
            Self::OnceEach(but) => write!(f, "each kind at most once, except `{but}`"),
            Self::Counted(key) => write!(f, "`{key}` numbers the items from 0"),
            Self::CardsAlike => {
                f.write_str("all cards must have the same parts, and the same number and kinds of buttons")
            }
            Self::AllOrNone(key) => write!(f, "either every item has a `{key}`, or none does"),
            Self::EachIfSeveral(key) => write!(f, "if there are several items, each must have a `{key}`"),
            Self::MostCharsInAll(key, most) => write!(f, "at most {most} characters across all `{key}`"),
            Self::OneGroup(groups) => {
                f.write_str("either ")?;
                let or = if groups.iter().all(|group| group.len() == 1) { " or " } else { ", or " };
                for (index, group) in groups.iter().enumerate() {
                    write!(f, "{}`{}`", if index == 0 { "" } else { or }, group.join("` with `"))?;
                }
                Ok(())
            }
            Self::NotTogether(one, other) => {
                write!(f, "either `{one}` or `{other}` (the provider's documentation never shows both)")
            }
        }
    }
}

impl fmt::Display for Is {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("empty"),
            Self::Bool => f.write_str("a boolean"),
            Self::Number => f.write_str("a number"),
            Self::Text => f.write_str("text"),
            Self::List => f.write_str("a list"),
            Self::Object => f.write_str("an object"),
            Self::TheText(text) => write!(f, "the text `{text}`"),
            Self::TheNumber(number) => write!(f, "the number {number}"),
        }
    }
}

impl LinkFlaw {
    /// Returns words that follow the link: `… has an invalid port`.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Blank => "contains a space; write it as %20",
            Self::NoScheme => "does not start with https:// or http://",
            Self::TwoSchemes => "starts with https:// or http:// twice",
            Self::BadPort => "has an invalid port",
            Self::NoServer => "has no host name",
            Self::Private => "points to a server that is not public, so the provider cannot reach it",
            Self::Impossible => "has an invalid host name",
            Self::NoDot => "has a host name without a dot, which the provider cannot reach",
        }
    }
}

/// Formats names as a list: `a`, `b`, `c`.
pub(super) fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

pub(super) fn article(name: &str) -> &'static str {
    if name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}
