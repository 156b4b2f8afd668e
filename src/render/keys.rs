//! Names of columns in a template, as in `row["First name"]`, in the spelling of the list.

use minijinja::machinery::{Token, tokenize};

use super::limits::syntax;
use crate::text::{ambiguous_column, find_column, shown_column};

/// The name of the row itself in a template, for columns whose names are not identifiers. A column with this name hides
/// it.
pub(super) const ROW: &str = "row";

/// A name in a template that two columns have.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ambiguous {
    pub(super) name: String,
    /// Which columns, from 1.
    pub(super) columns: (usize, usize),
    /// The line within the template, from 1.
    pub(super) line: usize,
}

/// Returns a template in which every name that differs from a column in its Unicode normal form, or for a literal key
/// of the row in blanks, is that column's name. Nobody sees the difference.
///
/// # Errors
/// When two columns share a name that the template uses.
pub(super) fn with_column_names(template: &str, columns: &[String]) -> Result<String, Ambiguous> {
    // What cannot be read is left to the engine, which stops at the same place.
    let tokens: Vec<_> = tokenize(template, false, syntax()).map_while(Result::ok).collect();
    let mut written = String::new();
    let mut copied = 0;
    for (at, (token, span)) in tokens.iter().enumerate() {
        let before = |count| at.checked_sub(count).and_then(|before| tokens.get(before)).map(|(token, _)| token);
        let is_of_row = matches!(before(2), Some(Token::Ident(ROW)));
        let (name, is_key) = match (token, before(1)) {
            (Token::Ident(name), Some(Token::Dot)) if is_of_row => (*name, false),
            (Token::Ident(_), Some(Token::Dot | Token::Pipe | Token::Ident("is"))) => continue,
            (Token::Ident(_), Some(Token::Ident("not"))) if matches!(before(2), Some(Token::Ident("is"))) => continue,
            (Token::Ident(name), _) => (*name, false),
            (Token::Str(key), Some(Token::BracketOpen)) if is_of_row => (*key, true),
            (Token::String(key), Some(Token::BracketOpen)) if is_of_row => (&**key, true),
            _ => continue,
        };
        if let Some(places) = ambiguous_column(columns, name) {
            return Err(Ambiguous { name: name.to_owned(), columns: places, line: span.start_line.into() });
        }
        let (start, end) = (span.start_offset as usize, span.end_offset as usize);
        let column = find_column(columns, name).and_then(|position| columns.get(position));
        let Some((column, source)) = column.filter(|column| *column != name).zip(template.get(start..end)) else {
            continue;
        };
        let spelled = match source.chars().next() {
            Some(quote @ ('"' | '\'')) if is_key && !column.contains(['\\', quote]) => {
                format!("{quote}{column}{quote}")
            }
            _ if !is_key => column.clone(),
            _ => continue,
        };
        written.push_str(template.get(copied..start).unwrap_or_default());
        written.push_str(&spelled);
        copied = end;
    }
    written.push_str(template.get(copied..).unwrap_or_default());
    Ok(written)
}

/// Returns what is wrong with a name that two columns have.
pub(super) fn of_two_columns(name: &str, (first, second): (usize, usize)) -> String {
    format!("columns {first} and {second} of the list have the same name `{}`", shown_column(name))
}

/// Whether a key that is not the name of a column may stand for one, or for two.
pub(super) fn has_other_spellings(columns: &[String]) -> bool {
    columns.iter().any(|column| !column.is_ascii() || column.ends_with(')') || column.contains("  "))
}

/// Returns the column that a key stands for although it is not spelled like it; or which columns, if two have this
/// name.
pub(super) fn spelled_otherwise<'c>(columns: &'c [String], key: &str) -> Option<Result<&'c str, (usize, usize)>> {
    match ambiguous_column(columns, key) {
        Some(places) => Some(Err(places)),
        None if key.is_ascii() => None,
        None => find_column(columns, key).and_then(|position| columns.get(position)).map(|column| Ok(column.as_str())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::distinct_columns;

    #[test]
    fn keys_are_spelled_as_the_columns_and_the_rest_stays() {
        let columns = ["First\u{a0}Name", "a b", "it's  x", "Pr\u{e9}nom"].map(str::to_owned);
        for (template, expected) in [
            (
                "{{ row['First Name'] }}\u{a0}{{ row[\"First  Name\"] }}!",
                "{{ row['First\u{a0}Name'] }}\u{a0}{{ row[\"First\u{a0}Name\"] }}!",
            ),
            ("{{ row['a\u{a0}b'] }} a\u{a0}b", "{{ row['a b'] }} a\u{a0}b"),
            ("{{ row[ 'a\u{a0}b' ] }}", "{{ row[ 'a b' ] }}"),
            ("{{ row['it x'] }}{{ row[\"it's x\"] }}", "{{ row['it x'] }}{{ row[\"it's  x\"] }}"),
            ("{{ row[key] }}{{ row['other'] }}{{ row['a", "{{ row[key] }}{{ row['other'] }}{{ row['a"),
            ("Pre\u{301}nom {{ Pre\u{301}nom }}", "Pre\u{301}nom {{ Pr\u{e9}nom }}"),
            (
                "{{ row.Pre\u{301}nom|upper }}{{ row['Pre\u{301}nom'] }}",
                "{{ row.Pr\u{e9}nom|upper }}{{ row['Pr\u{e9}nom'] }}",
            ),
            ("{{ 'Pre\u{301}nom' }}", "{{ 'Pre\u{301}nom' }}"),
            ("row[", "row["),
            ("Hi", "Hi"),
        ] {
            assert_eq!(with_column_names(template, &columns).as_deref(), Ok(expected), "{template}");
        }
    }

    #[test]
    fn a_name_that_two_columns_have_is_an_error_wherever_it_is_used() {
        let columns = distinct_columns(["title", "name", "title", "a b", "a b"].map(str::to_owned).to_vec());
        for template in [
            "{{ title }}",
            "{{ title | default('x') }}",
            "{{ title[:3] }}",
            "{{ row.title }}",
            "{{ row[\"title\"] | default('x') }}",
            "{% if not title %}x{% endif %}",
        ] {
            let error = Ambiguous { name: "title".to_owned(), columns: (1, 3), line: 1 };
            assert_eq!(with_column_names(template, &columns), Err(error), "{template}");
        }
        let error = with_column_names("\n{{ row['a\u{a0}b'] }}", &columns).unwrap_err();
        assert_eq!((error.columns, error.line), ((4, 5), 2));
        for template in ["{{ name | title }}", "title", "{{ 'title' }}", "{{ row['title (column 3)'] }}"] {
            assert_eq!(with_column_names(template, &columns).as_deref(), Ok(template));
        }
    }
}
