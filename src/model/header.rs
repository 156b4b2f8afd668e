//! The first line of a recipient list when it does not name the required columns. It may be a person instead of column
//! names, so logs and HTTP responses never contain any of it.

use std::fmt;

use super::shortened;
use crate::text::{redact_numbers, shown_column, with_ascii_digits};

/// The most columns shown in a message; a wide table has hundreds.
const NAMED: usize = 20;
/// Characters of a name that are shown.
const SHOWN_CHARS: usize = 40;
/// How similar two names must be for one to be a misspelling of the other, from 0 (nothing in common) to 1 (equal).
const ALIKE: f64 = 0.8;

/// The cells of a first line that may not be column names.
#[derive(Clone, PartialEq, Eq)]
pub struct Header(Vec<String>);

impl Header {
    /// Returns the header with these cells.
    #[must_use]
    pub fn new(cells: &[String]) -> Self {
        Self(cells.to_vec())
    }

    /// Whether a cell contains a phone number: then the line is a person, not a header.
    #[must_use]
    pub fn is_person(&self) -> bool {
        self.0.iter().map(|cell| with_ascii_digits(cell).replace('/', "")).any(|cell| redact_numbers(&cell) != cell)
    }

    /// Returns a hint about a missing column, for the terminal only: the likely name, or all names. It names the first
    /// odd character of a name that may look like the missing one. `None` if the line is a person.
    #[must_use]
    pub fn hint(&self, wanted: &str) -> Option<String> {
        if self.is_person() {
            return None;
        }
        let wanted = wanted.to_lowercase();
        if let Some(delimiter) = self.other_delimiter(&wanted) {
            return Some(format!(
                "if `{delimiter}` separates the cells, add the line `sep={delimiter}` above the header line"
            ));
        }
        let nearest = self
            .0
            .iter()
            .map(|name| (strsim::jaro_winkler(&name.to_lowercase(), &wanted), name))
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .filter(|(likeness, _)| *likeness >= ALIKE);
        Some(match nearest {
            // Blanks of any kind stand for each other.
            Some((_, name)) => match odd_character(&with_spaces(&name.to_lowercase()), &with_spaces(&wanted)) {
                Some((place, odd, usual)) => format!(
                    "did you mean {}? Its character {place} is U+{:04X}, not U+{:04X}",
                    shown(name),
                    u32::from(odd),
                    u32::from(usual)
                ),
                None => format!("did you mean {}?", shown(name)),
            },
            None if self.0.len() == 1 => format!("the only column is {}", self.list()),
            None => format!("the columns are {}", self.list()),
        })
    }

    /// Returns the delimiter that separates the missing name from the rest of a cell, if there is one.
    fn other_delimiter(&self, wanted: &str) -> Option<char> {
        let separates = |cell: &String, delimiter: &char| {
            cell.contains(*delimiter) && cell.to_lowercase().split(*delimiter).any(|name| name.trim() == wanted)
        };
        [';', ',', '|'].into_iter().find(|delimiter| self.0.iter().any(|cell| separates(cell, delimiter)))
    }

    fn list(&self) -> String {
        let mut names: Vec<String> = self.0.iter().take(NAMED).map(|name| shown(name)).collect();
        if self.0.len() > NAMED {
            names.push(format!("and {} more", self.0.len() - NAMED));
        }
        names.join(", ")
    }
}

impl fmt::Debug for Header {
    /// Leaves out the cells, which may be personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header").finish_non_exhaustive()
    }
}

/// The hint for a first line that is a person.
pub const NO_HEADER: &str = "the first line looks like a recipient; add a header line that names the columns";

/// Returns the first difference between a name and the wanted one if it may be invisible, because one of the two
/// characters is beyond ASCII: the place in the name, from 1, and both characters.
fn odd_character(name: &str, wanted: &str) -> Option<(usize, char, char)> {
    let mut pairs = (1..).zip(name.chars().zip(wanted.chars()));
    let (place, (odd, usual)) = pairs.find(|(_, (name, wanted))| name != wanted)?;
    (!odd.is_ascii() || !usual.is_ascii()).then_some((place, odd, usual))
}

/// Returns a name with single spaces.
fn with_spaces(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Formats a name for the terminal.
fn shown(name: &str) -> String {
    let name = redact_numbers(name);
    format!("`{}`", shown_column(&shortened(&name, SHOWN_CHARS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(names: &[&str]) -> Header {
        Header::new(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_slip_is_found_and_the_names_can_be_told_apart() {
        let names = header(&["phone", "First\u{a0}Name", "city\u{202e}"]);
        assert_eq!(names.hint("Phone").as_deref(), Some("did you mean `phone`?"));
        assert_eq!(
            names.hint("First Nam\u{ea}").as_deref(),
            Some("did you mean `First Name`? Its character 10 is U+0065, not U+00EA")
        );
        assert_eq!(names.hint("Firstname").as_deref(), Some("did you mean `First Name`?"));
        let cyrillic = header(&["ph\u{43e}ne"]);
        assert_eq!(
            cyrillic.hint("phone").as_deref(),
            Some("did you mean `phоne`? Its character 3 is U+043E, not U+006F")
        );
        assert_eq!(header(&["Équipe"]).hint("équipe").as_deref(), Some("did you mean `Équipe`?"));
        let all = "the columns are `phone`, `First Name`, `city\\u{202e}`";
        assert_eq!(names.hint("zzz").as_deref(), Some(all));
        let many: Vec<String> = (0..30).map(|at| format!("c{at}")).collect();
        assert!(Header::new(&many).hint("zzz").unwrap().ends_with("`c19`, and 10 more"));
        let long = header(&[&"x".repeat(100)]).hint("zzz").unwrap();
        assert_eq!(long, format!("the only column is `{}…`", "x".repeat(40)));
    }

    #[test]
    fn a_name_that_is_only_part_of_a_cell_shows_the_delimiter() {
        let names = header(&["phone;name", "first"]);
        let words = "if `;` separates the cells, add the line `sep=;` above the header line";
        assert_eq!(names.hint("Phone").as_deref(), Some(words));
        assert_eq!(names.hint("first").as_deref(), Some("did you mean `first`?"));
    }

    #[test]
    fn of_a_line_that_is_a_person_nothing_is_reported() {
        for cells in
            [["85268411234", "Ana Maria"], ["+852 6841 1234", "Ana"], ["Ana", "tel:85268411234"], ["٠٥٠١٢٣٤٥٦٧", "Ana"]]
        {
            let header = header(&cells);
            assert!(header.is_person() && header.hint("name").is_none(), "{cells:?}");
            assert_eq!(format!("{header:?}"), "Header { .. }");
        }
        assert!(!header(&["phone", "2026-11-29", "name"]).is_person());
    }
}
