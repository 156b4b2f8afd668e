//! The words for what is wrong with a message.

use super::rule::{article, quoted};
use crate::model::problem::message::{MessageProblem, NoParameter, TypeFix};
use crate::model::problem::rule::Rule;
use crate::text::count;

impl MessageProblem {
    /// Describes what is wrong, in a sentence without a full stop.
    #[must_use]
    pub fn words(&self) -> String {
        // Only problems that have a rule call this.
        let rule = || self.rule().as_ref().map(Rule::to_string).unwrap_or_default();
        match self {
            Self::NoObject(is) => format!("a message must be an object with a `type`, but this is {is}"),
            Self::SessionOnly { channel, kind, .. } => format!(
                "on {channel}, {} `{kind}` message reaches only people who wrote to you within the last 24 hours",
                article(kind)
            ),
            Self::Missing { rule, .. } => format!("this is missing; it must be {rule}"),
            Self::WrongType { rule, is, .. } => format!("this must be {rule}, but is {is}"),
            Self::UnknownKind { written, .. } => {
                format!("unknown kind `{written}`: it must be {}", rule())
            }
            Self::NoKind { kind, default } => {
                format!("this is missing; the provider treats such a message as `{default}`, but this one has `{kind}`")
            }
            Self::NotOneOf { text, .. } => format!("this must be {}, but is `{text}`", rule()),
            Self::WrongWord { text, word } => format!("this must be `{word}`, but is `{text}`"),
            Self::OutOfRange { value, rule } => format!("{value} is not allowed: this must be {rule}"),
            Self::WrongCount { count, .. } => {
                format!("this must be {}, but has {count} item{}", rule(), if *count == 1 { "" } else { "s" })
            }
            Self::TooManyInAll { count, .. } => format!("{count} items are too many: {}", rule()),
            Self::UnknownKey { .. } => {
                "the provider's documentation does not list this key; it is sent unchanged".to_owned()
            }
            Self::UndocumentedKey { .. } => {
                "Meta's API has this key, but the provider's documentation does not; it is sent unchanged".to_owned()
            }
            Self::NotAllowed { .. } => "this is not allowed here".to_owned(),
            Self::NotUnique { value, .. } => format!("`{value}` appears twice, but must be unique"),
            Self::SecondOfKind { kind, .. } => format!("a second `{kind}` is not allowed here: {}", rule()),
            Self::NotInOrder { found, wanted, .. } => format!("this is {found}, but should be {wanted}: {}", rule()),
            Self::CardsDiffer => format!("this card's parts or buttons differ from the first card's: {}", rule()),
            Self::Mixed(key) => format!("some items have `{key}` and others do not: all must have it, or none"),
            Self::Untitled(_) => format!("this is missing: {}", rule()),
            Self::OneOf { begun, .. } => {
                let is = match begun {
                    0 => "something is missing here",
                    1 => "this is incomplete",
                    _ => "more than one alternative is present",
                };
                format!("{is}: write {}", rule())
            }
            Self::NotTogether(..) => format!("two alternatives are both present: write {}", rule()),
            Self::EmptyText { blank: false } => "this text is empty".to_owned(),
            Self::EmptyText { blank: true } => "this text contains no visible characters".to_owned(),
            Self::TooLong { text, chars, most, advised: false, .. } => {
                format!("`{text}` has {chars} characters; the limit is {most}")
            }
            Self::TooLong { text, chars, most, advised: true, .. } => {
                format!("`{text}` has {chars} characters; more than {most} may be refused")
            }
            Self::TooLongInAll { chars, .. } => format!("these texts have {chars} characters in total: {}", rule()),
            Self::BadParameter { text, holds } => {
                let what = match holds {
                    NoParameter::LineBreak => "a line break",
                    NoParameter::Tab => "a tab",
                    NoParameter::Spaces => "more than 4 spaces in a row",
                };
                format!("`{text}` contains {what}; a template parameter allows {}", rule())
            }
            Self::TooManyLines { text, breaks, most } => {
                format!("`{text}` has {breaks} line breaks; the limit is {most}")
            }
            Self::NotAlphanumeric { text } => {
                format!("`{text}` contains characters that are not allowed; write {}", rule())
            }
            Self::NotInternational => {
                "write the number as `+` and digits, with the country code: without the plus, it may be read as another \
                 person's number"
                    .to_owned()
            }
            Self::NoMessageId { text } => format!("`{text}` does not look like {}", rule()),
            Self::NotDigits => "write the number with digits only, including the country code".to_owned(),
            Self::TemplateName { text } => format!(
                "`{text}` cannot be the name of a Meta template: names have only lowercase letters a to z, digits and \
                 `_`"
            ),
            Self::Character { bad, text } => bad.words_of(&format!("`{text}`")),
            Self::BadLink { link, why } | Self::PrivateLink { link, why } => format!("`{link}` {}", why.words()),
            Self::EscapedLink { link } => format!("`{link}` contains `&amp;`, the HTML escape for `&`"),
            Self::OfferEnded { at } => format!("the offer ended at {at}"),
            Self::WrongExtension { extension, media, .. } => {
                format!("a .{extension} file is not accepted as {} {media} here; accepted: {}", article(media), rule())
            }
            Self::UndocumentedExtension { extension, media, .. } => {
                format!(
                    "the provider's documentation lists {} for {media}s, and uses .{extension} only in a sample",
                    rule()
                )
            }
            Self::UnclearExtension { file, media, .. } => {
                let what = match file.as_str() {
                    "" => "the link has no file name, so it does not show the file type".to_owned(),
                    file => format!("the name `{file}` does not show the file type"),
                };
                format!("{what}; accepted as {} {media}: {}", article(media), rule())
            }
        }
    }

