//! The rules of messages as phrases. The same phrase stands in the reference and in what a person is told when a message
//! breaks it.

use std::fmt;

use crate::model::problem::message::{Is, LinkFlaw};
use crate::model::problem::rule::Rule;

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("a text"),
            Self::Exactly(word) => write!(f, "`{word}`"),
            Self::Number { least, most, whole, or_text } => {
                f.write_str(if *whole { "a whole number" } else { "a number" })?;
                if *least > i64::MIN {
                    write!(f, " from {least}")?;
                }
                if *most < i64::MAX {
                    write!(f, " to {most}")?;
                }
                if *or_text { f.write_str(", or a text of it") } else { Ok(()) }
            }
            Self::LinkTo(media) => write!(f, "a link to {} {media} on a public server", article(media)),
            Self::Url => f.write_str("a public http or https address"),
            Self::Texts => f.write_str("texts by their names"),
            Self::Anything => f.write_str("anything"),
            Self::List { least, most } => match (least, most) {
                (1, Some(1)) => f.write_str("a list of exactly 1"),
                (0, Some(most)) => write!(f, "a list of at most {most}"),
                (least, Some(most)) => write!(f, "a list of {least} to {most}"),
                (least, None) => write!(f, "a list of at least {least}"),
            },
            Self::Object(None) => f.write_str("an object"),
            Self::Object(Some(tag)) => write!(f, "an object that says its kind under `{tag}`"),
            Self::OneOf(names) => write!(f, "one of {}", quoted(names)),
            Self::NotEmpty => f.write_str("not empty"),
            Self::PlainCharacters => {
                f.write_str("no control characters but line breaks and tabs, no unclosed changes of direction")
            }
            Self::MostChars(most) => write!(f, "at most {most} characters"),
            Self::MostCharsAdvised(most) => write!(f, "at most {most} characters, or it may be refused"),
            Self::Parameter => f.write_str("no line break, no tab, no more than 4 spaces in a row"),
            Self::MostLineBreaks(most) => write!(f, "at most {most} line breaks"),
            Self::Alphanumeric => f.write_str("only letters A to Z, small or not, and digits"),
            Self::Digits => f.write_str("only digits"),
            Self::TemplateName => f.write_str("only small letters a to z, digits and `_`, or it may be refused"),
            Self::Extensions(extensions) => {
                for (index, extension) in extensions.iter().enumerate() {
                    write!(f, "{}.{extension}", if index == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
            Self::Unique(keys) => write!(f, "`{keys}` differs from item to item"),
            Self::MostInAll(key, most) => write!(f, "at most {most} items in all `{key}` together"),
            Self::OnceEach(but) => write!(f, "each kind at most once, but for `{but}`"),
            Self::Counted(key) => write!(f, "`{key}` counts the items, from 0"),
            Self::CardsAlike => f.write_str("all cards have the same parts, and as many buttons of the same kinds"),
            Self::AllOrNone(key) => write!(f, "either every item has a `{key}` or none"),
            Self::MostCharsInAll(key, most) => write!(f, "at most {most} characters in all `{key}` together"),
            Self::OneGroup(groups) => {
                f.write_str("either ")?;
                for (index, group) in groups.iter().enumerate() {
                    write!(f, "{}`{}`", if index == 0 { "" } else { ", or " }, group.join("` with `"))?;
                }
                Ok(())
            }
            Self::NotTogether(one, other) => write!(f, "`{one}` or `{other}`: the document never shows both"),
        }
    }
}

impl fmt::Display for Is {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("empty"),
            Self::Bool => f.write_str("true or false"),
            Self::Number => f.write_str("a number"),
            Self::Text => f.write_str("a text"),
            Self::List => f.write_str("a list"),
            Self::Object => f.write_str("an object"),
            Self::TheText(text) => write!(f, "the text `{text}`"),
            Self::TheNumber(number) => write!(f, "the number {number}"),
        }
    }
}

impl LinkFlaw {
    /// In words that follow the link: `… has a port that is none`.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Blank => "has a blank in it; in an address a space is %20",
            Self::NoScheme => "does not begin with https:// or http://",
            Self::BadPort => "has a port that is none",
            Self::NoServer => "names no server",
            Self::Private => "is an address within a network of your own, which the provider cannot reach",
            Self::Impossible => "names no server that there can be",
            Self::NoDot => "names no server that the provider can find: its name has no dot",
        }
    }
}

/// Names as people list them: `a`, `b`, `c`.
pub(super) fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn article(name: &str) -> &'static str {
    if name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}
