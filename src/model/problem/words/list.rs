//! Words of what is wrong with a row of the list: its number, its cells, its time.

use crate::model::Phone;
use crate::model::problem::cell::{CellProblem, OddCharacter};
use crate::model::problem::number::{Doubt, Lengths, Misfit, NumberProblem};
use crate::model::problem::time::TimeProblem;
use crate::text::{BAD_CHARACTERS, escaped, escaped_json, escaped_name};

const NO_REGION: &str = "write the country code, or say which `region` it is of";
const PLUS: &str = "write + and the country code";
const MEND_SHEET: &str = "format the column as text in the spreadsheet, put the number back and export again";

impl NumberProblem {
    /// What is wrong, in a sentence without a full stop.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::NoRow => "no row was read".to_owned(),
            Self::Empty => "there is no number".to_owned(),
            Self::NoDigits => "there are no digits".to_owned(),
            Self::TooManyDigits { most } => format!("it has more than {most} digits"),
            Self::Letters => "there are letters in it".to_owned(),
            Self::Character(c) => format!("`{}` does not belong into a number", c.escape_debug()),
            Self::National => "it looks like a national number, since it begins with a single 0".to_owned(),
            Self::International { why, .. } => why.words(),
            Self::TwoPrefixes(prefix) => {
                format!("it starts with {prefix}; the international prefix could be {prefix} or 00")
            }
            Self::NationalOrAbroad => {
                "it is ambiguous: a national number, or one with an international prefix".to_owned()
            }
            Self::Incomplete { how, .. } => match how {
                Doubt::CodeDigitMissing => "a digit of the country code may be missing".to_owned(),
                Doubt::RestTooShort(code) => {
                    format!("it starts with country code {code}, but the rest is not a complete number")
                }
                Doubt::CodeOrNational(code) => {
                    format!("it is ambiguous: a number with country code {code}, or a national one")
                }
            },
            Self::StartsWith0 { region } => format!("numbers in {region} do not start with 0"),
            Self::NotOfRegion { region, code, lengths } => {
                format!("it is not a valid {region} number ({} digits after +{code})", lengths.words())
            }
            Self::SheetError => {
                "a spreadsheet wrote an error, or had a column too narrow, in place of the number".to_owned()
            }
            Self::SheetRounded => "a spreadsheet rounded the number and its last digits are lost".to_owned(),
            Self::SheetDecimals { .. } => "a spreadsheet exported it as a decimal number".to_owned(),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Letters => "words and extensions are no part of a number".to_owned(),
            Self::Character(_) => "write one number, of digits, spaces and dashes".to_owned(),
            Self::National => NO_REGION.to_owned(),
            Self::International { may_be_national: true, .. } => {
                format!("if it is a national number, {NO_REGION}")
            }
            Self::TwoPrefixes(_) | Self::NationalOrAbroad => PLUS.to_owned(),
            Self::Incomplete { prefix, .. } => match prefix.as_ref() {
                "" | "1" => PLUS.to_owned(),
                prefix => format!("{PLUS}, or the national prefix {prefix}"),
            },
            Self::StartsWith0 { .. } | Self::NotOfRegion { .. } => {
                "for another country, add + or 00 and the country code".to_owned()
            }
            Self::SheetError | Self::SheetRounded => MEND_SHEET.to_owned(),
            Self::SheetDecimals { whole } => format!(
                "without the decimals it is {whole}: format the column as text in the spreadsheet and export again"
            ),
            Self::NoRow
            | Self::Empty
            | Self::NoDigits
            | Self::TooManyDigits { .. }
            | Self::International { may_be_national: false, .. } => return None,
        })
    }
}

impl Misfit {
    fn words(&self) -> String {
        match self {
            Self::CodeWith0 => "no country code begins with 0".to_owned(),
            Self::NoCode(start) => format!("no country code begins the number: it starts with {start}"),
            Self::ZeroAfterCode(code) => format!("+{code} numbers have no 0 after the country code"),
            Self::Length { code, lengths, digits } => {
                format!("+{code} numbers have {} digits after the country code, this one has {digits}", lengths.words())
            }
            Self::DigitMissing(code) => format!("a digit is missing after the 0 of this +{code} number"),
            Self::TooLong(digits) => {
                format!("it has {digits} digits, an international number has at most {}", Phone::MAX_DIGITS)
            }
        }
    }
}

impl Lengths {
    /// `8`, `9 or 10`, `5 to 13`, `6, 9 or 11`.
    #[must_use]
    pub fn words(self) -> String {
        let all: Vec<usize> = (1..32).filter(|length| self.0 & (1 << length) != 0).collect();
        match all.as_slice() {
            [] => "no".to_owned(),
            [one] => one.to_string(),
            [first, .., last] if all.len() > 2 && last - first + 1 == all.len() => format!("{first} to {last}"),
            [some @ .., last] => {
                let some: Vec<String> = some.iter().map(ToString::to_string).collect();
                format!("{} or {last}", some.join(", "))
            }
        }
    }
}

