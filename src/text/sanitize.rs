//! Handles characters that are invisible or change how text reads: which are allowed in messages, what counts as blank,
//! and how to show text without any effect on a terminal, a log or a page.

use std::borrow::Cow;

use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;

/// A character that is not allowed in messages: a control character, or a text-direction mark that is not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadCharacter {
    /// The character.
    pub character: char,
    /// Its position in the text, from 1.
    pub place: usize,
    /// The offset of its first byte.
    pub offset: usize,
}

/// The codes of [`BadCharacter`].
pub const BAD_CHARACTERS: [&str; 2] = ["control_character", "unbalanced_direction"];

impl BadCharacter {
    /// Returns the code for such a character.
    #[must_use]
    pub fn code(character: char) -> &'static str {
        let [control, direction] = BAD_CHARACTERS;
        if turns(character) { direction } else { control }
    }
}

/// Returns the first character of a text that is not allowed in messages. Line feeds, also after a carriage return, and
/// tabs are allowed here; the rules of a message decide about them.
#[must_use]
pub fn bad_character(text: &str) -> Option<BadCharacter> {
    if is_plain(text.as_bytes()) {
        return None;
    }
    let mut open: Vec<BadCharacter> = Vec::new();
    let mut characters = text.char_indices().zip(1..).peekable();
    while let Some(((offset, character), place)) = characters.next() {
        let found = BadCharacter { character, place, offset };
        let is_bad = match character {
            '\n' | '\t' => false,
            '\r' => !matches!(characters.peek(), Some(((_, '\n'), _))),
            '\u{202a}' | '\u{202b}' | '\u{202d}' | '\u{202e}' | '\u{2066}'..='\u{2068}' => {
                open.push(found);
                false
            }
            '\u{202c}' => open.pop().is_none_or(|opener| opener.character >= '\u{2066}'),
            '\u{2069}' => open.pop().is_none_or(|opener| opener.character < '\u{2066}'),
            '\u{2028}' | '\u{2029}' => true,
            _ => character.is_control(),
        };
        if is_bad {
            return Some(found);
        }
    }
    open.first().copied()
}

/// Whether UTF-8 bytes certainly contain none of the characters that [`bad_character`] finds. It is a fast check with
/// false negatives: most of the millions of texts pass it, in any script.
#[must_use]
pub fn is_plain(bytes: &[u8]) -> bool {
    // U+0080 to U+009F start with C2, other relevant non-ASCII characters with E2. Without an early exit, the
    // compiler can check many bytes at once.
    let is_odd = |byte: u8| byte < b' ' && byte != b'\n' && byte != b'\t' || matches!(byte, 0x7f | 0xc2 | 0xe2);
    !bytes.iter().fold(false, |found, byte| found | is_odd(*byte))
}

/// Whether a text is blank: only whitespace and invisible characters.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || is_invisible(c))
}

/// Removes zero-width marks at both ends of a text: direction marks, zero-width spaces and joiners, byte order marks.
/// Within a text they have a meaning, and so does a joiner after a virama, which ends words in Malayalam.
#[must_use]
pub fn without_marks(text: &str) -> &str {
    let text = text.trim_start_matches(is_mark);
    let end = text.trim_end_matches(is_mark);
    match text[end.len()..].chars().next() {
        Some(joiner @ ('\u{200c}' | '\u{200d}')) if end.ends_with(VIRAMAS) => &text[..end.len() + joiner.len_utf8()],
        _ => end,
    }
}

/// Returns a text without whitespace and invisible marks around it.
#[must_use]
pub fn trimmed(name: &str) -> &str {
    without_marks(name.trim()).trim()
}

/// The viramas of Indic scripts, which a joiner may follow (Unicode, 12.1).
const VIRAMAS: [char; 10] =
    ['\u{94d}', '\u{9cd}', '\u{a4d}', '\u{acd}', '\u{b4d}', '\u{bcd}', '\u{c4d}', '\u{ccd}', '\u{d4d}', '\u{dca}'];

