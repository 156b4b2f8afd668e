//! The reason for a problem: what is wrong, without anything from the row. Rows with the same reason are counted
//! together.

use std::borrow::Cow;

use super::rule::article;
use crate::model::problem::cell::CellProblem;
use crate::model::problem::message::{MessageProblem, NoParameter};
use crate::model::problem::number::{Doubt, Misfit, NumberProblem};
use crate::model::problem::row_problem::{Flaw, RowProblem};
use crate::model::problem::template::Mismatch;
use crate::model::problem::time::TimeProblem;

impl RowProblem {
    /// Describes what is wrong without a value of the row, in a sentence without a full stop. Different problems have
    /// different reasons. Rows with the same problem but different values have the same reason.
    #[must_use]
    pub fn reason(&self) -> Cow<'static, str> {
        match &self.what {
            Flaw::Number(problem) => problem.reason(),
            Flaw::Cell(problem) => problem.reason(),
            Flaw::Time(problem) => problem.reason(),
            Flaw::Message(problem) => problem.reason(),
            Flaw::Template(off) => off.mismatch.reason(),
        }
    }

    /// Describes what the reason leaves out; `None` if that is at most the value.
    #[must_use]
    pub fn beyond_reason(&self) -> Option<String> {
        use MessageProblem::{BadLink, BadParameter, NotAlphanumeric, PrivateLink, TemplateName};
        let is_quoted = |problem: &MessageProblem| {
            matches!(
                problem,
                BadLink { .. }
                    | BadParameter { .. }
                    | NotAlphanumeric { .. }
                    | PrivateLink { .. }
                    | TemplateName { .. }
            )
        };
        match &self.what {
            Flaw::Message(problem) if self.value.is_some() && is_quoted(problem) => None,
            _ => Some(self.message()).filter(|words| *words != self.reason()),
        }
    }
}

impl NumberProblem {
    fn reason(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::TooManyDigits { .. } => "has too many digits for a phone number",
            Self::Character(_) => "contains a character that is not allowed in a phone number",
            Self::International { why, .. } => match why {
                Misfit::CodeWith0 => "starts with 0, but country codes do not",
                Misfit::NoCode(_) => "does not start with a known country code",
                Misfit::ZeroAfterCode(_) => "has a 0 after the country code",
                Misfit::Length { .. } => "has the wrong number of digits for its country code",
                Misfit::DigitMissing(_) => "has a 0 after the country code, and a digit is missing",
                Misfit::TooLong(_) => "has more digits than any international number",
            },
            Self::SeveralNumbers(_) => "contains several numbers",
            Self::Extension(_) => "has an extension, which cannot receive messages",
            Self::TwoPrefixes(_) => "ambiguous: two international prefixes fit",
            Self::Incomplete { how, .. } => match how {
                Doubt::CodeDigitMissing => "a digit of the country code may be missing",
                Doubt::RestTooShort(_) => "starts with the country code, but the rest is not a complete number",
                Doubt::CodeOrNational(_) => "ambiguous: a number with its country code, or a national number",
            },
            // The words of the others have no value of the row.
            _ => return Cow::Owned(self.words()),
        })
    }
}

impl CellProblem {
    fn reason(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Ragged { extra: true, .. } => "the row has more cells than the header",
            Self::Ragged { extra: false, .. } => "the row has fewer cells than the header",
            Self::Quotes { .. } => "a quote is not closed, or text follows the closing quote",
            Self::Empty => "the cell is empty",
            Self::SheetError(_) => "the cell contains a spreadsheet error",
            Self::DoubleEncoded(_) => "the text was probably decoded with the wrong encoding",
            Self::Character(character) => return contains(character.kind()),
            Self::Failed { kind, .. } => return Cow::Owned(format!("a template expression failed: {kind}")),
            _ => return Cow::Owned(self.words()),
        })
    }
}

impl TimeProblem {
    fn reason(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::TooLate(..) => "the send time is later than the deadline",
            Self::NeverOpen(_) => "the send window is never open in the recipient's time zone",
            Self::NeverOpenInAll(_) => {
                "the number may be in any of several time zones, and the send window is never open in all of them at \
                 once"
            }
            _ => return Cow::Owned(self.words()),
        })
    }
}

impl MessageProblem {
    fn reason(&self) -> Cow<'static, str> {
        Cow::Owned(match self {
            Self::WrongType { rule, .. } | Self::OutOfRange { rule, .. } => format!("this must be {rule}"),
            Self::UnknownKind { .. } => "unknown kind".to_owned(),
            Self::WrongWord { word, .. } => format!("this must be `{word}`"),
            Self::NotUnique { keys, .. } => format!("two items have the same `{keys}`, which must be unique"),
            Self::SecondOfKind { .. } => "a second item of this kind is not allowed here".to_owned(),
            Self::NotInOrder { key, .. } => format!("`{key}` does not number the items from 0"),
            Self::TooLong { most, advised: false, .. } => format!("has more than {most} characters"),
            Self::TooLong { most, advised: true, .. } => {
                format!("has more than {most} characters, and may be refused")
            }
            Self::TooLongInAll { key, most, .. } => format!("has more than {most} characters across all `{key}`"),
            Self::BadParameter { holds, .. } => match holds {
                NoParameter::LineBreak => "contains a line break".to_owned(),
                NoParameter::Tab => "contains a tab".to_owned(),
                NoParameter::Spaces => "contains more than 4 spaces in a row".to_owned(),
            },
            Self::TooManyLines { most, .. } => format!("has more than {most} line breaks"),
            Self::NotAlphanumeric { .. } => "contains characters other than letters and digits".to_owned(),
            Self::TemplateName { .. } => "this cannot be the name of a Meta template".to_owned(),
            Self::Character { bad, .. } => return contains(bad.kind()),
            Self::BadLink { why, .. } | Self::PrivateLink { why, .. } => format!("the link {}", why.words()),
            Self::WrongExtension { media, .. } => {
                format!("this type of file is not accepted as {} {media} here", article(media))
            }
            Self::UndocumentedExtension { media, .. } => {
                format!("the provider's documentation does not list this type of file for {media}s")
            }
            Self::UnclearExtension { media, .. } => {
                format!("the link to the {media} does not show the file type")
            }
            _ => self.words(),
        })
    }
}

impl Mismatch {
    fn reason(&self) -> Cow<'static, str> {
        Cow::Owned(match self {
            Self::Name { template, .. } => format!("the message is for a template other than `{template}`"),
            Self::Language { template, .. } => {
                format!("the message is not in the template's language, which is {template}")
            }
            Self::TooLong { part, most, .. } => {
                format!("with the values filled in, the {} has more than {most} characters", part.words())
            }
            _ => self.words(),
        })
    }
}

fn contains(what: &str) -> Cow<'static, str> {
    Cow::Owned(format!("contains {what}"))
}
