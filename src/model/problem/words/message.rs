//! Words of what is wrong with a message.

use super::rule::quoted;
use crate::model::problem::message::{MessageProblem, NoParameter, TypeFix};
use crate::model::problem::rule::Rule;

impl MessageProblem {
    /// What is wrong, in a sentence without a full stop.
    #[must_use]
    pub fn words(&self) -> String {
        // Of those that say it, which all have one.
        let rule = || self.rule().as_ref().map(Rule::to_string).unwrap_or_default();
        match self {
            Self::NoObject(is) => format!("a message has to be an object with a `type`, and is {is}"),
            Self::SessionOnly { channel, kind, .. } => format!(
                "on {channel} a message of the type `{kind}` reaches only those who wrote to you within the last 24 hours"
            ),
            Self::Missing { rule, .. } => format!("this is missing: it has to be {rule}"),
            Self::WrongType { rule, is, .. } => format!("this has to be {rule}, and is {is}"),
            Self::UnknownKind { written, .. } => {
                format!("there is no kind `{written}` here: it has to be {}", rule())
            }
            Self::WrongWord { text, word } => format!("`{text}` is not what has to be here: `{word}`"),
            Self::OutOfRange { value, rule } => format!("{value} is not {rule}"),
            Self::WrongCount { count, .. } => format!("there are {count} here; it has to be {}", rule()),
            Self::TooManyInAll { count, .. } => format!("there are {count} items; there may be {}", rule()),
            Self::UnknownKey { .. } => "the provider's document does not know this key; it is sent as it is".to_owned(),
            Self::UndocumentedKey { .. } => {
                "the provider's document does not have this, though Meta's API does; it is sent as it is".to_owned()
            }
            Self::NotAllowed { .. } => "this cannot be here".to_owned(),
            Self::NotUnique { value, .. } => format!("`{value}` stands here twice, and has to differ"),
            Self::SecondOfKind { kind, .. } => format!("there is a second `{kind}` here; {}", rule()),
            Self::NotInOrder { found, wanted, .. } => format!("{found} stands where {wanted} should: {}", rule()),
            Self::CardsDiffer => format!("this card has other parts or buttons than the first: {}", rule()),
            Self::Mixed(key) => format!("items with and without `{key}` are mixed here: {}", rule()),
            Self::OneOf { begun, .. } => {
                let is = match begun {
                    0 => "something is missing here",
                    1 => "only a part of it is here",
                    _ => "too much is here",
                };
                format!("{is}: it has to be {}", rule())
            }
            Self::NotTogether(..) => format!("there are two things here: {}", rule()),
            Self::EmptyText { blank: false } => "this text is empty".to_owned(),
            Self::EmptyText { blank: true } => "this text is only blanks".to_owned(),
            Self::TooLong { text, chars, .. } => format!("`{text}` has {chars} characters; it may have {}", rule()),
            Self::TooLongInAll { chars, .. } => format!("these have {chars} characters; there may be {}", rule()),
            Self::BadParameter { text, holds } => {
                let what = match holds {
                    NoParameter::LineBreak => "a line break",
                    NoParameter::Tab => "a tab",
                    NoParameter::Spaces => "more than 4 spaces in a row",
                };
                format!("`{text}` holds {what}; a parameter of a template takes {}", rule())
            }
            Self::TooManyLines { text, breaks, .. } => {
                format!("`{text}` has {breaks} line breaks; it may have {}", rule())
            }
            Self::NotAlphanumeric { text } => format!("`{text}` may hold {}", rule()),
            Self::NotDigits => format!("the number may hold {}: the country code and the number", rule()),
            Self::TemplateName { text } => format!(
                "`{text}` cannot be a template of Meta's: its name has only small letters a to z, digits and `_`"
            ),
            Self::Character { bad, text } => format!("{}, in `{text}`", bad.words()),
            Self::BadLink { link, why } | Self::PrivateLink { link, why } => format!("`{link}` {}", why.words()),
            Self::WrongExtension { extension, media, .. } => {
                format!("a .{extension} file is no {media} that is taken here: {}", rule())
            }
            Self::UndocumentedExtension { extension, media, .. } => {
                format!("the provider's document lists {} for {media}s; it uses .{extension} only in a sample", rule())
            }
            Self::UnclearExtension { file, media, .. } => {
                format!("from `{file}` nobody can tell the kind of file; taken as {media} are {}", rule())
            }
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::SessionOnly { others, .. } => format!("for anyone else send {}", quoted(others)),
            Self::Missing { meant: Some(key), .. } => format!("did you mean it by `{key}`?"),
            Self::Missing { note, .. } | Self::UndocumentedKey { note } | Self::NotAllowed { note } => note.clone()?,
            Self::WrongType { fix, .. } => fix.as_ref()?.words(),
            Self::UnknownKind { meant, .. } | Self::UnknownKey { meant } => {
                format!("did you mean `{}`?", meant.as_ref()?)
            }
            Self::EmptyText { .. } => "write something, or leave the key out".to_owned(),
            Self::TooLong { chars, most, .. } => format!("shorten it by {}", chars.saturating_sub(*most)),
            Self::BadParameter { .. } => {
                "Meta refuses it with 132018: write it on one line, with single spaces".to_owned()
            }
            Self::TooManyLines { .. } => "take line breaks out".to_owned(),
            Self::Character { bad, .. } => bad.hint().to_owned(),
            Self::BadLink { .. } => "write the whole address, such as https://www.example.com/picture.png".to_owned(),
            Self::PrivateLink { .. } => "put it on a server that everyone can reach".to_owned(),
            Self::NoObject(_)
            | Self::WrongWord { .. }
            | Self::OutOfRange { .. }
            | Self::WrongCount { .. }
            | Self::TooManyInAll { .. }
            | Self::NotUnique { .. }
            | Self::SecondOfKind { .. }
            | Self::NotInOrder { .. }
            | Self::CardsDiffer
            | Self::Mixed(_)
            | Self::OneOf { .. }
            | Self::NotTogether(..)
            | Self::TooLongInAll { .. }
            | Self::NotAlphanumeric { .. }
            | Self::NotDigits
            | Self::TemplateName { .. }
            | Self::WrongExtension { .. }
            | Self::UndocumentedExtension { .. }
            | Self::UnclearExtension { .. } => return None,
        })
    }
}

impl TypeFix {
    fn words(&self) -> String {
        match self {
            Self::Quote(number) => format!("write it in quotes: \"{number}\""),
            Self::NumberItself => "what is put in for `{{ … }}` is always a text; write the number itself".to_owned(),
            Self::Unquote => "write it without quotes".to_owned(),
            Self::Keys(keys) => format!("give it the keys {}", quoted(keys)),
            Self::MakeList => "put `- ` before each item, or `[ ]` around them".to_owned(),
            Self::TextItself => "write the text itself, without keys under it".to_owned(),
        }
    }
}
