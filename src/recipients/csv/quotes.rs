//! Finds misplaced quotes in a CSV record and the end of the header, which the CSV reader does not report.
//!
//! The reader always finds some interpretation: it accepts `"O"Brien"` as a cell, and swallows rows after an open
//! quote. This module checks a record against RFC 4180: a quoted cell ends with a quote before a delimiter or a line
//! end.

use crate::text::trimmed;

/// What the quotes of a record say about its cells, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::recipients) enum Quoting {
    /// Each cell is whole.
    Clear,
    /// A cell without quotes around it has an odd number of quotes: it may be a part of a cell.
    Odd,
    /// A formula such as `="a` ends within a text: the delimiter was part of it.
    CutFormula,
    /// There is a space before the quote that opens a cell, so that the quote opens nothing.
    AfterSpace,
    /// The quote at this offset opens a cell and is not closed properly.
    Misplaced(usize),
}

impl Quoting {
    /// Returns the offset of the quote that opens a cell without a proper closing quote, if there is one.
    pub(in crate::recipients) fn misplaced(self) -> Option<usize> {
        if let Self::Misplaced(at) = self { Some(at) } else { None }
    }

    /// Returns what the quotes say in a cell that does not start with one.
    fn of_unquoted(cell: &[u8]) -> Self {
        let quotes = cell.iter().filter(|byte| **byte == b'"').count();
        if quotes == 0 {
            return Self::Clear;
        }
        let visible = std::str::from_utf8(cell).map_or(cell.trim_ascii(), |text| trimmed(text).as_bytes());
        match visible.first() {
            Some(b'"') => Self::AfterSpace,
            Some(b'=') if quotes % 2 == 1 => Self::CutFormula,
            _ if quotes % 2 == 1 => Self::Odd,
            _ => Self::Clear,
        }
    }
}

/// Looks at the quotes of a record. Spaces after a closing quote are allowed, because many programs write them.
pub(in crate::recipients) fn quoting(record: &[u8], delimiter: u8) -> Quoting {
    let mut quoting = Quoting::Clear;
    let mut at = 0;
    while let Some(rest) = record.get(at..) {
        if rest.first() == Some(&b'"') {
            let opened = at;
            let Some(closed) = closing(record, opened + 1) else { return Quoting::Misplaced(opened) };
            at = closed + 1;
            let rest = record.get(at..).unwrap_or_default();
            at += rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t') && **byte != delimiter).count();
            match record.get(at) {
                Some(byte) if *byte == delimiter => at += 1,
                None | Some(b'\r' | b'\n') => return quoting,
                Some(_) => return Quoting::Misplaced(opened),
            }
        } else {
            let end = rest.iter().position(|byte| *byte == delimiter || matches!(byte, b'\r' | b'\n'));
            let end = end.unwrap_or(rest.len());
            quoting = quoting.max(Quoting::of_unquoted(rest.get(..end).unwrap_or_default()));
            if rest.get(end) != Some(&delimiter) {
                return quoting;
            }
            at += end + 1;
        }
    }
    quoting
}

/// Returns the offset of the quote that closes a cell, starting from its first character; a doubled quote is part of
/// the cell.
fn closing(record: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += record.get(at..)?.iter().position(|byte| *byte == b'"')?;
        if record.get(at + 1) != Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

/// The fewest digits of a phone number in a row that a quoted cell seems to contain.
const FEWEST_DIGITS: usize = 7;

/// Whether a line break in a cell is followed by what looks like another row: as many delimiters as a row of `columns`
/// has, and a number in the column `to`. Stray quotes make one cell of two rows.
pub(in crate::recipients) fn has_row(cell: &[u8], delimiter: u8, columns: usize, to: usize) -> bool {
    let is_row = |line: &[u8]| {
        let cells = line.split(|byte| *byte == delimiter);
        let number = cells.clone().nth(to).unwrap_or_default();
        let digits = number.iter().filter(|byte| byte.is_ascii_digit()).count();
        digits >= FEWEST_DIGITS && cells.count() >= columns
    };
    columns > 1 && cell.split(|byte| matches!(byte, b'\r' | b'\n')).skip(1).any(is_row)
}

/// Returns the blank lines before a record: their bytes and their line breaks.
pub(in crate::recipients) fn blank(bytes: &[u8]) -> (usize, u64) {
    let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    blank.fold((0, 0), |(count, lines), byte| (count + 1, lines + u64::from(*byte == b'\n')))
}

/// Returns the first non-blank line, and the rest from its line end on, if the bytes contain the whole line and more.
/// Line breaks in quotes do not end it.
pub(in crate::recipients) fn first_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = bytes.get(blank(bytes).0..)?;
    let mut quoted = false;
    let end = line.iter().position(|byte| {
        quoted ^= *byte == b'"';
        !quoted && matches!(byte, b'\r' | b'\n')
    })?;
    // One more byte shows whether CR is alone.
    line.split_at_checked(end).filter(|(_, end)| end.len() > 1 || end == b"\n")
}

