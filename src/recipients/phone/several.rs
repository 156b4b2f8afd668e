//! Cells with more than one number: several numbers, or a number and an extension.

/// Characters between two numbers. Some also format one number; the caller decides.
const SEPARATORS: [char; 20] = [
    '/', '\u{ff0f}', ',', '\u{ff0c}', '\u{3001}', '\u{60c}', ';', '\u{ff1b}', '\u{61b}', '|', '&', '\n', '\r', '\t',
    '\\', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}',
];

/// Words between two numbers.
const WORDS: [&str; 10] = ["or", "and", "oder", "und", "ou", "et", "o", "y", "e", "или"];

/// The most digits of an extension.
const LONGEST_EXTENSION: usize = 7;

/// The fewest digits of a number before an extension.
const SHORTEST_NUMBER: usize = 5;

/// What people write between a number and its extension, in lower case.
const MARKERS: [&str; 23] = [
    "extension",
    "extn",
    "ext",
    "xtn",
    "x",
    "#",
    "durchwahl",
    "dw",
    "apparat",
    "app",
    "nebenstelle",
    "nst",
    "poste",
    "interno",
    "int",
    "ramal",
    "anexo",
    "доб",
    "转",
    "轉",
    "分机",
    "分機",
    "内線",
];

/// Whether a text has several spaces in a row, or a `+` after a space and a digit: two numbers may be next to each
/// other.
pub(super) fn has_gap(text: &str) -> bool {
    let mut before = [' ', ' '];
    text.trim().chars().any(|c| {
        let [first, second] = before;
        before = [second, c];
        second.is_whitespace() && (c.is_whitespace() || c == '+' && first.is_ascii_digit())
    })
}

/// Returns the ways to split a text before a 0 that follows something other than a digit: the second part may be a
/// number as it is dialled within its country.
pub(super) fn before_zeros(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let is_start = |at: usize| at > 0 && !text[..at].ends_with(|c: char| c.is_ascii_digit());
    let zeros = text.match_indices('0').filter(move |(at, _)| is_start(*at));
    zeros.map(|(at, _)| text.split_at(at))
}

/// Whether two numbers, the second as dialled within its country, are written with the same area code, as a group of
/// digits of its own.
pub(super) fn share_area(first: &str, second: &str) -> bool {
    let mut groups = first.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty());
    let Some((area, _)) = second.split_once(|c: char| !c.is_ascii_digit()) else { return false };
    match first.trim_start().starts_with(['+', '\u{ff0b}']) || first.starts_with("00") {
        true => groups.nth(1).is_some_and(|group| Some(group) == area.strip_prefix('0')),
        false => groups.next() == Some(area),
    }
}

/// Which slashes separate two numbers; the others are part of one.
#[derive(Clone, Copy)]
pub(super) enum Slashes {
    None,
    /// Those between spaces: `0175/3341021 / 030/1234567`.
    Spaced,
    All,
}

