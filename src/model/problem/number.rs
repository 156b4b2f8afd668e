//! Problems of the cell that should contain a phone number.

use serde::{Deserialize, Serialize};

/// Why a text is not a phone number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberProblem {
    /// No row was read.
    NoRow,
    /// The cell is empty.
    Empty,
    /// It has no digits.
    NoDigits,
    /// It has more digits than any written phone number.
    TooManyDigits {
        /// The most digits of a written phone number.
        most: usize,
    },
    /// It has letters.
    Letters,
    /// It has a character that is not allowed in a phone number.
    Character(char),
    /// It is two numbers with a slash between them.
    TwoNumbers,
    /// It is this many complete numbers.
    SeveralNumbers(u8),
    /// It looks like two numbers with only a space or a dash between them.
    JoinedNumbers,
    /// It is a number with this extension.
    Extension(Box<str>),
    /// It is a number of this kind, and the campaign accepts only those that can get a message.
    Kind(NumberKind),
    /// It starts with a single 0, and the campaign has no region.
    National,
    /// It is not a country code followed by a number.
    International {
        /// Why not.
        why: Misfit,
        /// Whether it may be a national number of an unknown country.
        may_be_national: bool,
    },
    /// It starts with an international prefix that may be this one or `00`.
    TwoPrefixes(Box<str>),
    /// It is a national number, or one with an international prefix.
    NationalOrAbroad,
    /// It is ambiguous without the country code or the national prefix.
    Incomplete {
        /// In what way.
        how: Doubt,
        /// The region's national prefix; empty if it has none.
        prefix: Box<str>,
    },
    /// It starts with 0, but numbers of the region do not.
    StartsWith0 {
        /// The region.
        region: Box<str>,
    },
    /// It is not a number of the region.
    NotOfRegion {
        /// The region.
        region: Box<str>,
        /// Its country code.
        code: u16,
        /// How many digits may follow it.
        lengths: Lengths,
    },
    /// A spreadsheet replaced it with an error, or with `####` for lack of space.
    SheetError,
    /// A spreadsheet rounded it.
    SheetRounded,
    /// The format of the spreadsheet's cell displays only some of its digits.
    SheetFormat,
    /// A spreadsheet calculated with it, or took it for a date.
    SheetCalculated,
    /// A spreadsheet added decimals.
    SheetDecimals {
        /// The digits before the decimals.
        whole: Box<str>,
    },
}

/// What the numbering plan says about a number that probably cannot get a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberKind {
    /// The numbering plan has no such number, although its length is possible.
    Unassigned,
    /// A landline number, where those differ from mobile numbers.
    Landline,
    /// Calls are free for the caller.
    TollFree,
    /// Calls cost more.
    PremiumRate,
    /// Shared costs, a pager, a mailbox, a company's or a personal number.
    Service,
}

impl NumberKind {
    /// Returns the stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Unassigned => "unassigned_number",
            Self::Landline => "landline_number",
            Self::TollFree => "toll_free_number",
            Self::PremiumRate => "premium_rate_number",
            Self::Service => "service_number",
        }
    }
}

/// Why digits are not a country code followed by a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Misfit {
    /// They start with 0.
    CodeWith0,
    /// They start with these, but no country code does.
    NoCode(Box<str>),
    /// A 0 follows this country code, but its numbers do not start with 0.
    ZeroAfterCode(u16),
    /// The number is too short or too long for its country code.
    Length {
        /// The code.
        code: u16,
        /// How many digits may follow it.
        lengths: Lengths,
        /// How many digits follow it.
        digits: usize,
    },
    /// The number after this country code has its leading 0 but lacks another digit.
    DigitMissing(u16),
    /// It has this many digits, more than any number has.
    TooLong(usize),
}

/// How a number is ambiguous, with the region's country code if that matters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// A digit of the country code may be missing.
    CodeDigitMissing,
    /// It starts with the country code, but the rest is too short.
    RestTooShort(Box<str>),
    /// It is a number with the country code, or a national one.
    CodeOrNational(Box<str>),
}

/// The allowed numbers of digits, as bits: bit 8 is set if a number may have 8 digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lengths(pub u32);

impl NumberProblem {
    /// Returns the stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoRow | Self::Empty | Self::NoDigits => "no_number",
            Self::SheetError
            | Self::SheetRounded
            | Self::SheetFormat
            | Self::SheetCalculated
            | Self::SheetDecimals { .. } => "spreadsheet_number",
            Self::Kind(kind) => kind.code(),
            _ => "bad_number",
        }
    }
}