/// Returns the delimiter that a first line such as `sep=;` or `"sep=;"` sets for Excel, and the length of that line
/// with its line end.
pub(in crate::recipients) fn set_delimiter(bytes: &[u8]) -> Option<(u8, usize)> {
    let end = bytes.iter().take(MAX_SET_DELIMITER).position(|byte| *byte == b'\n')?;
    let line = bytes.get(..end)?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    match line.split_at_checked(4)? {
        (key, &[delimiter]) if key.eq_ignore_ascii_case(b"sep=") && is_delimiter(delimiter) => {
            Some((delimiter, end + 1))
        }
        _ => None,
    }
}

/// The most bytes of a line that sets the delimiter: `"sep=;"` with its line end.
const MAX_SET_DELIMITER: usize = 9;

/// Whether a byte can separate cells: a tab, a space or ASCII punctuation, except a quote.
fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'\t' | b' ') || byte.is_ascii_punctuation() && byte != b'"'
}

/// Returns the first lines whose cells are all empty, such as `;;;` and `"",""`, or blank: their bytes and their line
/// breaks. `set` is a delimiter next to the usual ones.
pub(in crate::recipients) fn empty_lines(bytes: &[u8], set: Option<u8>) -> (usize, u64) {
    let (mut length, mut quoted) = (0, false);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'"' => quoted ^= true,
            b'\n' if !quoted => length = at + 1,
            b'\n' | b'\r' | b' ' => {}
            byte if DELIMITERS.contains(byte) || Some(*byte) == set => {}
            _ => break,
        }
    }
    let lines = bytes.iter().take(length).filter(|byte| **byte == b'\n').count();
    (length, lines as u64)
}

/// The delimiters that a table may have without setting one. In a tie the last one wins, and a comma is the most
/// likely.
const DELIMITERS: [u8; 4] = [b'|', b'\t', b';', b','];

