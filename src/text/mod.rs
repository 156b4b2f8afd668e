//! Text: formats numbers, times and errors for people, and makes text from outside safe to show.

mod column;
mod csv_formula;
mod digits;
mod double_encoded;
mod fold;
mod format;
mod redact;
mod sanitize;
mod sheet_error;
mod shell;
mod suggest;

pub use column::{ambiguous_column, column_letters, composed, distinct_columns, find_column, shown_column};
pub use csv_formula::{escape_formula, formula_text, unescape_formula};
pub use digits::{decimal_digit, with_ascii_digits};
pub use double_encoded::{is_encoded_once, original_text};
pub use fold::folded;
pub use format::{count, count_are, duration, error_chain, grouped, hex, rate};
pub use redact::redact_numbers;
pub use sanitize::{
    BAD_CHARACTERS, BadCharacter, bad_character, escaped, escaped_json, escaped_lines, escaped_name, is_blank,
    is_plain, trimmed, without_marks,
};
pub use sheet_error::is_sheet_error;
pub use shell::shell_word;
pub use suggest::{any_of, list, nearest};
