//! The words for what is wrong with a row of the list: its number, its cells, its time.

use crate::model::Phone;
use crate::model::problem::cell::{CellProblem, OddCharacter};
use crate::model::problem::number::{Doubt, Lengths, Misfit, NumberKind, NumberProblem};
use crate::model::problem::time::TimeProblem;
use crate::text::{BAD_CHARACTERS, escaped, escaped_json, escaped_name, grouped, shown_column};

const NO_REGION: &str = "add the country code, or set `recipients.region`";
const PLUS: &str = "write `+` and the country code";
const FIX_SHEET: &str = "format the column as text in the spreadsheet, restore the number and export again";

impl NumberProblem {
    /// Describes what is wrong, in a sentence without a full stop.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::NoRow => "no row was read".to_owned(),
            Self::Empty => "the number is missing".to_owned(),
            Self::NoDigits => "contains no digits".to_owned(),
            Self::TooManyDigits { most } => format!("has more than {most} digits"),
            Self::Letters => "contains letters".to_owned(),
            Self::Character(c) => format!("`{}` is not allowed in a phone number", c.escape_debug()),
            Self::TwoNumbers => "contains two numbers, separated by `/`".to_owned(),
            Self::SeveralNumbers(count) => format!("contains {count} numbers"),
            Self::JoinedNumbers => "looks like two numbers with only a space or a dash between them".to_owned(),
            Self::Extension(digits) => format!("has the extension {digits}, which cannot receive messages"),
            Self::Kind(kind) => kind.words().to_owned(),
            Self::National => "looks like a national number (leading 0)".to_owned(),
            Self::International { why, .. } => why.words(),
            Self::TwoPrefixes(prefix) => {
                format!("ambiguous: the international prefix may be {prefix} or 00")
            }
            Self::NationalOrAbroad => "ambiguous: a national number, or one with an international prefix".to_owned(),
            Self::Incomplete { how, .. } => match how {
                Doubt::CodeDigitMissing => "a digit of the country code may be missing".to_owned(),
                Doubt::RestTooShort(code) => {
                    format!("starts with country code {code}, but the rest is not a complete number")
                }
                Doubt::CodeOrNational(code) => {
                    format!("ambiguous: a number with country code {code}, or a national number")
                }
            },
            Self::StartsWith0 { region } => format!("numbers in {region} do not start with 0"),
            Self::NotOfRegion { region, code, lengths } => {
                format!("not a valid {region} number (expected {} digits after +{code})", lengths.words())
            }
            Self::SheetError => {
                "contains a spreadsheet error, or `####` from a narrow column, instead of the number".to_owned()
            }
            Self::SheetRounded => "a spreadsheet rounded the number, and its last digits are lost".to_owned(),
            Self::SheetFormat => "the cell's format hides digits of the number".to_owned(),
            Self::SheetCalculated => {
                "a spreadsheet turned the number into the result of a formula, a date or an amount".to_owned()
            }
            Self::SheetDecimals { .. } => "a spreadsheet exported the number with decimals".to_owned(),
        }
    }

    /// Returns what to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Empty => "fill it in, or remove the row".to_owned(),
            Self::Letters => "write only the number, in digits".to_owned(),
            Self::Character(_) => "write one number, using digits, spaces and dashes".to_owned(),
            Self::TwoNumbers => "write one number per row".to_owned(),
            Self::JoinedNumbers => "write one number per row".to_owned(),
            Self::SeveralNumbers(_) => {
                "write one number per row, or set `recipients.split: first` to use the first one".to_owned()
            }
            Self::Extension(_) => "remove the extension".to_owned(),
            Self::Kind(_) => {
                "it probably cannot receive messages; `recipients.strict_numbers` controls whether such rows are \
                 invalid"
                    .to_owned()
            }
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
            Self::SheetError | Self::SheetRounded | Self::SheetCalculated => FIX_SHEET.to_owned(),
            Self::SheetFormat => "set the format of the column to `0` in the spreadsheet".to_owned(),
            Self::SheetDecimals { whole } => {
                format!("without decimals it is {whole}: format the column as text in the spreadsheet and export again")
            }
            Self::NoRow
            | Self::NoDigits
            | Self::TooManyDigits { .. }
            | Self::International { may_be_national: false, .. } => return None,
        })
    }
}

