//! Problems of a row of the list, or of a cell that the message uses.

use serde::{Deserialize, Serialize};

use super::shortened::{SHOWN_CHARS, shortened};
use crate::text::BadCharacter;

/// Why a row cannot be read, or a cell cannot be used in the message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CellProblem {
    /// The row has more or fewer cells than the header.
    Ragged {
        /// Cells of the row.
        cells: usize,
        /// Cells of the header.
        header: usize,
        /// Whether it has more.
        extra: bool,
    },
    /// A quote is not closed, or text follows the closing quote.
    Quotes {
        /// The line on which it opens.
        line: u64,
    },
    /// A space is before the quote that opens a cell.
    SpaceBeforeQuote,
    /// A formula such as `="a; b"` is cut at a delimiter in its text.
    CutFormula,
    /// The row has more bytes than this.
    LongRow(usize),
    /// The cell is not valid UTF-8.
    NotUtf8,
    /// How the cell's number looks is unknown, because its number format is not supported.
    NumberFormat(Box<str>),
    /// The cell cannot be decoded; the encoding of the list.
    NotInEncoding(Box<str>),
    /// The cell is empty.
    Empty,
    /// The cell is longer than any message.
    TooLong,
    /// The cell contains a character that is not allowed in messages.
    Character(OddCharacter),
    /// The cell has this error of a spreadsheet instead of a value.
    SheetError(Box<str>),
    /// The cell was probably decoded with the wrong encoding; this is the probable original, shortened.
    DoubleEncoded(Box<str>),
    /// The message needs a missing column.
    NoColumn {
        /// Its name.
        name: Box<str>,
        /// The column that was probably meant, if its name must be written as a key.
        by_key: Option<Box<str>>,
    },
    /// An expression in the message is undefined; shortened.
    Undefined(Box<str>),
    /// The template takes too many steps.
    TooManySteps,
    /// The template failed.
    Failed {
        /// The template engine's kind of error.
        kind: Box<str>,
        /// The engine's details.
        detail: Option<Box<str>>,
    },
}

/// A character that is not allowed in messages, and its position in the text, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OddCharacter(pub char, pub usize);

impl From<BadCharacter> for OddCharacter {
    fn from(bad: BadCharacter) -> Self {
        Self(bad.character, bad.place)
    }
}

impl OddCharacter {
    /// Returns the stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        BadCharacter::code(self.0)
    }
}

impl CellProblem {
    /// The code of a cell without a value.
    pub const EMPTY: &str = "empty_cell";

    /// Returns the problem of a cell with this error of a spreadsheet.
    #[must_use]
    pub fn sheet_error(cell: &str) -> Self {
        Self::SheetError(shortened(cell.trim(), SHOWN_CHARS).into())
    }

    /// Returns the problem of a cell that was decoded with the wrong encoding, with its probable original.
    #[must_use]
    pub fn double_encoded(original: &str) -> Self {
        Self::DoubleEncoded(shortened(original, SHOWN_CHARS).into())
    }

    /// Returns the stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Ragged { .. } | Self::CutFormula => "ragged_row",
            Self::Quotes { .. } | Self::SpaceBeforeQuote => "bad_quotes",
            Self::LongRow(_) => "long_record",
            Self::NotUtf8 => "bad_utf8",
            Self::NumberFormat(_) => "number_format",
            Self::NotInEncoding(_) => "bad_encoding",
            Self::Empty => Self::EMPTY,
            Self::TooLong => "cell_too_long",
            Self::Character(character) => character.code(),
            Self::SheetError(_) => "spreadsheet_error",
            Self::DoubleEncoded(_) => "double_encoded",
            Self::NoColumn { .. } => "undefined_variable",
            Self::Undefined(_) | Self::TooManySteps | Self::Failed { .. } => "template_failed",
        }
    }
}