/// Splits a text wherever two numbers may be separated. Returns the parts that are not blank.
pub(super) fn parts(text: &str, slashes: Slashes) -> Vec<&str> {
    let is_spaced = |at: usize, c: char| {
        let (before, after) = (text.get(..at), text.get(at + c.len_utf8()..));
        before.is_some_and(|text| text.ends_with(char::is_whitespace))
            && after.is_some_and(|text| text.starts_with(char::is_whitespace))
    };
    let is_cut_at = |at: usize, c: char| match slashes {
        _ if !matches!(c, '/' | '\u{ff0f}') => SEPARATORS.contains(&c),
        Slashes::None => false,
        Slashes::Spaced => is_spaced(at, c),
        Slashes::All => true,
    };
    let (mut parts, mut start) = (Vec::new(), 0);
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let is_separator = is_cut_at(at, c);
        let alike: fn(char) -> bool = match c {
            _ if is_separator => |_| false,
            _ if c.is_whitespace() => char::is_whitespace,
            _ if c.is_alphabetic() => char::is_alphabetic,
            _ => continue,
        };
        let mut end = at + c.len_utf8();
        while let Some((at, c)) = chars.next_if(|(_, c)| alike(*c)) {
            end = at + c.len_utf8();
        }
        let run = &text[at..end];
        let is_cut = match c {
            _ if is_separator => true,
            _ if c.is_whitespace() => run.chars().nth(1).is_some() || text[end..].starts_with('+'),
            _ => WORDS.contains(&run.to_lowercase().as_str()),
        };
        if is_cut {
            parts.push(&text[start..at]);
            start = end;
        }
    }
    parts.push(&text[start..]);
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// Returns the extension of a number: `5` of `+49 30 1234567 ext. 5`. Digits are ASCII digits.
pub(super) fn extension(text: &str) -> Option<&str> {
    let text = text.trim_end_matches(|c: char| c == ')' || c.is_whitespace());
    let rest = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let extension = text.get(rest.len()..)?;
    let before = rest.trim_end_matches(|c: char| matches!(c, '.' | ':' | '=' | '(' | '-') || c.is_whitespace());
    let before = before.to_lowercase();
    let number = MARKERS.iter().find_map(|marker| before.strip_suffix(marker))?;
    let is_number = number.chars().filter(char::is_ascii_digit).count() >= SHORTEST_NUMBER
        && !number.chars().any(char::is_alphabetic);
    (is_number && (1..=LONGEST_EXTENSION).contains(&extension.len())).then_some(extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extension_is_found_behind_its_word() {
        for (text, expected) in [
            ("+49 30 1234567 ext. 5", Some("5")),
            ("+49 30 1234567 Ext: 12", Some("12")),
            ("+49301234567x5", Some("5")),
            ("+49 30 1234567 (Durchwahl 34)", Some("34")),
            ("+49 30 1234567 #5", Some("5")),
            ("+49301234567;ext=5", Some("5")),
            ("+7 495 1234567 доб. 12", Some("12")),
            ("+86 10 12345678转801", Some("801")),
            ("+49 30 1234567-5", None),
            ("+49 30 1234567", None),
            ("box 5", None),
            ("call 1234567 ext 5", None),
            ("+49 30 1234567 ext", None),
            ("+49 30 1234567 x 491719999999", None),
            ("5", None),
            ("", None),
        ] {
            assert_eq!(extension(text), expected, "{text}");
        }
    }

    #[test]
    fn a_second_number_is_looked_for_at_each_zero_after_a_gap() {
        let parts: Vec<_> = before_zeros("(030) 10-0 (02)20").collect();
        assert_eq!(parts, [("(", "030) 10-0 (02)20"), ("(030) 10-", "0 (02)20"), ("(030) 10-0 (", "02)20")]);
        for (first, second, expected) in [
            ("01 1234 ", "01 1235", true),
            ("(01)1234 (", "01)1235", true),
            ("+43 1 1234 ", "01 1235", true),
            ("0043 1 1234 ", "01/1235", true),
            ("0664 12 ", "012 345", false),
            ("+43 664 12 ", "012 345", false),
            ("01 1234 ", "011235", false),
            ("", "01", false),
        ] {
            assert_eq!(share_area(first, second), expected, "{first}{second}");
        }
    }

    #[test]
    fn numbers_are_separated_by_signs_words_line_breaks_and_gaps() {
        for text in
            ["1 2/3", "1 2,3", "1 2;3", "1 2 or 3", "1 2 ODER 3", "1 2\n3", "1 2\r\n3", "1 2 & 3", "1 2   3", "1 2、3"]
        {
            assert_eq!(parts(text, Slashes::All), ["1 2", "3"], "{text:?}");
        }
        assert_eq!(parts("+1 +2 / +3", Slashes::All), ["+1", "+2", "+3"]);
        assert_eq!(parts(" 1 2 x 3 ", Slashes::All), ["1 2 x 3"]);
        assert_eq!(parts("/ ", Slashes::All), [""; 0]);
        for (slashes, expected) in [
            (Slashes::None, &["1/2 / 3/ 4 /5"][..]),
            (Slashes::Spaced, &["1/2", "3/ 4 /5"]),
            (Slashes::All, &["1", "2", "3", "4", "5"]),
        ] {
            assert_eq!(parts("1/2 / 3/ 4 /5", slashes), expected);
        }
        for (text, expected) in
            [("1 2", false), ("1  2", true), ("1 +2", true), ("+1", false), (" +1 ", false), ("( +1) 2", false)]
        {
            assert_eq!(has_gap(text), expected, "{text}");
        }
    }
}
