//! What is wrong with the cell that should hold a telephone number.

use serde::{Deserialize, Serialize};

/// Why a text is not a telephone number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberProblem {
    /// No row was read.
    NoRow,
    /// The cell is empty.
    Empty,
    /// It has no digits.
    NoDigits,
    /// It has more digits than any number is written with.
    TooManyDigits {
        /// How many a number has at most, as people write it.
        most: usize,
    },
    /// It has letters.
    Letters,
    /// It has a character that is no part of a number.
    Character(char),
    /// It begins with a single 0, and the campaign has no region.
    National,
    /// It is no country code with a number.
    International {
        /// Why not.
        why: Misfit,
        /// Whether it may be a national number, of which nobody knows the country.
        may_be_national: bool,
    },
    /// It begins with a prefix for calls abroad that may be this one or `00`.
    TwoPrefixes(Box<str>),
    /// It is a national number, or one with an international prefix.
    NationalOrAbroad,
    /// It is the country code or the national prefix short of being understood.
    Incomplete {
        /// In what way.
        how: Doubt,
        /// What is dialled within the region before a number; empty where nothing is.
        prefix: Box<str>,
    },
    /// It begins with 0, and numbers of the region do not.
    StartsWith0 {
        /// The region.
        region: Box<str>,
    },
    /// It is no number of the region.
    NotOfRegion {
        /// The region.
        region: Box<str>,
        /// Its country code.
        code: u16,
        /// How many digits may follow that.
        lengths: Lengths,
    },
    /// A spreadsheet put an error in its place, or had no room for it.
    SheetError,
    /// A spreadsheet rounded it.
    SheetRounded,
    /// A spreadsheet gave it decimals.
    SheetDecimals {
        /// The digits before them.
        whole: Box<str>,
    },
}

/// Why digits are no country code with a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Misfit {
    /// They begin with 0.
    CodeWith0,
    /// They begin with these, and no country code does.
    NoCode(Box<str>),
    /// A 0 follows this country code, whose numbers have none there.
    ZeroAfterCode(u16),
    /// The number is too short or too long for its country code.
    Length {
        /// The code.
        code: u16,
        /// How many digits may follow it.
        lengths: Lengths,
        /// How many do.
        digits: usize,
    },
    /// The number behind this country code has its 0 and lacks another digit.
    DigitMissing(u16),
    /// It has this many digits, more than any number.
    TooLong(usize),
}

/// In what way a number is ambiguous. With the region's country code where that is part of the doubt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// A digit of the country code may be missing.
    CodeDigitMissing,
    /// It begins with the country code, and the rest is too short.
    RestTooShort(Box<str>),
    /// It is a number with the country code, or a national one.
    CodeOrNational(Box<str>),
}

/// Numbers of digits, as bits: bit 8 is set where a number may have 8 digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lengths(pub u32);

impl NumberProblem {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoRow | Self::Empty | Self::NoDigits => "no_number",
            Self::SheetError | Self::SheetRounded | Self::SheetDecimals { .. } => "spreadsheet_number",
            _ => "bad_number",
        }
    }
}