fn is_mark(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// Whether a character is invisible: those that Unicode calls default ignorable, and a few that are drawn as nothing
/// (the blank Braille pattern, annotation marks).
fn is_invisible(c: char) -> bool {
    const IGNORED: icu_properties::CodePointSetDataBorrowed<'static> =
        CodePointSetData::new::<DefaultIgnorableCodePoint>();
    !c.is_ascii() && (IGNORED.contains(c) || matches!(c, '\u{2800}' | '\u{fff9}'..='\u{fffb}'))
}

/// Whether a character opens or closes a change of text direction.
fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a character affects how text is displayed: a control character, a line separator, or a bidirectional control
/// (Unicode Standard Annex 9).
fn acts(c: char) -> bool {
    c.is_control() || turns(c) || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}')
}

/// Returns a text from outside on one line, with characters that affect a terminal or the text direction as escapes:
/// `\n`, `\u{202e}`.
#[must_use]
pub fn escaped(text: &str) -> Cow<'_, str> {
    escaped_where(text, acts)
}

/// As [`escaped`], but keeps line feeds and tabs, for text on several lines.
#[must_use]
pub fn escaped_lines(text: &str) -> Cow<'_, str> {
    escaped_where(text, |c| acts(c) && !matches!(c, '\n' | '\t'))
}

/// As [`escaped`], for names that people compare: unusual spaces and invisible characters are escaped too, so that no
/// two names look the same.
#[must_use]
pub fn escaped_name(name: &str) -> Cow<'_, str> {
    escaped_where(name, |c| acts(c) || is_invisible(c) || c != ' ' && c.is_whitespace())
}