impl CellProblem {
    /// What is wrong, in a sentence without a full stop.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Ragged { cells, header, .. } => {
                format!("the row has {cells} cell{} and the header {header}", if *cells == 1 { "" } else { "s" })
            }
            Self::Quotes { line } => {
                format!("a quote opened on line {line} is not closed, or has text behind its end")
            }
            Self::LongRow(most) => format!("the row is longer than {most} bytes"),
            Self::NotUtf8 => "the cell is not UTF-8".to_owned(),
            Self::Empty => "the cell is empty".to_owned(),
            Self::TooLong => "the cell is longer than 16 KiB, more than any message holds".to_owned(),
            Self::Character(character) => character.words(),
            Self::NoColumn { name, .. } => format!("there is no column `{}`", escaped_name(name)),
            Self::Undefined(expression) => format!("`{expression}` is undefined"),
            Self::TooManySteps => "the template takes too many steps".to_owned(),
            Self::Failed { kind, detail: Some(detail) } => {
                format!("the template failed: {kind}: {}", escaped(detail))
            }
            Self::Failed { kind, detail: None } => format!("the template failed: {kind}"),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Ragged { extra: true, .. } => "a cell with a delimiter in it needs quotes".to_owned(),
            Self::Ragged { extra: false, .. } => "a delimiter may be missing".to_owned(),
            Self::Quotes { .. } => "close it, and write a quote inside a quoted cell twice".to_owned(),
            Self::NotUtf8 => "save the file as CSV in UTF-8".to_owned(),
            Self::Empty => "fill it in, or give the message a text for such rows with `default(…)`".to_owned(),
            Self::Character(character) => character.hint().to_owned(),
            Self::NoColumn { by_key: Some(column), .. } => column_by_key(column),
            Self::LongRow(_)
            | Self::TooLong
            | Self::NoColumn { by_key: None, .. }
            | Self::Undefined(_)
            | Self::TooManySteps
            | Self::Failed { .. } => return None,
        })
    }
}

/// How a template uses a column whose name is not a variable's.
#[must_use]
pub fn column_by_key(column: &str) -> String {
    let key = serde_json::Value::from(column).to_string();
    format!("write the column `{}` as `{{{{ row[{}] }}}}`", escaped_name(column), escaped_json(&key))
}

impl OddCharacter {
    /// What is wrong: `character 2 is U+000B, a control character`.
    #[must_use]
    pub fn words(self) -> String {
        let Self(character, place) = self;
        let what = match character {
            '\u{202c}' | '\u{2069}' => "which closes a change of direction that was not opened",
            '\u{2028}' | '\u{2029}' => "a line separator that apps do not display as a line break",
            '\r' => "a carriage return without a line feed",
            _ if self.is_direction() => "which changes the direction of the text and is not closed",
            _ => "a control character",
        };
        format!("character {place} is U+{:04X}, {what}", u32::from(character))
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(self) -> &'static str {
        if self.is_direction() {
            "remove it; each of U+202A to U+202E needs its U+202C, and each of U+2066 to U+2068 its U+2069, in the same text"
        } else {
            "remove it"
        }
    }

    fn is_direction(self) -> bool {
        self.code() == BAD_CHARACTERS[1]
    }
}

impl TimeProblem {
    /// What is wrong, in a sentence without a full stop.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::BadSendAt | Self::BadNotAfter => "this is not a time".to_owned(),
            Self::TooLate(send_at, late) => format!("it is to be sent at {send_at}, and not after {late}"),
            Self::NoSuchZone => "there is no such time zone".to_owned(),
            Self::NoZone => "nothing tells the recipient's time zone".to_owned(),
            Self::SeveralZones => {
                "it is by the recipient's clock, and the number may be in several time zones".to_owned()
            }
            Self::NeverOpen(zone) => format!("the window is never open in {zone}"),
            Self::NeverOpenInAll(count) => format!(
                "the number may be in any of {count} time zones, and the window is never open in all of them at once"
            ),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::BadSendAt | Self::BadNotAfter => {
                "write `2026-12-01T09:00` for the recipient's clock, or `2026-12-01T09:00+08:00` with an offset"
            }
            Self::TooLate(..) => "make the time to send it the earlier one",
            Self::NoSuchZone => "write its IANA name, such as `Europe/Berlin`, or leave the cell empty",
            Self::NoZone => "name a column with `recipients.timezone`, or set `timezone` in the campaign",
            Self::SeveralZones => "write the time with its offset, or name a column with `recipients.timezone`",
            Self::NeverOpen(_) | Self::NeverOpenInAll(_) => {
                "name a column with `recipients.timezone`, or widen the window"
            }
        }
    }
}
