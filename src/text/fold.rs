//! Texts in a form in which they can be compared, however they were typed.

use icu_normalizer::ComposingNormalizerBorrowed;

const NORMALIZER: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfkc();

/// The dot that remains of `İ` in lower case.
const DOT_ABOVE: char = '\u{307}';

/// Returns a text in lower case and in the Unicode normal form NFKC, without surrounding punctuation, and with one
/// space between words. `ı` becomes `i`, because `I` is its capital and that of `i`.
#[must_use]
pub fn folded(text: &str) -> String {
    let text = NORMALIZER.normalize(text).to_lowercase().replace(DOT_ABOVE, "").replace('ı', "i");
    let inner = text.trim_matches(|c: char| !c.is_alphanumeric());
    inner.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_compared_without_its_capitals_punctuation_and_encoding() {
        for (text, expected) in [
            ("  ¡STOP!  ", "stop"),
            ("ＳＴＯＰ", "stop"),
            ("Arre\u{302}t\u{a0}\n SVP 🛑", "arrêt svp"),
            ("ABONELİKTEN ÇIK", "abonelikten çik"),
            ("abonelikten çık", "abonelikten çik"),
            ("Opt-Out", "opt-out"),
            ("...", ""),
        ] {
            assert_eq!(folded(text), expected, "{text}");
        }
    }
}