/// Returns the delimiter of a table: the most frequent one outside quotes in its first line.
pub(in crate::recipients) fn delimiter(line: &[u8]) -> u8 {
    let count = |delimiter: u8| {
        let mut quoted = false;
        line.iter()
            .filter(|byte| {
                quoted ^= **byte == b'"';
                !quoted && **byte == delimiter
            })
            .count()
    };
    DELIMITERS.into_iter().max_by_key(|byte| count(*byte)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_that_do_not_hold_a_cell_together_are_found() {
        use Quoting::{AfterSpace, Clear, CutFormula, Misplaced, Odd};
        for (record, expected) in [
            ("a,b,c\r\n", Clear),
            ("", Clear),
            ("\"\"", Clear),
            ("a,\"b\nc\",d\n", Clear),
            ("\"a\"\"b\",\"c\" ,\"d\"  \r\n", Clear),
            ("5 pipe,say \"hi\"\n", Clear),
            ("=\"a\",=\"b \"\"c\"\"\",=\"d\"&B1\n", Clear),
            ("\"=\"\"a, b\"\"\",\"5\"\" pipe\"", Clear),
            ("5\" pipe,say \"hi\"\n", Odd),
            ("1,=\"b, c\"\n", CutFormula),
            ("1, =\"say \"\"hi\"\", c\"\n", CutFormula),
            ("1,=A1&\"b, c\"", CutFormula),
            (" \"a,b\n", AfterSpace),
            ("1, \"b\",\u{a0}\"c\"\r\n", AfterSpace),
            ("a,\"b\nc,d\n", Misplaced(2)),
            ("1, \"b\",\"c", Misplaced(7)),
            ("\"O\"Brien\",x\n", Misplaced(0)),
            ("\"a\",\"b\"\"\n", Misplaced(4)),
            ("\"", Misplaced(0)),
            ("a,\"\"\"", Misplaced(2)),
        ] {
            assert_eq!(quoting(record.as_bytes(), b','), expected, "{record:?}");
        }
        assert_eq!(quoting(b"\"a\"\t\"b\"\n", b'\t'), Clear);
    }

    #[test]
    fn a_row_in_a_cell_is_found() {
        for (cell, expected) in [
            ("VIP\n015123456702;Anna;", true),
            ("VIP\r\n015123456702;Anna;x;y\r\nz", true),
            ("VIP\rx\r+49 151 23456702;;", true),
            ("015123456702;Anna;", false),
            ("VIP\n015123456702;Anna", false),
            ("VIP\nAnna;015123456702;", false),
            ("Main St. 1\n12345;Berlin;Germany", false),
            ("", false),
        ] {
            assert_eq!(has_row(cell.as_bytes(), b';', 3, 0), expected, "{cell:?}");
        }
        assert!(has_row(b"\nAnna;015123456702", b';', 2, 1));
        assert!(!has_row(b"\n015123456702", b';', 1, 0));
    }

    #[test]
    fn lines_of_empty_cells_are_counted() {
        for (start, expected) in [
            (",,\r\n\r\nphone,name\n", (6, 2)),
            ("\"\";\"\"\n ; \nphone;name\n", (10, 2)),
            ("\"\n\"|\n|phone\n", (5, 2)),
            ("phone,name\n", (0, 0)),
            (",phone\n", (0, 0)),
            (",,", (0, 0)),
            (",\rphone\r", (0, 0)),
            ("\"\n,phone\"\n", (0, 0)),
            ("^^\nphone^name\n", (0, 0)),
            ("", (0, 0)),
        ] {
            assert_eq!(empty_lines(start.as_bytes(), None), expected, "{start:?}");
        }
        assert_eq!(empty_lines(b"^^\nphone^name\n", Some(b'^')), (3, 1));
    }

    #[test]
    fn the_delimiter_is_the_most_frequent_outside_quotes() {
        for (line, expected) in [
            ("a,b;c,d", b','),
            ("a;b;c", b';'),
            ("a\tb", b'\t'),
            ("a|b", b'|'),
            ("a,b|c", b','),
            ("\"a,b,c\";d", b';'),
            ("phone", b','),
            ("a;b,c", b','),
        ] {
            assert_eq!(delimiter(line.as_bytes()), expected, "{line}");
        }
        for (start, expected) in [
            (&b"sep=;\nphone;name"[..], Some((b';', 6))),
            (b"SEP=\t\r\n", Some((b'\t', 7))),
            (b"\"sep=|\"\r\nphone", Some((b'|', 9))),
            (b"sep=^\n", Some((b'^', 6))),
            (b"sep=;;\n", None),
            (b"sep=;,x\n", None),
            (b"sep=\n", None),
            (b"sep=\"\n", None),
            (b"sep=x\n", None),
            (b"sep=;\rphone;name\r", None),
            (b"sep=;", None),
        ] {
            assert_eq!(set_delimiter(start), expected, "{:?}", start.escape_ascii().to_string());
        }
        assert_eq!(first_line(b"\r\n\na,\"b\nc\"\r\nd"), Some((&b"a,\"b\nc\""[..], &b"\r\nd"[..])));
        assert_eq!(first_line(b"a,b\r"), None);
        assert_eq!(first_line(b"a,b"), None);
    }
}
