//! Finds a column by its name, and names columns so that each name stands for one column.

use std::borrow::Cow;
use std::collections::HashMap;

use icu_normalizer::ComposingNormalizerBorrowed;

use super::{escaped_name, trimmed};

const COMPOSER: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfc();

/// Returns a text in the Unicode normal form NFC: accents as the list or the campaign spells them look the same.
#[must_use]
pub fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { COMPOSER.normalize(text) }
}

/// Returns the letters of a spreadsheet's column, from 0: `A`, `Z`, `AA`.
#[must_use]
pub fn column_letters(column: usize) -> String {
    let mut letters = Vec::new();
    let mut left = column + 1;
    while left > 0 {
        left -= 1;
        letters.push(b'A' + u8::try_from(left % 26).unwrap_or(0));
        left /= 26;
    }
    letters.into_iter().rev().map(char::from).collect()
}

/// Returns the position of the column with this name. Without such a column, it is the only one whose name differs in
/// blanks or in its Unicode normal form alone: no-break and repeated spaces count as one space.
#[must_use]
pub fn find_column(names: &[String], wanted: &str) -> Option<usize> {
    let wanted = trimmed(wanted);
    names.iter().position(|name| name == wanted).or_else(|| {
        let first = names.iter().position(|name| is_alike(name, wanted))?;
        (names.iter().rposition(|name| is_alike(name, wanted)) == Some(first)).then_some(first)
    })
}

/// Returns the places, from 1, of the first two columns that a name may stand for; `None` if it stands for one column
/// or for none. Columns with the same name have names of [`distinct_columns`].
#[must_use]
pub fn ambiguous_column(names: &[String], wanted: &str) -> Option<(usize, usize)> {
    let wanted = trimmed(wanted);
    if wanted.is_empty() || find_column(names, wanted).is_some() {
        return None;
    }
    let may_be = |name: &str| is_alike(name, wanted) || shared_name(name).is_some_and(|name| is_alike(name, wanted));
    let mut places = (1..).zip(names).filter(|(_, name)| may_be(name)).map(|(place, _)| place);
    Some((places.next()?, places.next()?))
}

/// Makes the names of columns distinct: adds ` (column 3)` to a name that is empty or shared with another column. So
/// the shared name alone belongs to no column.
#[must_use]
pub fn distinct_columns(mut names: Vec<String>) -> Vec<String> {
    loop {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        names.iter().for_each(|name| *counts.entry(name).or_default() += 1);
        let is_shared = |name: &String| name.is_empty() || counts.get(name.as_str()).is_some_and(|count| *count > 1);
        let shared: Vec<bool> = names.iter().map(is_shared).collect();
        if !shared.contains(&true) {
            return names;
        }
        for ((place, name), _) in (1..).zip(&mut names).zip(shared).filter(|(_, is_shared)| *is_shared) {
            *name = format!("{name} (column {place})").trim_start().to_owned();
        }
    }
}

/// Returns the name that a column had before [`distinct_columns`].
fn shared_name(name: &str) -> Option<&str> {
    let (shared, place) = name.strip_suffix(')')?.rsplit_once(" (column ")?;
    place.bytes().all(|byte| byte.is_ascii_digit()).then_some(shared)
}

/// Formats a column's name for a person, who can write it in a campaign as it is displayed: with plain single spaces,
/// which stand for any others (see [`find_column`]), and with invisible characters escaped.
#[must_use]
pub fn shown_column(name: &str) -> String {
    escaped_name(&name.split_whitespace().collect::<Vec<_>>().join(" ")).into_owned()
}

fn is_alike(name: &str, wanted: &str) -> bool {
    composed(name).split_whitespace().eq(composed(wanted).split_whitespace())
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

    #[test]
    fn a_column_is_shown_as_it_can_be_written() {
        let names = ["Handy\u{a0}Nr.", "a \u{2007} b", "Handy\u{200b} Nr."].map(str::to_owned);
        assert_eq!(names.each_ref().map(|name| shown_column(name)), ["Handy Nr.", "a b", "Handy\\u{200b} Nr."]);
        assert_eq!(find_column(&names, &shown_column(&names[0])), Some(0));
        assert_eq!(find_column(&names, &shown_column(&names[1])), Some(1));
    }

    #[test]
    fn a_column_is_found_in_both_normal_forms() {
        let names = ["Pre\u{301}nom", "Ville"].map(str::to_owned);
        assert_eq!(find_column(&names, "Pr\u{e9}nom"), Some(0));
        assert_eq!(find_column(&["Pr\u{e9}nom".to_owned()], "Pre\u{301}nom"), Some(0));
        assert_eq!(find_column(&names, "Prenom"), None);
    }

    #[test]
    fn columns_with_the_same_name_or_none_get_names_of_their_own() {
        let distinct = |names: &[&str]| distinct_columns(names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(distinct(&["phone", "name"]), ["phone", "name"]);
        let names = distinct(&["mail", "", "mail", "name", ""]);
        assert_eq!(names, ["mail (column 1)", "(column 2)", "mail (column 3)", "name", "(column 5)"]);
        let names = distinct(&["a", "a", "a (column 2)"]);
        assert_eq!(names, ["a (column 1)", "a (column 2) (column 2)", "a (column 2) (column 3)"]);
    }

    #[test]
    fn a_name_of_two_columns_is_that_of_neither() {
        let names = distinct_columns(["mail", "", "mail", "a  b", "a\u{a0} b", ""].map(str::to_owned).to_vec());
        for (name, expected) in [
            ("mail", Some((1, 3))),
            (" mail ", Some((1, 3))),
            ("a b", Some((4, 5))),
            ("mail (column 3)", None),
            ("mai", None),
            ("", None),
            ("(column 2)", None),
        ] {
            assert_eq!(ambiguous_column(&names, name), expected, "{name}");
            assert!(expected.is_none() || find_column(&names, name).is_none());
        }
    }
}
