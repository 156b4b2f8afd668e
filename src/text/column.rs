//! Finds a column by its name.

use super::trimmed;

/// Returns the position of the column with this name. Without such a column, it is the only one whose name differs in
/// blanks alone: no-break and repeated spaces count as one space.
#[must_use]
pub fn find_column(names: &[String], wanted: &str) -> Option<usize> {
    let wanted = trimmed(wanted);
    names.iter().position(|name| name == wanted).or_else(|| {
        let is_alike = |name: &String| name.split_whitespace().eq(wanted.split_whitespace());
        let first = names.iter().position(is_alike)?;
        (names.iter().rposition(is_alike) == Some(first)).then_some(first)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_found_across_blanks_unless_two_fit() {
        let names = ["phone", "First\u{a0}Name", "a  b", "c d", "c\u{202f}d", "c\u{2007} d"].map(str::to_owned);
        for (wanted, expected) in [
            ("phone", Some(0)),
            (" phone\u{a0}\u{200b}", Some(0)),
            ("First Name", Some(1)),
            ("First\u{a0}Name", Some(1)),
            ("First \u{2007}Name ", Some(1)),
            ("a b", Some(2)),
            ("c d", Some(3)),
            ("c\u{202f}d", Some(4)),
            ("c  d", None),
            ("FirstName", None),
            ("Phone", None),
            ("", None),
        ] {
            assert_eq!(find_column(&names, wanted), expected, "{wanted:?}");
        }
    }
}