    /// Returns what to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::SessionOnly { others, .. } => format!("to reach anyone else, send {} messages", quoted(others)),
            Self::Missing { meant: Some(key), .. } => format!("`{key}` looks like a misspelling of it"),
            Self::Missing { note, .. } | Self::UndocumentedKey { note } | Self::NotAllowed { note } => note.clone()?,
            Self::WrongType { fix, .. } => fix.as_ref()?.words(),
            Self::NoKind { kind, .. } => format!("write `type: {kind}`"),
            Self::UnknownKind { elsewhere, .. } if !elsewhere.is_empty() => {
                format!("{} supports it; choose a provider that uses this API", elsewhere.join(", "))
            }
            Self::UnknownKind { meant, .. } | Self::UnknownKey { meant } => {
                format!("did you mean `{}`?", meant.as_ref()?)
            }
            Self::EmptyText { .. } => "write some text, or remove the key if it is optional".to_owned(),
            Self::TooLong { chars, most, excess, .. } => {
                let excess = excess.unwrap_or_default().max(chars.saturating_sub(*most));
                format!("shorten it by {}", count(excess as u64, "character"))
            }
            Self::BadParameter { .. } => {
                "Meta refuses it with error 132018: write it on one line, with single spaces".to_owned()
            }
            Self::TooManyLines { .. } => "remove line breaks".to_owned(),
            Self::Character { bad, .. } => bad.hint().to_owned(),
            Self::BadLink { .. } => "write the full URL, such as https://www.example.com/picture.png".to_owned(),
            Self::EscapedLink { .. } => "write `&`".to_owned(),
            Self::OfferEnded { .. } => "set a later time".to_owned(),
            Self::PrivateLink { .. } => "use a link to a public server".to_owned(),
            Self::NoObject(_)
            | Self::WrongWord { .. }
            | Self::NotOneOf { .. }
            | Self::OutOfRange { .. }
            | Self::WrongCount { .. }
            | Self::TooManyInAll { .. }
            | Self::NotUnique { .. }
            | Self::SecondOfKind { .. }
            | Self::NotInOrder { .. }
            | Self::CardsDiffer
            | Self::Mixed(_)
            | Self::Untitled(_)
            | Self::OneOf { .. }
            | Self::NotTogether(..)
            | Self::TooLongInAll { .. }
            | Self::NotAlphanumeric { .. }
            | Self::NotDigits
            | Self::NotInternational
            | Self::NoMessageId { .. }
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
            Self::Quote(number) => format!("put it in quotes: \"{number}\""),
            Self::NumberItself => "`{{ … }}` always produces text; write the number itself".to_owned(),
            Self::Unquote => "remove the quotes".to_owned(),
            Self::Keys(keys) => {
                format!("write it with the key{} {}", if keys.len() == 1 { "" } else { "s" }, quoted(keys))
            }
            Self::MakeList => "put `- ` before each item, or `[ ]` around the items".to_owned(),
            Self::TextItself => "write the text itself, without keys below it".to_owned(),
        }
    }
}