impl NumberKind {
    /// Describes the number, in words that follow it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Unassigned => "not assigned in its country's numbering plan",
            Self::Landline => "a landline number",
            Self::TollFree => "a toll-free number",
            Self::PremiumRate => "a premium-rate number",
            Self::Service => "a service number, not a personal mobile number",
        }
    }
}

impl Misfit {
    fn words(&self) -> String {
        match self {
            Self::CodeWith0 => "country codes do not start with 0".to_owned(),
            Self::NoCode(start) if start.is_empty() => "has no digits after the international prefix".to_owned(),
            Self::NoCode(start) => format!("does not start with a known country code (starts with {start})"),
            Self::ZeroAfterCode(code) => format!("+{code} numbers have no 0 after the country code"),
            Self::Length { code, lengths, digits } => {
                format!(
                    "+{code} numbers have {} digits after the country code, but this one has {digits}",
                    lengths.words()
                )
            }
            Self::DigitMissing(code) => format!("a digit is missing after the 0 of this +{code} number"),
            Self::TooLong(digits) => {
                format!("has {digits} digits, but an international number has at most {}", Phone::MAX_DIGITS)
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
    /// Describes what is wrong, in a sentence without a full stop.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Ragged { cells, header, .. } => {
                format!("the row has {cells} cell{}, but the header has {header}", if *cells == 1 { "" } else { "s" })
            }
            Self::Quotes { line } => {
                format!("a quote opened on line {line} is not closed, or text follows the closing quote")
            }
            Self::SpaceBeforeQuote => "there is a space before the opening quote of a cell".to_owned(),
            Self::CutFormula => "a formula was cut in two at a delimiter in its text".to_owned(),
            Self::LongRow(most) => format!("the row is longer than {} bytes", grouped(*most as u64)),
            Self::NotUtf8 => "the cell is not valid UTF-8".to_owned(),
            Self::NumberFormat(format) => {
                format!("the number has the format `{}`, which is not supported", escaped(format))
            }
            Self::NotInEncoding(encoding) => format!("the cell cannot be decoded as {encoding}"),
            Self::Empty => "the cell is empty".to_owned(),
            Self::TooLong => "the cell is longer than 16 KiB, more than any message can hold".to_owned(),
            Self::Character(character) => character.words(),
            Self::SheetError(error) if error.starts_with("##") => {
                format!("the cell contains `{error}`, which a spreadsheet shows when the column is too narrow")
            }
            Self::SheetError(error) => format!("the cell contains the spreadsheet error `{error}`"),
            Self::DoubleEncoded(original) => {
                format!("the text was probably decoded with the wrong encoding; the original may be `{original}`")
            }
            Self::NoColumn { name, .. } => format!("there is no column `{}`", shown_column(name)),
            Self::Undefined(expression) => format!("`{expression}` is undefined"),
            Self::TooManySteps => "the template expressions take too many steps to render".to_owned(),
            Self::Failed { kind, detail: Some(detail) } => {
                format!("a template expression failed: {kind}: {}", escaped(detail))
            }
            Self::Failed { kind, detail: None } => format!("a template expression failed: {kind}"),
        }
    }

    /// Returns what to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Ragged { extra: true, .. } => {
                "put quotes around a cell that contains the delimiter; if every line ends with a delimiter, the header \
                 line must too"
                    .to_owned()
            }
            Self::Ragged { extra: false, .. } => {
                "add the missing cells; put quotes around a cell that contains a quote, and double the quotes in it"
                    .to_owned()
            }
            Self::SpaceBeforeQuote => "remove the spaces between the delimiter and the quote".to_owned(),
            Self::CutFormula => "put quotes around the whole cell, and double the quotes in it".to_owned(),
            Self::Quotes { .. } => "close it, and double every quote inside a quoted cell".to_owned(),
            Self::NotUtf8 => "save the file as UTF-8 CSV, or set its `encoding`".to_owned(),
            Self::NotInEncoding(_) => "save the file as UTF-8 CSV, or set another `encoding`".to_owned(),
            Self::NumberFormat(_) => "format the column as text in the spreadsheet, and check the numbers".to_owned(),
            Self::Empty => "fill it in, or set a fallback in the message with `default(…)`".to_owned(),
            Self::Character(character) => character.hint().to_owned(),
            Self::SheetError(_) => "restore the value in the spreadsheet and export again".to_owned(),
            Self::DoubleEncoded(_) => "export the list again as UTF-8".to_owned(),
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

