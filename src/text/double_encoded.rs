//! Finds text that a program decoded with the wrong encoding: UTF-8 that was read as Windows-1252, as in `MÃ¼ller`.

/// What Windows-1252 has from byte 0x80 to 0x9F. Bytes without a character stay control characters.
const SPECIAL: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// How often a text is decoded again: programs in a row may all have done it.
const MOST_TIMES: usize = 3;

/// Whether a text certainly was not decoded twice. It is a fast check with false negatives.
#[must_use]
pub fn is_encoded_once(text: &str) -> bool {
    // The first byte of a character in UTF-8, 0xC2 to 0xF4, becomes U+00C2 to U+00F4, which all start with 0xC3. The
    // next one becomes another non-ASCII character.
    text.is_ascii() || !text.as_bytes().windows(3).any(|bytes| matches!(bytes, [0xc3, _, 0x80..=0xff]))
}

/// Returns the probable original of a text that was decoded twice: it is UTF-8 when it is written as Windows-1252
/// again. Hardly any other text is, because a character such as `Ã` would have to be followed by one such as `¼`.
#[must_use]
pub fn original_text(text: &str) -> Option<String> {
    let mut original = once(text)?;
    for _ in 1..MOST_TIMES {
        match once(&original) {
            Some(further) => original = further,
            None => break,
        }
    }
    Some(original)
}

fn once(text: &str) -> Option<String> {
    if is_encoded_once(text) {
        return None;
    }
    let bytes: Vec<u8> = text.chars().map(byte).collect::<Option<_>>()?;
    String::from_utf8(bytes).ok().filter(|original| original.len() < text.len())
}

/// Returns the byte of a character in Windows-1252.
fn byte(c: char) -> Option<u8> {
    match SPECIAL.iter().zip(0x80..).find(|(special, _)| **special == c) {
        Some((_, byte)) => Some(byte),
        None => u8::try_from(u32::from(c)).ok().filter(|byte| !(0x80..0xa0).contains(byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_decoded_twice_has_its_original() {
        for (text, original) in [
            ("MÃ¼ller", "Müller"),
            ("MÃœLLER", "MÜLLER"),
            ("Itâ€™s", "It’s"),
            ("CafÃ© 25Â°", "Café 25°"),
            ("ÐœÐ°ÑˆÐ°", "Маша"),
            ("é›·", "雷"),
            ("ðŸŽ‰", "🎉"),
            ("MÃƒÂ¼ller", "Müller"),
        ] {
            assert_eq!(original_text(text).as_deref(), Some(original), "{text}");
        }
    }

    #[test]
    fn other_text_has_none() {
        for text in [
            "",
            "Ana",
            "Müller",
            "SÃO PAULO",
            "MAÇÃ",
            "«Ã»",
            "Ñandú",
            "Île-de-France",
            "Zoë ÄÖÜ",
            "It’s",
            "25 °C",
            "李雷",
            "Ана",
            "Ελένη",
            "Müller MÃ¼ller",
            "MÃ¼ller 李",
            "Ã",
            "Â",
        ] {
            assert_eq!(original_text(text), None, "{text}");
        }
    }
}
