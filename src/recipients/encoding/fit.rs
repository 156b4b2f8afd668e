//! Finds the encodings that fit the words of a file: those in which every word looks like a word of some language.
//!
//! Nearly any bytes can be decoded as GBK or Windows-1252, so being decodable means little. Text in the wrong encoding
//! shows: with rare characters among the East Asian ones, and with symbols, capitals or other scripts inside words
//! among the others.

use encoding_rs::{BIG5, EUC_JP, EUC_KR, Encoding, GBK, IBM866, ISO_8859_2, ISO_8859_5, ISO_8859_7, KOI8_U, MACINTOSH};
use encoding_rs::{SHIFT_JIS, WINDOWS_874, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1253, WINDOWS_1254};
use encoding_rs::{WINDOWS_1255, WINDOWS_1256, WINDOWS_1257, WINDOWS_1258};

use super::survey::Survey;

/// The encodings in which every character has one byte. ISO-8859-1 and -15 are read as Windows-1252, as on the web.
const SINGLE_BYTE: [&Encoding; 16] = [
    WINDOWS_1252,
    WINDOWS_1250,
    WINDOWS_1251,
    WINDOWS_1253,
    WINDOWS_1254,
    WINDOWS_1255,
    WINDOWS_1256,
    WINDOWS_1257,
    WINDOWS_1258,
    WINDOWS_874,
    ISO_8859_2,
    ISO_8859_5,
    ISO_8859_7,
    KOI8_U,
    IBM866,
    MACINTOSH,
];

/// Returns the encodings that fit a file.
pub(super) fn fitting(survey: &Survey) -> Vec<&'static Encoding> {
    let multi = survey.decodable.iter().copied().filter(|encoding| is_common(encoding, &survey.words));
    let single = SINGLE_BYTE.into_iter().filter(|encoding| {
        let letters = high_letters(encoding, survey);
        letters.is_some() && is_spelled(encoding, &survey.words)
    });
    multi.chain(single).collect()
}

/// Whether a file has the same text in both encodings.
pub(super) fn same_text(a: &'static Encoding, b: &'static Encoding, survey: &Survey) -> bool {
    a == b || a.is_single_byte() && b.is_single_byte() && high_letters(a, survey) == high_letters(b, survey)
}

/// Returns the characters of the non-ASCII bytes that occur in a file. `None` if one is undefined.
fn high_letters(encoding: &'static Encoding, survey: &Survey) -> Option<String> {
    let bytes: Vec<u8> = (0x80..=0xff).filter(|byte| survey.bytes[usize::from(*byte)]).collect();
    let text = encoding.decode_without_bom_handling_and_without_replacement(&bytes)?;
    (!text.contains(|c: char| c.is_control() || ('\u{e000}'..'\u{f900}').contains(&c))).then(|| text.into_owned())
}

/// Whether the words have the characters that names and addresses are written with, rather than rare ones.
fn is_common(encoding: &'static Encoding, words: &[Vec<u8>]) -> bool {
    let (mut common, mut rare, mut odd) = (0_usize, 0_usize, 0_usize);
    for word in words {
        each_character(encoding, word, |class| match class {
            Class::Common => common += 1,
            Class::Rare => rare += 1,
            Class::Odd => odd += 1,
            Class::Symbol => {}
        });
    }
    // Given names have rarer characters than other text; Japanese and Korean ones do not.
    let (share, of) = if encoding == GBK { (7, 10) } else { (8, 10) };
    common > 0 && common * of >= (common + rare) * share && odd * 20 <= common + rare + odd
}

/// How common a character is.
enum Class {
    /// Of the first level of its character set.
    Common,
    /// Of the second level.
    Rare,
    /// Punctuation and other symbols: as common in one encoding as in the other.
    Symbol,
    /// Anything else.
    Odd,
}

/// Passes on the class of every non-ASCII character.
fn each_character(encoding: &'static Encoding, word: &[u8], mut each: impl FnMut(Class)) {
    let (mut at, mut after_letter) = (0, false);
    while let Some(lead) = word.get(at).copied() {
        let trail = word.get(at + 1).copied().unwrap_or(0);
        let halfwidth = encoding == SHIFT_JIS && matches!(lead, 0xa1..=0xdf);
        if lead < 0x80 {
            after_letter = lead.is_ascii_alphabetic();
            at += 1;
            continue;
        }
        if halfwidth {
            each(if after_letter || trail.is_ascii_alphabetic() { Class::Odd } else { Class::Common });
            at += 1;
        } else {
            // Text in one byte per character has such pairs inside words.
            each(if after_letter { Class::Odd } else { class(encoding, lead, trail) });
            // The third byte of EUC-JP's rare characters is skipped too.
            at += if encoding == EUC_JP && lead == 0x8f { 3 } else { 2 };
        }
        after_letter = false;
    }
}