/// Escapes characters in JSON text that affect how it is displayed, without a change of its values. JSON has such
/// characters only in strings.
#[must_use]
pub fn escaped_json(json: &str) -> Cow<'_, str> {
    let is_escaped = |c| acts(c) && c != '\n';
    let Some(first) = json.find(is_escaped) else { return Cow::Borrowed(json) };
    let mut escaped = json[..first].to_owned();
    for c in json[first..].chars() {
        match c {
            c if is_escaped(c) => escaped.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

fn escaped_where(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    let Some(first) = text.find(&is_escaped) else { return Cow::Borrowed(text) };
    let mut escaped = text[..first].to_owned();
    for c in text[first..].chars() {
        match c {
            '\n' | '\r' | '\t' if is_escaped(c) => escaped.extend(c.escape_default()),
            _ if is_escaped(c) => escaped.extend(c.escape_unicode()),
            _ => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn control_characters_and_open_directions_are_found_with_their_place() {
        for (text, expected) in [
            ("", None),
            ("two\nlines\r\nand\ta tab", None),
            ("Zoë 👨\u{200d}👩\u{200d}👧 ❤\u{fe0f} می\u{200c}خواهم \u{200f}", None),
            ("\u{202b}שלום\u{202c} \u{2067}a \u{202d}b\u{202c}\u{2069}", None),
            ("A\u{0}na", Some(("control_character", 2, 1))),
            ("é\u{b}", Some(("control_character", 2, 2))),
            ("a\u{7f}", Some(("control_character", 2, 1))),
            ("a\u{85}b", Some(("control_character", 2, 1))),
            ("a\u{2028}b", Some(("control_character", 2, 1))),
            ("a\u{2029}b", Some(("control_character", 2, 1))),
            ("a\rb", Some(("control_character", 2, 1))),
            ("a\r", Some(("control_character", 2, 1))),
            ("a\r\r\n", Some(("control_character", 2, 1))),
            ("a\u{202e}b", Some(("unbalanced_direction", 2, 1))),
            ("a\u{202c}", Some(("unbalanced_direction", 2, 1))),
            ("\u{2066}a\u{202c}", Some(("unbalanced_direction", 3, 4))),
            ("\u{202a}\u{2066}a\u{202c}\u{2069}", Some(("unbalanced_direction", 4, 7))),
            ("\u{2068}\u{202a}a\u{202c}", Some(("unbalanced_direction", 1, 0))),
        ] {
            let found = bad_character(text).map(|bad| (BadCharacter::code(bad.character), bad.place, bad.offset));
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn what_nobody_sees_is_blank() {
        let blank = [
            "",
            " ",
            "\u{a0}\u{3000}",
            "\u{200b}",
            "\u{3164}",
            "\u{2800}",
            "\u{ad}",
            "\u{fe0f}",
            "\u{feff}",
            "\u{e0041}\u{e007f}",
            "\u{115f}\u{1160}\u{ffa0}",
            "\u{200e} \u{180e}\u{34f}",
            "\u{2064}",
            "\u{202a}\u{202c}",
        ];
        for text in blank {
            assert!(is_blank(text), "{text:?}");
        }
        for text in ["a", "\u{200b}.", "❤\u{fe0f}", "\u{301}", "\u{1}", "0"] {
            assert!(!is_blank(text), "{text:?}");
        }
    }

    #[test]
    fn marks_go_at_the_ends_only_and_emoji_and_letters_stay_whole() {
        for (text, expected) in [
            ("\u{200e}Ana\u{200b}\u{feff}", "Ana"),
            ("\u{feff}\u{200f}שלום\u{200f}", "שלום"),
            ("❤\u{fe0f}", "❤\u{fe0f}"),
            ("👨\u{200d}👩\u{200d}👧\u{200d}", "👨\u{200d}👩\u{200d}👧"),
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
            (" a ", " a "),
            ("\u{200b}", ""),
            ("രാജന\u{d4d}\u{200d}", "രാജന\u{d4d}\u{200d}"),
            ("രാജന\u{d4d}\u{200d}\u{200b}", "രാജന\u{d4d}\u{200d}"),
            ("ന\u{d4d}\u{200b}\u{200d}", "ന\u{d4d}"),
            ("\u{200d}", ""),
        ] {
            assert_eq!(without_marks(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_acts_is_shown_as_an_escape() {
        let text = "a\u{1b}[2J\u{202e}\n\u{85}é\u{a0}\u{200b}";
        assert_eq!(escaped(text), "a\\u{1b}[2J\\u{202e}\\n\\u{85}é\u{a0}\u{200b}");
        assert_eq!(escaped_lines(text), "a\\u{1b}[2J\\u{202e}\n\\u{85}é\u{a0}\u{200b}");
        assert_eq!(escaped_name(text), "a\\u{1b}[2J\\u{202e}\\n\\u{85}é\\u{a0}\\u{200b}");
        assert!(matches!(escaped("plain é"), Cow::Borrowed(_)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_quick_look_misses_nothing(text in "[aé中\u{0}\u{b}\r\n\t~\u{7f}-\u{a0}\u{2027}-\u{202f}\u{2066}-\u{2069}]{0,6}") {
            // A relevant character at the end forces a full check of every text.
            let thorough = bad_character(&format!("{text}\u{a0}")).map(|bad| bad.offset);
            prop_assert_eq!(bad_character(&text).map(|bad| bad.offset), thorough);
        }

        #[test]
        fn nothing_that_acts_is_left_in_an_escaped_text(text in any::<String>()) {
            prop_assert!(!escaped(&text).chars().any(acts));
            prop_assert!(!escaped_name(&text).chars().any(|c| acts(c) || is_invisible(c)));
            prop_assert_eq!(bad_character(&escaped(&text)), None);
            let json = serde_json::Value::from(text).to_string();
            prop_assert!(!escaped_json(&json).chars().any(acts));
            prop_assert_eq!(serde_json::from_str::<String>(&escaped_json(&json)).ok(), serde_json::from_str(&json).ok());
        }
    }
}
