//! Text from outside: characters that act on what shows them, numbers that must not be shown, cells that a spreadsheet
//! would run.

mod csv_formula;
mod redact;
mod sanitize;

pub use csv_formula::{escape_formula, unescape_formula};
pub use redact::redact_numbers;
pub use sanitize::{
    BAD_CHARACTERS, BadCharacter, bad_character, escaped, escaped_json, escaped_lines, escaped_name, is_blank,
    is_plain, plain_name, without_marks,
};