fn class(encoding: &'static Encoding, lead: u8, trail: u8) -> Class {
    let euc = trail >= 0xa1;
    match lead {
        0xb0..=0xd7 if encoding == GBK && euc => Class::Common,
        0xd8..=0xf7 if encoding == GBK && euc => Class::Rare,
        0xa1 | 0xa3 if (encoding == GBK || encoding == EUC_KR || encoding == EUC_JP) && euc => Class::Symbol,
        0xa1..=0xa3 if encoding == BIG5 => Class::Symbol,
        0xa4..=0xc6 if encoding == BIG5 => Class::Common,
        0xc9..=0xf9 if encoding == BIG5 => Class::Rare,
        0x81 if encoding == SHIFT_JIS => Class::Symbol,
        0x82 if encoding == SHIFT_JIS && trail < 0x9f => Class::Symbol,
        0x82 | 0x83 | 0x88..=0x97 if encoding == SHIFT_JIS => Class::Common,
        0x98..=0x9f | 0xe0..=0xea | 0xed | 0xee | 0xfa..=0xfc if encoding == SHIFT_JIS => Class::Rare,
        0xb0..=0xc8 if encoding == EUC_KR && euc => Class::Common,
        0x81..=0xc6 if encoding == EUC_KR && !euc => Class::Rare,
        0xca..=0xfd if encoding == EUC_KR && euc => Class::Rare,
        0xa4 | 0xa5 | 0xb0..=0xcf if encoding == EUC_JP && euc => Class::Common,
        0x8e | 0x8f | 0xd0..=0xf4 if encoding == EUC_JP => Class::Rare,
        _ => Class::Odd,
    }
}

/// Whether Windows-1252 text has letters of other encodings: those of Iceland, which are letters of Turkish, Lithuanian
/// and Romanian elsewhere, and `õ` and `û` without any other letter of the languages that have them, which are `ő` and
/// `ű` in Hungarian.
pub(super) fn has_strangers(survey: &Survey) -> bool {
    let has = |bytes: &[u8]| bytes.iter().any(|byte| survey.bytes[usize::from(*byte)]);
    let icelandic = has(b"\xd0\xde\xf0\xfe");
    let hungarian = has(b"\xd5\xdb\xf5\xfb") && !has(b"\xc0\xc3\xc7\xc8\xca\xd1\xe0\xe3\xe7\xe8\xea\xf1");
    icelandic || hungarian
}

/// Whether nearly all words look like words.
fn is_spelled(encoding: &'static Encoding, words: &[Vec<u8>]) -> bool {
    let odd = words.iter().filter(|word| {
        let word = encoding.decode_without_bom_handling_and_without_replacement(word);
        word.is_none_or(|word| is_odd(&word))
    });
    odd.count() * 20 <= words.len()
}

/// Whether a word looks wrongly decoded: it has symbols, capitals or another script in the middle, or many accented
/// letters in a row.
fn is_odd(word: &str) -> bool {
    let chars: Vec<char> = word.chars().collect();
    let at = |index: Option<usize>| index.and_then(|index| chars.get(index)).copied();
    let letters = chars.iter().filter(|c| is_latin(**c)).count();
    let mut in_a_row = 0;
    (0..chars.len()).any(|index| {
        let Some(c) = at(Some(index)).filter(|c| !c.is_ascii()) else {
            in_a_row = 0;
            return false;
        };
        let (before, after) = (at(index.checked_sub(1)), at(Some(index + 1)));
        let is_letter = |other: Option<char>| other.is_some_and(char::is_alphabetic);
        let is_lower = |other: Option<char>| other.is_some_and(char::is_lowercase);
        let is_upper = |other: Option<char>| other.is_some_and(char::is_uppercase);
        if is_latin(c) {
            in_a_row += 1;
            let alone = letters > 1 && letters == chars.len() && chars.iter().all(|c| !c.is_ascii());
            let capital = c.is_uppercase() && (is_lower(before) || is_upper(before) && is_lower(after));
            return in_a_row > 2 || alone || capital || c.is_lowercase() && is_lower(before) && is_upper(after);
        }
        in_a_row = 0;
        if c.is_alphabetic() {
            let other_script = |other: Option<char>| other.is_some_and(|other| is_latin(other) && other != c);
            let capital = c.is_uppercase() && (is_lower(before) || is_upper(before) && is_lower(after));
            return other_script(before) || other_script(after) || capital;
        }
        match c {
            '’' | '‘' | '´' | '·' | '\u{ad}' => false,
            // They open what follows.
            '„' | '‚' | '«' | '¿' | '¡' => is_letter(before),
            '\u{a0}' | '–' | '—' => is_letter(before) && is_lower(after),
            // Vowels and tones of Thai, and marks of Hebrew and Arabic, are not letters.
            _ if is_mark(c) => u32::from(c) > 0x500 && before.is_some_and(is_latin),
            _ => is_letter(before) && is_letter(after),
        }
    })
}

/// Whether a letter is Latin.
fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic() || c.is_alphabetic() && ('\u{aa}'..='\u{24f}').contains(&c)
}

/// Whether a character is a combining mark of a script of Windows' code pages.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{5b0}'..='\u{5c2}' | '\u{64b}'..='\u{652}' | '\u{e31}'..='\u{e4e}')
}
