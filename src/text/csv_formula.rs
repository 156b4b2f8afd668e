//! Escapes cells that a spreadsheet would run as a formula, and unescapes them.
//!
//! It works on the text of a single cell; the CSV writer does the quoting.

use std::borrow::Cow;

/// Returns a cell that is safe to write: with a leading apostrophe if a spreadsheet would run it as a formula.
///
/// A spreadsheet recognises a formula by its first character: `=`, `+`, `-`, `@`, their full-width forms, or a tab or
/// line break that it trims first. Phone numbers with a plus sign and plain negative numbers stay unchanged: they
/// cannot name a function, a cell or a program, and an apostrophe would get in the way of copying them from a report. A
/// cell that already looks escaped gets another apostrophe, so that [`unescape_formula`] is unambiguous.
#[must_use]
pub fn escape_formula(cell: &str) -> Cow<'_, str> {
    if runs_as_formula(cell.trim_start_matches('\'')) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

/// Returns the cell that [`escape_formula`] was called with, from its result.
#[must_use]
pub fn unescape_formula(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if runs_as_formula(rest.trim_start_matches('\'')) => rest,
        _ => cell,
    }
}

/// Returns the text of a cell such as `="0123"`, which programs write so that a spreadsheet keeps it as text. `None`
/// for other cells, including formulas such as `="a"&"b"`.
#[must_use]
pub fn formula_text(cell: &str) -> Option<Cow<'_, str>> {
    let text = cell.strip_prefix("=\"")?.strip_suffix('"')?;
    if !text.contains('"') {
        return Some(Cow::Borrowed(text));
    }
    // A quote in the text is doubled.
    let single = text.replace("\"\"", "");
    (!single.contains('"')).then(|| Cow::Owned(text.replace("\"\"", "\"")))
}

fn runs_as_formula(cell: &str) -> bool {
    let mut chars = cell.chars();
    match chars.next() {
        Some('+') => !chars.all(|c| c.is_ascii_digit() || matches!(c, ' ' | '-' | '.' | '(' | ')')),
        Some('-') => !chars.all(|c| c.is_ascii_digit() || matches!(c, ' ' | '.' | ',' | '%')),
        Some('=' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠') => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_cell_comes_back_as_it_was(cell in "['=+@\\-\t\nA1 ]{0,6}|\\PC{0,8}") {
            let written = escape_formula(&cell);
            prop_assert_eq!(unescape_formula(&written), cell.as_str());
        }
    }

    #[test]
    fn formulas_get_an_apostrophe() {
        for cell in [
            "=1+1",
            "=HYPERLINK(\"https://example.com\")",
            "+1+1",
            "+SUM(A1)",
            "+A1",
            "-1+1",
            "-2-3",
            "-A1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "＝1+1",
            "-2+3+cmd|' /C calc'!A0",
            "+852 6841 1234 | x",
            "'=1+1",
        ] {
            assert_eq!(escape_formula(cell), format!("'{cell}"), "{cell:?}");
            assert_eq!(unescape_formula(&format!("'{cell}")), cell);
        }
    }

    #[test]
    fn a_formula_that_is_only_a_text_is_that_text() {
        for (cell, expected) in [
            ("=\"0123\"", Some("0123")),
            ("=\"\"", Some("")),
            ("=\"say \"\"hi\"\"\"", Some("say \"hi\"")),
            ("=\"a\"&\"b\"", None),
            ("=\"a\"\"", None),
            ("=\"", None),
            ("=0123", None),
            ("\"0123\"", None),
            ("0123", None),
            ("", None),
        ] {
            assert_eq!(formula_text(cell).as_deref(), expected, "{cell}");
        }
    }

    #[test]
    fn numbers_and_phone_numbers_stay_as_they_are() {
        for cell in ["+85268411234", "+852 6841 1234", "+852-6841-1234", "+1 (415) 555.0100", "-5", "-25%", "-1,234.5"]
        {
            assert_eq!(escape_formula(cell), cell);
        }
    }

    #[test]
    fn text_stays_as_it_is() {
        for cell in ["", "Ana", "a=b", "25% off", "'quoted", "x@example.com", "Zoë", "-", "+", "\u{feff}"] {
            assert_eq!((escape_formula(cell).as_ref(), unescape_formula(cell)), (cell, cell));
        }
    }
}