/// Returns the hint for a column whose name cannot be a variable in a template. It can be pasted into a text in double
/// quotes, as most texts of a campaign file are.
#[must_use]
pub fn column_by_key(column: &str) -> String {
    let key = column_key(column).replace('\\', "\\\\").replace('"', "\\\"");
    format!("write the column `{}` as `{{{{ {key} }}}}`", shown_column(column))
}

/// Returns the expression for a column with any name: `row['First name']`.
#[must_use]
pub fn column_key(column: &str) -> String {
    match escaped_name(column) == column && !column.contains(['\'', '\\']) {
        true => format!("row['{column}']"),
        false => format!("row[{}]", escaped_json(&serde_json::Value::from(column).to_string())),
    }
}

impl OddCharacter {
    /// What is wrong: `character 2 is U+000B, a control character`.
    #[must_use]
    pub fn words(self) -> String {
        format!("character {} is {}", self.1, self.name())
    }

    /// The same for a character of this text: `character 2 of this line is U+000B, a control character`.
    #[must_use]
    pub fn words_of(self, text: &str) -> String {
        format!("character {} of {text} is {}", self.1, self.name())
    }

    fn name(self) -> String {
        format!("U+{:04X}, {}", u32::from(self.0), self.kind())
    }

    pub(super) fn kind(self) -> &'static str {
        match self.0 {
            '\u{202c}' | '\u{2069}' => "a closing direction mark without an opening one",
            '\u{2028}' | '\u{2029}' => "a line separator that apps do not display as a line break",
            '\r' => "a carriage return without a line feed",
            _ if self.is_direction() => "a text-direction mark that is not closed",
            _ => "a control character",
        }
    }

    /// Returns what to do about it.
    #[must_use]
    pub fn hint(self) -> &'static str {
        if self.is_direction() && !matches!(self.0, '\u{202c}' | '\u{2069}') {
            "remove it, or close it in the same text: U+202A to U+202E with U+202C, U+2066 to U+2068 with U+2069"
        } else {
            "remove it"
        }
    }

    fn is_direction(self) -> bool {
        self.code() == BAD_CHARACTERS[1]
    }
}

impl TimeProblem {
    /// Describes what is wrong, in a sentence without a full stop.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::BadSendAt | Self::BadNotAfter => "this is not a valid time".to_owned(),
            Self::Passed(at) => format!("the send time {at} has passed, so the message is sent as soon as possible"),
            Self::Expired(at) => format!("the deadline {at} has passed, so the row will expire without being sent"),
            Self::TooLate(send_at, late) => format!("the send time {send_at} is later than the deadline {late}"),
            Self::NoSuchZone => "unknown time zone".to_owned(),
            Self::NoZone => "the recipient's time zone is unknown".to_owned(),
            Self::SeveralZones => {
                "the time is in the recipient's local time, but the number may be in any of several time zones"
                    .to_owned()
            }
            Self::NeverOpen(zone) => format!("the send window is never open in {zone}"),
            Self::NeverOpenInAll(count) => format!(
                "the number may be in any of several time zones ({count}), and the send window is never open in all of them \
                 at once"
            ),
        }
    }

    /// Returns what to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::BadSendAt | Self::BadNotAfter => {
                "write `2026-12-01T09:00` for the recipient's clock, or `2026-12-01T09:00+08:00` with an offset"
            }
            Self::Passed(_) | Self::Expired(_) => "correct the time, or leave the cell empty",
            Self::TooLate(..) => "set a send time before the deadline",
            Self::NoSuchZone => "write an IANA name such as `Europe/Berlin`, or leave the cell empty",
            Self::NoZone => "set `recipients.timezone` to a column, or set `timezone` in the campaign",
            Self::SeveralZones => "write the time with an offset, or set `recipients.timezone` to a column",
            Self::NeverOpen(_) | Self::NeverOpenInAll(_) => {
                "set `recipients.timezone` to a column, or widen the window"
            }
        }
    }
}
